"""Volumes of apps that are on their way to another place, or whose content is, in the state store.

While one is, nothing of the app is started: what was written to one place would be missing at the
other. What was cut off stays on record until it is finished or given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Move:
    """A volume, `key` of an app, `name` on the hosts, on its way from host `source` to host
    `target` (empty: to cluster storage, into `folder` of its workplace there).

    `whole`: the copy is complete and was compared; from then on it counts. `again` are the
    services to bring up afterwards. `restore`: it stays where it is, and its content is on its
    way from a backup.
    """

    key: str
    name: str
    source: str
    target: str
    folder: str = ""
    whole: bool = False
    again: tuple[str, ...] = ()
    restore: bool = False

    @property
    def where(self) -> str:
        """Where it goes, for a person."""
        return self.target or "cluster storage"


def read(store: StateStore, owner: str, app: str) -> Move | None:
    """The move that is under way or was cut off."""
    entry = store.get(state_keys.moving(owner, app))
    return _read(entry.value) if entry else None


def write(store: StateStore, owner: str, app: str, move: Move) -> None:
    """Keep it. Written under the app's lock, so unconditionally."""
    value = {**asdict(move), "again": list(move.again)}
    if not move.restore:
        del value["restore"]  # as it was before there was any
    store.put(state_keys.moving(owner, app), value)


def delete(store: StateStore, owner: str, app: str) -> None:
    """It is done, or given up."""
    store.delete(state_keys.moving(owner, app))


def refuse(store: StateStore, owner: str, app: str) -> None:
    """Raise NapError where a volume of the app is on its way."""
    move = read(store, owner, app)
    if move is not None and move.restore:
        raise NapError(
            f"the content of volume {move.key} of {app} is being brought back, and that was cut "
            "off",
            hint=f"nap volume restore {app}/{move.key} FILE, from its beginning",
        )
    if move is not None:
        way = f"from {move.source} to {move.where}"
        raise NapError(
            f"volume {move.key} of {app} is on its way {way}, and that was cut off",
            hint=f"nap volume move {app}/{move.key} finishes it"
            + ("" if move.whole else "; with --abandon it stays where it was"),
        )


def _read(value: Mapping[str, Any]) -> Move:
    return Move(**{**value, "again": tuple(value["again"])})
