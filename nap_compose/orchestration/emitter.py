"""Numbers and stamps events, and hands them to whoever listens."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nap_compose.clock import utc_now
from nap_compose.orchestration.events import Event, OnEvent, Phase
from nap_compose.orchestration.plan import Step


class Emitter:
    """The events of one deployment. Listeners are called one event at a time.

    One that can't write any more, because the terminal was closed or the disk is full, is not
    called again: a deployment goes on without it.
    """

    def __init__(
        self, deployment: str, listeners: list[OnEvent], clock: Callable[[], str] = utc_now
    ) -> None:
        self._deployment = deployment
        self._listeners = list(listeners)
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = 0

    def step(
        self,
        step: Step,
        phase: Phase,
        text: str = "",
        error: str = "",
        done: int = 0,
        total: int = 0,
    ) -> None:
        """Say something of a step."""
        with self._lock:
            self._seq += 1
            event = Event(
                at=self._clock(),
                seq=self._seq,
                deployment=self._deployment,
                step=step.id,
                host=step.host,
                subject=step.subject,
                phase=phase,
                text=text,
                error=error,
                bytes_done=done,
                bytes_total=total,
            )
            for listener in self._listeners.copy():
                try:
                    listener(event)
                except OSError:
                    self._listeners.remove(listener)
