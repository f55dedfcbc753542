"""Ctrl-C during a deployment: once lets running steps end, twice ends at once. A SIGTERM, however
often it comes, wants the end in good order."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

FIRST = "ending: what runs is being finished; press Ctrl-C again to end at once"
SECOND = "ending at once"


class Interrupt:
    """Counts Ctrl-C between entering and leaving it. `level` is what the border asks for; `first`
    and `second` is what a person is told each time.

    A SIGTERM counts as the first one and never as the second: what sends it twice, as service
    managers and scripts do, is no person who has had enough. After the second Ctrl-C the usual
    handling is back, so that whatever comes next ends nap, whatever it is doing.
    """

    def __init__(
        self, notice: Callable[[str], None], first: str = FIRST, second: str = SECOND
    ) -> None:
        self._notice = notice
        self._sentences = (first, second)
        self._before: dict[signal.Signals, object] = {}
        self._level = 0

    @property
    def level(self) -> int:
        """0: go on, 1: finish what runs, 2: end at once."""
        return self._level

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if number == signal.SIGTERM and self._level:
            return
        self._level += 1
        if self._level == 1:
            self._notice(self._sentences[0])
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._notice(self._sentences[1])
