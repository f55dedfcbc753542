"""Questions that are given up on in time, whoever they are put to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """A question that is being asked in a thread of its own.

    The thread is a daemon: who hangs holds up neither the others nor nap's end.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._done = threading.Event()
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._ask, args=(question,), daemon=True)
        self._thread.start()

    def answer(self, ends: float) -> T:
        """What came of it. Raises what the question raised, or TimeoutError at `ends` (monotonic
        seconds)."""
        if not self._done.wait(max(0.0, ends - time.monotonic())):
            raise TimeoutError
        if self._error:
            raise self._error
        return self._answer[0]

    def _ask(self, question: Callable[[], T]) -> None:
        try:
            self._answer.append(question())
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
