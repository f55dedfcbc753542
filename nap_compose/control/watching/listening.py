"""What the engines tell between two sweeps: on which hosts something has happened."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Mapping, Sequence

from nap_compose.cluster.engine import Engines
from nap_compose.cluster.labels import APP, COMPOSE
from nap_compose.errors import NapError

HEARD = ("create", "start", "die", "destroy", "health_status", "pause", "unpause", "rename")
"""Events that change what a record says."""

RETRY_FIRST, RETRY_LAST = 0.5, 5.0
"""Seconds until a host that went away is listened to again: at first, and at the most."""

AGAIN = (0.5, 2.0)
"""Seconds after which a host is looked at again."""

AFTER_AN_END = (0.1, 0.2, 0.3, 0.4, *AGAIN)
"""The same after the end of a container: an engine tells of it first, and lists the container as
running until it has cleaned up after it, a tenth of a second or a half. What is to be started
again waits for that."""

PAUSES = {False: AGAIN, True: AFTER_AN_END}
"""When to look again: after a container's end, and after anything else."""

NEVER: Mapping[bool, Sequence[float]] = {False: (), True: ()}
"""One look is enough."""


_News = tuple[str, bool]
"""A host where something has happened, and whether it was a container's end."""

_NOTHING: _News = ("", False)


class Listener:
    """A thread for each host reads its engine's events, over lost connections. What is missed
    meanwhile the next sweep finds. `heard` are the events that matter; `again` says when to look
    again after one."""

    def __init__(
        self,
        engines: Engines,
        *,
        embedded: bool,
        heard: Sequence[str] = HEARD,
        again: Mapping[bool, Sequence[float]] = PAUSES,
    ) -> None:
        self._engines = engines
        self._pauses = again
        key = COMPOSE + "project" if embedded else APP
        self._filters = {"type": ["container"], "event": [*heard], "label": [key]}
        self._news: queue.Queue[_News] = queue.Queue()
        self._again: dict[str, list[float]] = {}
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to listen."""
        for host in self._engines.names:
            threading.Thread(
                target=self._listen, args=(host,), name=f"events of {host}", daemon=True
            ).start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()

    def wake(self) -> None:
        """Let whoever waits for news look up."""
        self._news.put(_NOTHING)

    def hosts(self, wait: float) -> set[str]:
        """The hosts where something has happened since the last time, and those that are to be
        looked at again for what happened before; waits so many seconds for the first one."""
        soonest = min((min(times) for times in self._again.values()), default=math.inf)
        news = self._heard(min(wait, soonest - time.monotonic()))
        heard = {host for host, _ in news}
        now = time.monotonic()
        due = {host for host, times in self._again.items() if min(times) <= now}
        for host in due:
            later = [at for at in self._again.pop(host) if at > now]
            if later:
                self._again[host] = later
        for host in heard:
            if pauses := self._pauses[(host, True) in news]:
                self._again[host] = [now + pause for pause in pauses]
        return heard | due

    def _heard(self, wait: float) -> set[_News]:
        found: set[_News] = set()
        try:
            found.add(self._news.get(timeout=max(0.0, wait)))
            while True:
                found.add(self._news.get_nowait())
        except queue.Empty:
            return found - {_NOTHING}

    def _listen(self, host: str) -> None:
        since, wait = time.time(), RETRY_FIRST
        while not self._stop.is_set():
            try:
                events = self._engines.on(host).events(since=since, filters=self._filters)
                for event in events:
                    if self._stop.is_set():
                        return
                    since, wait = int(event.get("timeNano") or 0) / 1e9 or since, RETRY_FIRST
                    self._news.put((host, event.get("Action") == "die"))
            except (NapError, KeyError, TypeError, ValueError):
                pass  # the sweep says what is wrong with the host
            self._stop.wait(wait)
            wait = min(2 * wait, RETRY_LAST)
