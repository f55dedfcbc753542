"""Questions that are given up on in time, whoever they are put to."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from queue import Empty, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

AT_ONCE = 32
"""How many are asked at the same time. More than this only take the processor from each other,
and make those that are asked first look slow."""

SLOW = 0.5
"""Seconds after which whoever hasn't answered no longer keeps the next one waiting: hosts that
are gone cost one deadline altogether, not one each."""


class Asked(Generic[T]):
    """A question that is being asked in another thread, by default one of its own.

    The thread is a daemon: who hangs holds up neither the others nor nap's end.
    """

    def __init__(self, question: Callable[[], T], *, later: bool = False) -> None:
        """`later`: whoever calls `ask` asks it."""
        self._question = question
        self._done = threading.Event()
        self._answer: list[T] = []
        self._error: BaseException | None = None
        if not later:
            threading.Thread(target=self.ask, daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether the answer is there, good or bad."""
        return self._done.is_set()

    def answer(self, ends: float | None = None) -> T:
        """What came of it. Raises what the question raised, or TimeoutError at `ends` (monotonic
        seconds; None: it may take as long as it does)."""
        if not self._done.wait(None if ends is None else max(0.0, ends - time.monotonic())):
            raise TimeoutError
        if self._error:
            raise self._error
        return self._answer[0]

    def ask(self) -> None:
        """Ask, and keep what comes of it. Raises nothing."""
        try:
            self._answer.append(self._question())
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()


def ask_each(
    questions: Mapping[K, Callable[[], T]], *, deadline: float, at_once: int = AT_ONCE
) -> Iterator[tuple[K, Asked[T], float]]:
    """Put all questions, some at a time; gives each with its `Asked` and when (monotonic) it is
    given up on, as soon as that has an answer or the time is up. Each has `deadline` seconds from
    when it was put.
    """
    crew = _Crew(questions, at_once)
    expected = set(questions)
    try:
        while expected:
            crew.fill_places()
            for key in _next(crew.ended, SLOW / 5 if crew.waiting else crew.until(deadline)):
                if key in expected:
                    expected.remove(key)
                    asked, began = crew.running.pop(key)
                    yield key, asked, began + deadline
            for key in crew.late(deadline):
                expected.remove(key)
                asked, began = crew.running.pop(key)
                yield key, asked, began + deadline
    finally:
        crew.waiting.clear()


class _Crew(Generic[K, T]):
    """The threads that ask. Each takes the next question when it has its answer, so that hundreds
    of questions don't cost as many threads; who was slow has been replaced, and goes."""

    def __init__(self, questions: Mapping[K, Callable[[], T]], at_once: int) -> None:
        self.waiting = deque((key, Asked(ask, later=True)) for key, ask in questions.items())
        self.running: dict[K, tuple[Asked[T], float]] = {}
        self.ended: Queue[K] = Queue()
        self._at_once = at_once
        self._lock = threading.Lock()
        self._places = 0
        self._slow: set[K] = set()

    def fill_places(self) -> None:
        """Let as many ask as may; who is slow keeps no place."""
        now = time.monotonic()
        with self._lock:
            running = [*self.running.items()]
            slow = {key for key, (_, began) in running if now - began > SLOW} - self._slow
            self._slow |= slow
            self._places -= len(slow)
            missing = max(0, min(self._at_once - self._places, len(self.waiting)))
            self._places += missing
        for _ in range(missing):
            threading.Thread(target=self._serve, daemon=True).start()

    def until(self, deadline: float) -> float:
        """Seconds until the first of those that run is given up on."""
        began = min((began for _, began in [*self.running.values()]), default=time.monotonic())
        return max(0.0, began + deadline - time.monotonic()) + 0.01

    def late(self, deadline: float) -> list[K]:
        """Those whose time is up."""
        now = time.monotonic()
        running = [*self.running.items()]
        return [key for key, (_, began) in running if now > began + deadline]

    def _serve(self) -> None:
        while True:
            try:
                key, asked = self.waiting.popleft()
            except IndexError:
                return
            self.running[key] = asked, time.monotonic()
            asked.ask()
            self.ended.put(key)
            with self._lock:
                if key in self._slow:
                    return


def _next(ended: Queue[K], patience: float) -> Iterator[K]:
    """Those that have ended by now; where none has, the next one within `patience` seconds."""
    try:
        yield ended.get(timeout=patience)
        while True:
            yield ended.get_nowait()
    except Empty:
        return
