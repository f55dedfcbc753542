"""Volumes that lie on one host: a service goes where its data is, never the other way round."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from nap_compose.cluster.adopted import IN_PLACE
from nap_compose.cluster.view import HostView
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.bodies.making import volume_name

_GIVEN_BY_THE_ENGINE = re.compile("[0-9a-f]{64}")


def is_engines_own(driver: str) -> bool:
    """Whether a volume is of the driver that every engine has."""
    return driver in ("", "local")


def is_shared(driver: str, options: Mapping[str, Any], shared: Collection[str]) -> bool:
    """Whether every host sees the content of such a volume alike, by what the cluster file says:
    `shared` are drivers, and of the driver `local` types of file systems."""
    return (options.get("type") if is_engines_own(driver) else driver) in shared


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


def local_volumes(
    app: App, service: Service, pooled: Collection[str], shared: Collection[str]
) -> tuple[str, ...]:
    """The keys of those that are on one host alone: all but the `pooled` ones on cluster storage,
    and those of `shared` drivers."""
    return tuple(
        key
        for key in mounted(app, service)
        if key not in pooled and not told_shared(app.volumes[key], shared)
    )


def homes(
    app: App, project: str, key: str, hosts: list[HostView], shared: Collection[str] = ()
) -> tuple[str, ...]:
    """The hosts where a volume is already, none where it is of a `shared` driver there. Of one that
    stayed in place from a host's own Compose, another host's of that name is somebody else's."""
    name = volume_name(app, project, key)
    in_place = bool(app.volumes[key].get(IN_PLACE))
    return tuple(
        host.name
        for host in hosts
        if any(
            v.name == name
            and not is_shared(v.driver, v.options, shared)
            and (not in_place or v.identity is not None)
            for v in host.volumes
        )
    )


def told_shared(spec: Mapping[str, Any], shared: Collection[str]) -> bool:
    """Whether a volume is of a shared driver as its file defines it."""
    return is_shared(str(spec.get("driver") or ""), spec.get("driver_opts") or {}, shared)
