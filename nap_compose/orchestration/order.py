"""In which order steps are begun: each once all that it needs is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from nap_compose.orchestration.plan import Kind, Step


class Order:
    """The steps that aren't begun yet.

    What is ready is known without looking at all that isn't: a plan for a thousand hosts has
    thousands of steps, and each of them ends once.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = {step.id: step for step in steps}
        self._place = {step: at for at, step in enumerate(self._steps)}
        self._left = dict(self._steps)
        self._missing = {step.id: set(step.needs) for step in self._steps.values()}
        self._waiting: dict[str, list[str]] = {}
        self._ready: list[tuple[int, str]] = []
        for step in self._steps.values():
            for need in self._missing[step.id]:
                self._waiting.setdefault(need, []).append(step.id)
        for step in [*self._left.values()]:
            if not self._missing[step.id]:
                self._now_ready(step.id)

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def left(self) -> list[Step]:
        """What isn't begun, in the plan's order."""
        return [step for step in self._left.values() if step.kind is not Kind.GATHER]

    def take(self, most: int) -> list[Step]:
        """Up to `most` steps that can be begun, the plan's first ones first; now they are."""
        taken: list[Step] = []
        while self._ready and len(taken) < most:
            _, step = heappop(self._ready)
            if step in self._left:
                taken.append(self._left.pop(step))
        return taken

    def done(self, step: str) -> None:
        """A step is done: who only waited for it is ready."""
        for waiting in self._waiting.pop(step, ()):
            self._missing[waiting].discard(step)
            if not self._missing[waiting] and waiting in self._left:
                self._now_ready(waiting)

    def drop(self, step: str) -> bool:
        """Do without a step as if it were done; whether it wasn't begun yet."""
        left = self._left.pop(step, None) is not None
        self.done(step)
        return left

    def _now_ready(self, step: str) -> None:
        if self._steps[step].kind is Kind.GATHER:
            del self._left[step]
            self.done(step)
        else:
            heappush(self._ready, (self._place[step], step))
