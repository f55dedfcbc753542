"""Volumes that lie on one host: a service goes where its data is, never the other way round."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from nap_compose.cluster.adopted import IN_PLACE
from nap_compose.cluster.view import HostView
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.bodies.making import volume_name

_OVER_THE_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs")
"""File systems that the local driver can mount and that every host sees alike."""
_GIVEN_BY_THE_ENGINE = re.compile("[0-9a-f]{64}")


def is_local(driver: str, options: Mapping[str, Any]) -> bool:
    """Whether what is written to such a volume is on that one host alone."""
    return driver in ("", "local") and options.get("type") not in _OVER_THE_NETWORK


def is_anonymous(name: str) -> bool:
    """Whether an engine gave a volume this name, since nobody else did."""
    return bool(_GIVEN_BY_THE_ENGINE.fullmatch(name))


def mounted(app: App, service: Service) -> tuple[str, ...]:
    """The keys of the app's volumes that a service mounts."""
    keys = dict.fromkeys(
        mount.source
        for mount in service.mounts
        if mount.type == "volume" and mount.source in app.volumes
    )
    return tuple(keys)


def local_volumes(app: App, service: Service, pooled: Collection[str]) -> tuple[str, ...]:
    """The keys of those that are on one host alone: all but the `pooled` ones on cluster storage,
    and what every host mounts over the network."""
    return tuple(
        key for key in mounted(app, service) if key not in pooled and _told_local(app.volumes[key])
    )


def homes(app: App, project: str, key: str, hosts: list[HostView]) -> tuple[str, ...]:
    """The hosts where a volume is already. Of one that stayed in place from a host's own Compose,
    another host's of that name is somebody else's."""
    name = volume_name(app, project, key)
    in_place = bool(app.volumes[key].get(IN_PLACE))
    return tuple(
        host.name
        for host in hosts
        if any(
            v.name == name
            and is_local(v.driver, v.options)
            and (not in_place or v.identity is not None)
            for v in host.volumes
        )
    )


def _told_local(spec: Mapping[str, Any]) -> bool:
    return is_local(spec.get("driver") or "", spec.get("driver_opts") or {})
