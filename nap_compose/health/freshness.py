"""Whether the records still say how things are: somebody must have looked lately. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nap_compose.cluster import seen
from nap_compose.health.details import age
from nap_compose.health.records import Heartbeat

MISSED = 3
"""So many sweeps may be missed before what a watcher said counts for nothing."""
LEAST = 60.0
"""Seconds that a sweep counts for in any case."""


def is_stale(heartbeats: Iterable[Heartbeat]) -> bool:
    """Whether no heartbeat of one who looks is young enough: who doesn't lead only stands by."""
    return not any(_beats(each) for each in heartbeats if each.leads or not each.every)


def at_work(heartbeats: Iterable[Heartbeat]) -> list[Heartbeat]:
    """Those of watchers that go on."""
    return [each for each in heartbeats if each.every and _beats(each)]


def _beats(heartbeat: Heartbeat) -> bool:
    allowed = max(LEAST, MISSED * heartbeat.every) + heartbeat.took
    return age(heartbeat.at, seen.now()) <= allowed
