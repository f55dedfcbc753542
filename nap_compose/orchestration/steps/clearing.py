"""Stopping what others wait to see ended.

When a container's process has ended its engine clears up after it, network by network, one
container after the other. What the container needed can be stopped meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.workshop import Workshop

LOOK = 0.5
"""Seconds between two looks whether the engine has answered; both it and an end wake who waits."""


class Stopping:
    """A stop under way, in a thread of its own."""

    def __init__(self, stop: Callable[[], None], answered: Callable[[], None]) -> None:
        self._error: BaseException | None = None
        self._over = threading.Event()

        def run() -> None:
            try:
                stop()
            except BaseException as error:
                self._error = error
            self._over.set()
            answered()

        threading.Thread(target=run, name="stopping", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether the engine has answered."""
        return self._over.is_set()

    def finish(self) -> None:
        """Wait for the engine's answer; raises what the stop raised."""
        self._over.wait()
        if self._error is not None:
            raise self._error


def stop_until_ended(step: Step, shop: Workshop, stop: Callable[[], None]) -> None:
    """Stop a container, until its process has ended; `removal` waits for the rest.

    Where the engine doesn't tell of the end, until it has cleared up as well. Raises what the stop
    raised by then.
    """
    began = time.monotonic()
    told, container = shop.snapshots, step.target
    told.listen(step.host)
    stopping = Stopping(stop, lambda: told.wake(step.host, container))
    with shop.lock:
        shop.stopping[container] = stopping
    while not (stopping.over or told.ended_since(step.host, container, began)):
        told.pause(step.host, container, LOOK)
    if stopping.over:
        stopping.finish()


def wait_until_stopped(container: str, shop: Workshop) -> None:
    """Wait for a stop of the container that is under way; raises what it raised."""
    with shop.lock:
        stopping = shop.stopping.get(container)
    if stopping is not None:
        stopping.finish()
