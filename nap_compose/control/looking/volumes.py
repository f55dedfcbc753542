"""The volumes of apps, on whichever host each one lies."""

from __future__ import annotations

from nap_compose.border import Chosen, Listing, VolumeRow
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import VolumeView
from nap_compose.control.looking.choosing import look
from nap_compose.control.parts import Parts
from nap_compose.control.reading import warnings_of


def list_volumes(parts: Parts, chosen: Chosen) -> Listing:
    """A row for each volume of the target's app (none named: of every app); with services named,
    of those that their containers mount."""
    view, containers = look(parts, chosen, Part.VOLUMES)
    target = chosen.target
    mounted = {(each.host, name) for each in containers for name in each.volumes}
    rows = []
    for host in view.hosts.values():
        for volume in host.volumes:
            row = _row(volume)
            if row is None or (target.app and (row.owner, row.app) != (target.owner, target.app)):
                continue
            if (target.service or chosen.services) and (host.name, volume.name) not in mounted:
                continue
            rows.append(row)
    rows.sort(key=lambda row: (row.owner, row.app, row.name, row.host))
    return Listing(tuple(rows), warnings_of(view))


def _row(volume: VolumeView) -> VolumeRow | None:
    if volume.identity is None:
        return None
    return VolumeRow(
        owner=volume.identity.owner,
        app=volume.identity.app,
        key=volume.labels.get(COMPOSE + "volume", ""),
        host=volume.host,
        name=volume.name,
        driver=volume.driver,
        scope=volume.scope,
        mountpoint=volume.mountpoint,
        labels=volume.labels,
    )
