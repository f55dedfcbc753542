"""Stopping what others wait to see ended.

When a container's process has ended its engine clears up after it, network by network, one
container after the other. What the container needed can be stopped meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nap_compose.cluster.asking import Asked
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.workshop import Workshop

LOOK = 0.5
"""Seconds between two looks whether the engine has answered; both it and an end wake who waits."""


def stop_until_ended(step: Step, shop: Workshop, stop: Callable[[], None]) -> None:
    """Stop a container, until its process has ended; its removal waits for the rest.

    Where the engine doesn't tell of the end, until it has cleared up as well. Raises what the stop
    raised by then.
    """
    began = time.monotonic()
    told, container = shop.snapshots, step.target
    told.listen(step.host)
    stopping = Asked(stop, later=True)

    def ask() -> None:
        stopping.ask()
        told.wake(step.host, container)

    with shop.lock:
        shop.stopping[container] = stopping
    threading.Thread(target=ask, name="stopping", daemon=True).start()
    while not (stopping.done or told.ended_since(step.host, container, began)):
        told.pause(step.host, container, LOOK)
    if stopping.done:
        stopping.answer()


def wait_until_stopped(container: str, shop: Workshop) -> None:
    """Wait for a stop of the container that is under way; raises what it raised."""
    with shop.lock:
        stopping = shop.stopping.get(container)
    if stopping is not None:
        stopping.answer()
