"""What was told and what is still to be sent, in the state store: so whoever leads next neither
tells it again nor forgets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore
from nap_compose.health.notices import Notice
from nap_compose.plaindata import dataclass

MOST = 200
"""So many notices wait at the most; the oldest go, and so nobody is told of last week's."""
LASTS = 24 * 3600.0
"""Seconds for which it is tried to send one."""
PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds before the next try; the last counts for all that follow."""


@dataclass(frozen=True)
class Due:
    """A notice on its way to one recipient: made at `made`, tried `tries` times, and next at
    `after` (both seconds since 1970)."""

    to: str
    notice: Notice
    made: float
    tries: int = 0
    after: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        return self.to, self.notice.id

    def failed(self, now: float) -> Due | None:
        """The same after a try that failed; None where it is given up."""
        if now > self.made + LASTS:
            return None
        pause = PAUSES[min(self.tries, len(PAUSES) - 1)]
        return replace(self, tries=self.tries + 1, after=now + pause)


@dataclass(frozen=True)
class Told:
    """`states` are the grades that were told of what is wrong, by key; `happened` the moments of
    what was told of; `looked` (UTC text) is when somebody last looked; `due` waits to be sent."""

    states: Mapping[str, str] = field(default_factory=dict)
    happened: Mapping[str, str] = field(default_factory=dict)
    looked: str = ""
    due: tuple[Due, ...] = ()


def read(store: StateStore) -> tuple[Told, int]:
    """The record and its version. Raises StoreAway."""
    entry = store.get(state_keys.NOTIFIED)
    if entry is None:
        return Told(), 0
    value: Mapping[str, Any] = entry.value
    due = tuple(
        Due(each["to"], Notice.of(each["notice"]), each["made"], each["tries"], each["after"])
        for each in value.get("due") or ()
    )
    told = Told(
        value.get("states") or {}, value.get("happened") or {}, value.get("looked", ""), due
    )
    return told, entry.version


def write(store: StateStore, told: Told, version: int) -> int:
    """Write it where nobody else has; gives the new version. Raises Lost, StoreAway."""
    value = {
        "states": dict(told.states),
        "happened": dict(told.happened),
        "looked": told.looked,
        "due": [
            {
                "to": each.to,
                "notice": each.notice.as_json(),
                "made": each.made,
                "tries": each.tries,
                "after": each.after,
            }
            for each in told.due[-MOST:]
        ],
    }
    return store.put(state_keys.NOTIFIED, value, if_version=version)
