"""Replicas that failed on a host lately: where that is often, placement tries other hosts first.

Whoever sees one fail enters it: deployments, and watchers. After `WINDOW` seconds it no longer
counts, and the next entry takes it off the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.plaindata import dataclass

WINDOW = 300.0
"""Seconds for which a failure counts."""
MOST = 100
"""Failures that are kept of one host."""
_TRIES = 20


@dataclass(frozen=True)
class Failed:
    """A replica of an app (`ada/shop`) that failed, and when (UTC)."""

    at: str
    app: str
    slot: str


def enter(store: StateStore, host: str, owner: str, app: str, slots: Iterable[str]) -> None:
    """These replicas of an app failed on the host just now. Raises StoreAway."""
    key, now = state_keys.failures(host), utc_now()
    new = [[now, state_keys.app_path(owner, app), slot] for slot in slots]
    for _ in range(_TRIES):
        entry = store.get(key)
        known = [each for each in (entry.value if entry else ()) if not _is_over(each[0], now)]
        try:
            store.put(key, [*known, *new][-MOST:], if_version=entry.version if entry else 0)
        except Lost:
            continue
        return


def read_all(store: StateStore) -> dict[str, tuple[Failed, ...]]:
    """What still counts, by host."""
    now = utc_now()
    found = {
        entry.key[len(state_keys.FAILURES) :]: tuple(
            Failed(*map(str, each)) for each in entry.value if not _is_over(each[0], now)
        )
        for entry in store.list(state_keys.FAILURES)
    }
    return {host: failed for host, failed in found.items() if failed}


def that_count(found: Mapping[str, tuple[Failed, ...]], owner: str, app: str) -> dict[str, int]:
    """How many failures each host has that count for an app. Pure.

    Where replicas of one app alone fail, that is most likely the app's own fault: it counts for
    that app. Where those of several do, it is the host's, and counts for every app.
    """
    mine = state_keys.app_path(owner, app)
    counted = {
        host: len(failed)
        if len({each.app for each in failed}) > 1
        else sum(each.app == mine for each in failed)
        for host, failed in found.items()
    }
    return {host: number for host, number in counted.items() if number}


def _is_over(at: str, now: str) -> bool:
    return _time(now) - _time(at) > timedelta(seconds=WINDOW)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
