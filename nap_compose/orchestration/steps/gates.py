"""Who may start and stop containers on a host at the same time.

In a swarm an overlay network comes to a host with its first container there and goes with its
last. An engine that attaches one container while it lets go of another, or attaches two at once,
can miss the network, and then holds on to a dead attachment for as long as it runs. One start at
a time takes no longer: the engine does them one by one anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets through one start alone, or any number of stops."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stops = 0
        self._starts = False
        self._waiting = 0

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Nobody else starts or stops a container in the block."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not (self._starts or self._stops))
            self._waiting -= 1
            self._starts = True
        try:
            yield
        finally:
            with self._changed:
                self._starts = False
                self._changed.notify_all()

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Nobody starts a container in the block. Who waits for a start goes first."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._starts or self._waiting))
            self._stops += 1
        try:
            yield
        finally:
            with self._changed:
                self._stops -= 1
                self._changed.notify_all()


class OpenGate(Gate):
    """Lets everybody through: for networks of which an engine can do several things at once."""

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Begin at once."""
        yield

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Begin at once."""
        yield
