"""What happens to containers, from every host in one order by time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from nap_compose.border import EventRequest, EventRow, Whereabouts
from nap_compose.cluster.engine import EngineAway, EngineError, Json
from nap_compose.cluster.labels import APP, COMPOSE
from nap_compose.cluster.seen import container_identity
from nap_compose.control.looking.choosing import is_chosen, number_of
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.logs.merge import Holdback

Warn = Callable[[str], None]

PATIENCE = 0.3
"""Seconds that an event waits for earlier ones from other hosts."""
RETRY_FIRST, RETRY_LAST = 0.5, 5.0
"""Seconds until a host that went away is tried again: at first, and at the most."""
OURS = ("com.docker.compose.", "io.nap.")
"""Labels that say whose a container is, which no event needs to show."""


def watch_events(
    parts: Parts, request: EventRequest, warn: Warn, *, oneoffs: bool = True
) -> Iterator[EventRow]:
    """The events of the chosen containers, by time, without `oneoffs` only of replicas. Ends at
    `until`; without it, never."""
    watch = _Watch(parts, request, warn, oneoffs=oneoffs)
    try:
        yield from watch.rows()
    finally:
        watch.stop()


class _Watch:
    """A thread for each host reads its engine's events; one that went away is tried again from
    its last event on, and costs one warning."""

    def __init__(self, parts: Parts, request: EventRequest, warn: Warn, *, oneoffs: bool) -> None:
        self._parts = parts
        self._request = request
        self._warn = warn
        self._oneoffs = oneoffs
        self._began = time.time() if request.since is None else request.since
        self._news: queue.Queue[tuple[str, EventRow | None]] = queue.Queue()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Nobody wants the rest."""
        self._stop.set()

    def rows(self) -> Iterator[EventRow]:
        held: Holdback[EventRow] = Holdback(PATIENCE)
        hosts = set(self._parts.engines.names)
        for host in hosts:
            held.add(host)
            threading.Thread(target=self._read, args=(host,), daemon=True).start()
        while hosts and not self._over():
            due = held.due_in(time.monotonic())
            try:
                host, row = self._news.get(timeout=PATIENCE if due is None else min(due, PATIENCE))
                if row is None:
                    held.remove(host)
                    hosts.discard(host)
                else:
                    held.push(host, row.at, row, time.monotonic())
            except queue.Empty:
                pass
            yield from held.ready(time.monotonic())
        yield from held.rest()

    def _over(self) -> bool:
        """Whether `until` is well past, though a host may still owe us an answer."""
        until = self._request.until
        return until is not None and time.time() > until + RETRY_LAST and self._news.empty()

    def _read(self, host: str) -> None:
        """In a thread: hand on a host's events, over lost connections."""
        since, wait, away = self._began, RETRY_FIRST, False
        shown: set[tuple[int, str, str]] = set()
        until = self._request.until
        while not self._stop.is_set():
            try:
                engine = self._parts.engines.on(host)
                for event in engine.events(since=since, until=until, filters=self._filters()):
                    away, wait = False, RETRY_FIRST
                    row = self._row(host, event)
                    key = (int(event.get("timeNano") or 0), event["Actor"]["ID"], event["Action"])
                    if key[0] / 1e9 > since:
                        since, shown = key[0] / 1e9, {each for each in shown if each[0] == key[0]}
                    if row is not None and key not in shown:
                        self._news.put((host, row))
                    shown.add(key)
                break
            except EngineAway as error:
                if not away and not self._stop.is_set():
                    self._warn(f"the events of host {host} are missing: {error.message}")
                away = True
                if until is not None and time.time() > until:
                    break
                self._stop.wait(wait)
                wait = min(2 * wait, RETRY_LAST)
            except (EngineError, NapError) as error:
                self._warn(f"the events of host {host} can't be read: {error}")
                break
            except (KeyError, TypeError, ValueError):
                self._warn(f"the events of host {host} can't be understood")
                break
        self._news.put((host, None))

    def _filters(self) -> dict[str, list[str]]:
        """What the engine leaves out by itself."""
        app, embedded = self._request.chosen.target.app, self._parts.cluster.embedded
        key = COMPOSE + "project" if embedded else APP
        return {"type": ["container"], "label": [f"{key}={app}" if app else key]}

    def _row(self, host: str, event: Json) -> EventRow | None:
        """The event as a row; None where it isn't about a chosen container."""
        actor = event["Actor"]
        labels = actor.get("Attributes") or {}
        name = labels.get("name", "")
        identity = container_identity(
            labels, name, cluster=self._parts.cluster.name, seal=self._parts.seal
        )
        if identity is None or not is_chosen(identity, self._request.chosen):
            return None
        if identity.oneoff and not self._oneoffs:
            return None
        return EventRow(
            of=Whereabouts(
                owner=identity.owner,
                app=identity.app,
                service=identity.service,
                replica=number_of(identity),
                host=host,
                name=name,
                id=actor["ID"],
            ),
            at=int(event.get("timeNano") or 0),
            action=event["Action"],
            attributes={k: v for k, v in labels.items() if not k.startswith(OURS)},
        )
