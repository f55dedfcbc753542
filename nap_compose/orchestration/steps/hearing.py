"""What one engine tells of an app's containers while steps wait for them.

It only saves looks: whoever waits looks all the same, now and then while the engine tells what
happens, and often where it doesn't. So neither a lost stream nor one that hangs is a failure, and
no two clocks are compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nap_compose.cluster.engine import Events, Json
from nap_compose.errors import NapError

ENDED = "die"
HEARD = ("health_status", ENDED, "oom", "destroy", "pause", "unpause")
"""Events that change what whoever waits finds; a start is looked for by whoever made it."""

RESTLESS = 2.0
"""Seconds after anything but good news for which only lists count: an engine tells of an end
first, and lists the container as running until it has cleaned up after it."""

HEALTHY, UNHEALTHY = "health_status: healthy", "health_status: unhealthy"


class Hearing:
    """Listens to one engine, in a thread of its own."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._begun = False
        self._closed = False
        self._events: Events | None = None
        self._since: float | None = None
        self._bells: dict[str, threading.Event] = {}
        self._ends: dict[str, float] = {}

    @property
    def peace_since(self) -> float | None:
        """From when on (monotonic seconds) each change has been told; None while it isn't, or
        where something was told of late that only a list explains."""
        since = self._since
        return since if since is not None and since <= time.monotonic() else None

    def begin(self, listen: Callable[[], Events], healthy: Callable[[str], None]) -> None:
        """Listen, once; `healthy` is called with each container that has become so."""
        with self._guard:
            begun, self._begun = self._begun, True
        if not begun:
            threading.Thread(
                target=self._hear, args=(listen, healthy), name="hearing", daemon=True
            ).start()

    def wait(self, container: str, seconds: float) -> None:
        """Wait until something is told of the container, and so long at the most."""
        bell = self._bell(container)
        if bell.wait(seconds):
            bell.clear()

    def wake(self, container: str) -> None:
        """Wake who waits for something to be told of the container."""
        self._bell(container).set()

    def ended_since(self, container: str, moment: float) -> bool:
        """Whether it was told after that moment (monotonic seconds) that its process ended."""
        return self._ends.get(container, float("-inf")) >= moment

    def close(self) -> None:
        """Listen no more."""
        with self._guard:
            self._closed = True
            if self._events is not None:
                self._events.close()

    def _hear(self, listen: Callable[[], Events], healthy: Callable[[str], None]) -> None:
        try:
            if self._closed:
                return
            events = listen()
            with self._guard:
                self._events = events
                if self._closed:
                    events.close()
            self._since = time.monotonic()
            for event in events:
                self._told(event, healthy)
        except (NapError, KeyError, TypeError, ValueError):
            pass  # whoever waits looks, and says what is wrong with the host
        finally:
            self._since = None

    def _told(self, event: Json, healthy: Callable[[str], None]) -> None:
        container = str(event["Actor"]["ID"])
        if event["Action"] == HEALTHY:
            healthy(container)
        elif event["Action"] in (UNHEALTHY, *HEARD):
            self._since = time.monotonic() + RESTLESS
        if event["Action"] == ENDED:
            self._ends[container] = time.monotonic()
        self.wake(container)

    def _bell(self, container: str) -> threading.Event:
        return self._bells.setdefault(container, threading.Event())
