"""An engine whose containers' logs a test writes, and whose connections it cuts.

Only `logs` is there, with the engine's rules: `since` takes in the time itself, `tail` counts
over both streams, a lost connection raises. For what a real socket does, see tests/engine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, cast

from nap_compose.cluster.engine import Engine, Engines, NotFound
from nap_compose.cluster.engine import EngineAway as Away
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.view import Absence, ContainerView


def stamp(at: int) -> bytes:
    """Nanoseconds since 1970 as an engine writes them."""
    second, nano = divmod(at, 1_000_000_000)
    text = datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nano:09}Z".encode()


@dataclass
class Printed:
    """What one container has printed: (time in ns, stream, text). `ended`: it no longer runs."""

    lines: list[tuple[int, str, bytes]] = field(default_factory=list)
    ended: bool = False


@dataclass
class ScriptedEngine:
    """`cuts` holds, for each call to come, after how many lines the connection is lost; `early`,
    for each that follows, after how many the answer ends in good order, as an engine's does whose
    container ends meanwhile."""

    host: str
    printed: dict[str, Printed] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    early: list[int] = field(default_factory=list)
    away: bool = False
    hangs: bool = False
    calls: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def logs(
        self,
        container: str,
        *,
        follow: bool = False,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
        stream: str = "",
    ) -> Iterator[tuple[str, bytes]]:
        self.calls += 1
        if self.hangs:
            self.closing.wait(30)
        if self.away:
            raise self._lost()
        if container not in self.printed:
            raise NotFound(self.host, 404, f"No such container: {container}")
        cut = self.cuts.pop(0) if self.cuts else None
        early = self.early.pop(0) if self.early and follow else None
        printed = self.printed[container]
        if stream:
            of_it = [line for line in printed.lines if line[1] == stream]
            printed = Printed(of_it, printed.ended)
        there = len(printed.lines)
        read = 0 if tail is None else max(0, there - tail)
        given = 0
        while True:
            while read < len(printed.lines) if follow else read < there:
                at, stream, text = printed.lines[read]
                read += 1
                if since is not None and at < int(since * 1e9):
                    continue
                if until is not None and at > until * 1e9:
                    return
                if given == cut or self.away:
                    raise self._lost()
                if given == early:
                    return
                given += 1
                yield stream, stamp(at) + b" " + text
            if not follow or printed.ended or self.closing.is_set():
                return
            if given == cut or self.away:
                raise self._lost()
            time.sleep(0.005)

    def log_batches(self, container: str, **wanted: Any) -> Iterator[list[tuple[str, bytes]]]:
        """The same, in batches of a few lines."""
        batch: list[tuple[str, bytes]] = []
        try:
            for line in self.logs(container, **wanted):
                batch.append(line)
                if len(batch) == 3 or wanted.get("follow"):
                    yield batch
                    batch = []
        except Away:
            if batch:
                yield batch
            raise
        if batch:
            yield batch

    def _lost(self) -> Away:
        return Away(self.host, Absence.UNREACHABLE, "connection lost")


class ScriptedEngines:
    """The engines by name, as the reading side sees them."""

    def __init__(self, *engines: ScriptedEngine) -> None:
        self._engines = {engine.host: engine for engine in engines}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._engines)

    def begin(self, hosts: Collection[str]) -> None:
        """There is nothing to connect to."""

    def on(self, host: str) -> Engine:
        return cast(Engine, self._engines[host])


def engines(*given: ScriptedEngine) -> Engines:
    return ScriptedEngines(*given)


def container(name: str, host: str, **changes: Any) -> ContainerView:
    """A running container that fills the slot `name` ("web.1") of the app shop."""
    service, _, replica = name.partition(".")
    identity = Identity(cluster="", owner="", app="shop", service=service, replica=int(replica))
    view = ContainerView(
        id=f"id-{name}-{host}", name=name, host=host, state="running", identity=identity
    )
    return replace(view, **changes)
