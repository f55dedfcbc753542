"""What the engines tell between two sweeps: on which hosts something has happened."""

from __future__ import annotations

import queue
import threading
import time

from nap_compose.cluster.engine import Engines
from nap_compose.cluster.labels import APP, COMPOSE
from nap_compose.errors import NapError

HEARD = ("create", "start", "die", "destroy", "health_status", "pause", "unpause", "rename")
"""Events that change what a record says."""

RETRY_FIRST, RETRY_LAST = 0.5, 5.0
"""Seconds until a host that went away is listened to again: at first, and at the most."""


class Listener:
    """A thread for each host reads its engine's events, over lost connections. What is missed
    meanwhile the next sweep finds."""

    def __init__(self, engines: Engines, *, embedded: bool) -> None:
        self._engines = engines
        key = COMPOSE + "project" if embedded else APP
        self._filters = {"type": ["container"], "event": [*HEARD], "label": [key]}
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
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
        self._news.put("")

    def hosts(self, wait: float) -> set[str]:
        """The hosts where something has happened since the last time; waits so many seconds for
        the first one."""
        found: set[str] = set()
        try:
            found.add(self._news.get(timeout=max(0.0, wait)))
            while True:
                found.add(self._news.get_nowait())
        except queue.Empty:
            return found - {""}

    def _listen(self, host: str) -> None:
        since, wait = time.time(), RETRY_FIRST
        while not self._stop.is_set():
            try:
                events = self._engines.on(host).events(since=since, filters=self._filters)
                for event in events:
                    if self._stop.is_set():
                        return
                    since, wait = int(event.get("timeNano") or 0) / 1e9 or since, RETRY_FIRST
                    self._news.put(host)
            except (NapError, KeyError, TypeError, ValueError):
                pass  # the sweep says what is wrong with the host
            self._stop.wait(wait)
            wait = min(2 * wait, RETRY_LAST)
