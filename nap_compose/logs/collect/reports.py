"""What a collector writes into the state store: a hint how far it has come, never the truth."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from nap_compose.cluster import state_keys as keys
from nap_compose.cluster.state import BATCH, Delete, Put, StateStore, StoreAway
from nap_compose.logs.collect.collector import Collector
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.collect.source import Source, Tally
from nap_compose.logs.kept.stored import to_time

EVERY = 10.0
"""Seconds between two reports."""


class Reports:
    """Writes what a collector does, every few seconds."""

    def __init__(self, store: StateStore, name: str, say: Saying) -> None:
        self._store = store
        self._name = name
        self._say = say
        self._due = 0.0
        self._at = time.monotonic()
        self._before: dict[str, Tally] = {}
        self._written: dict[str, Any] = {}

    def __call__(self, collector: Collector) -> None:
        """Write, if it is time to."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + EVERY
        try:
            self._write(self._records(collector))
        except StoreAway as error:
            self._say("the state store", error.message)

    def _records(self, collector: Collector) -> dict[str, Any]:
        now = time.monotonic()
        passed, self._at = max(0.001, now - self._at), now
        sources = list(collector.sources.values())
        records: dict[str, Any] = {
            keys.logs_of_host(host): self._host(collector, host, sources, passed)
            for host in collector.hosts
        }
        for source in sources:
            if source.whose.replica and not source.whose.oneoff:
                records[_key(source)] = self._replica(source, passed)
        self._before = {
            each.container.id: Tally(each.tally.lines, each.tally.size) for each in sources
        }
        return records

    def _host(
        self, collector: Collector, host: str, sources: list[Source], passed: float
    ) -> dict[str, Any]:
        mine = [source for source in sources if source.host == host]
        rates = [self._rate(source, passed) for source in mine]
        problems = sorted({source.problem for source in mine if source.problem})
        return {
            "collector": self._name,
            "at": round(time.time(), 3),
            "containers": len(mine),
            "lines": round(sum(lines for lines, _ in rates), 1),
            "size": round(sum(size for _, size in rates), 1),
            "behind": round(max((_behind(source) for source in mine), default=0.0), 1),
            "problem": collector.unseen.get(host, "") or "; ".join(problems[:3]),
            "skew": round(collector.skews.get(host, 0.0), 3),
        }

    def _replica(self, source: Source, passed: float) -> dict[str, Any]:
        return {
            "collector": self._name,
            "at": round(time.time(), 3),
            "host": source.host,
            "container": source.container.id,
            "to": source.latest.decode(),
            "lines": round(self._rate(source, passed)[0], 1),
            "behind": round(_behind(source), 1),
            "problem": source.problem,
        }

    def _rate(self, source: Source, passed: float) -> tuple[float, float]:
        before = self._before.get(source.container.id, Tally())
        lines, size = source.tally.lines - before.lines, source.tally.size - before.size
        return lines / passed, size / passed

    def _write(self, records: dict[str, Any]) -> None:
        ops: list[Put | Delete] = [
            Put(key, value)
            for key, value in records.items()
            if _said(value) != self._written.get(key) or key.startswith(keys.LOGS_OF_HOSTS)
        ]
        ops += [Delete(key) for key in self._written if key not in records]
        for first in range(0, len(ops), BATCH):
            self._store.batch(ops[first : first + BATCH])
        self._written = {key: _said(value) for key, value in records.items()}


def skews_before(store: StateStore) -> dict[str, float]:
    """How far ahead the hosts' clocks were when a collector last told; nothing where it is away."""
    with contextlib.suppress(StoreAway):
        return {
            entry.key.removeprefix(keys.LOGS_OF_HOSTS): float(entry.value.get("skew", 0.0))
            for entry in store.list(keys.LOGS_OF_HOSTS)
        }
    return {}


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """A record without the time at which it was written."""
    return {name: part for name, part in value.items() if name != "at"}


def _key(source: Source) -> str:
    whose = source.whose
    return keys.logs(whose.owner, whose.app, whose.service, whose.replica)


def _behind(source: Source) -> float:
    """Seconds until a line is kept: of the last one, or since nothing could be kept any more."""
    if not source.problem:
        return source.tally.behind
    since = source.tally.at or (to_time(source.latest) / 1e9 if source.latest else 0.0)
    return max(0.0, time.time() - since) if since else 0.0
