"""What is to run of an app, for the watcher: which revision, and which replicas were stopped.

The engines tell what there is. What of it was stopped on purpose, and must stay so when its host
is lost, only whoever stopped it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Wanted:
    """`revision` is the one that was brought about last; `stopped` are replicas (`web.2`) that
    are not to run."""

    revision: int
    stopped: frozenset[str] = frozenset()


def read(store: StateStore, owner: str, app: str) -> Wanted | None:
    """What is wanted of one app; None where nothing was deployed, or it is down."""
    entry = store.get(state_keys.wanted(owner, app))
    return _of(entry.value) if entry else None


def read_all(store: StateStore) -> dict[tuple[str, str], Wanted]:
    """(owner, app) → what is wanted; the owner is empty where there are no users."""
    found = {}
    for entry in store.list(state_keys.WANTED):
        owner, _, app = entry.key[len(state_keys.WANTED) :].partition("/")
        found["" if owner == state_keys.NO_OWNER else owner, app] = _of(entry.value)
    return found


# All that follows is called under the app's lock, and so without conditions.


def deployed(
    store: StateStore, owner: str, app: str, revision: int, services: Collection[str]
) -> None:
    """The revision stands, and all replicas of these services are to run."""
    before = read(store, owner, app)
    stopped = frozenset(
        slot
        for slot in (before.stopped if before else ())
        if slot.rpartition(".")[0] not in services
    )
    _write(store, owner, app, before, Wanted(revision, stopped))


def stopped(store: StateStore, owner: str, app: str, slots: Iterable[str]) -> None:
    """These replicas are not to run."""
    before = read(store, owner, app)
    if before is not None:
        now = Wanted(before.revision, before.stopped.union(slots))
        _write(store, owner, app, before, now)


def started(store: StateStore, owner: str, app: str, slots: Iterable[str]) -> None:
    """These replicas are to run again."""
    before = read(store, owner, app)
    if before is not None:
        now = Wanted(before.revision, before.stopped.difference(slots))
        _write(store, owner, app, before, now)


def delete(store: StateStore, owner: str, app: str) -> None:
    """Nothing of the app is to run."""
    store.delete(state_keys.wanted(owner, app))


def _write(store: StateStore, owner: str, app: str, before: Wanted | None, now: Wanted) -> None:
    if now != before:
        value = {"revision": now.revision, "stopped": sorted(now.stopped)}
        store.put(state_keys.wanted(owner, app), value)


def _of(value: Mapping[str, Any]) -> Wanted:
    return Wanted(int(value["revision"]), frozenset(value.get("stopped") or ()))
