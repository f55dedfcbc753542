"""Runs a plan: steps that don't need each other at once, and the way back when one fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from functools import partial

from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.masking import masker
from nap_compose.orchestration.plan import Kind, Plan, Step
from nap_compose.orchestration.steps.acts import DO, UNDO
from nap_compose.orchestration.steps.waiting import Unwell
from nap_compose.orchestration.steps.workshop import Workshop
from nap_compose.orchestration.threads import begin

WORKERS = 64
"""The most steps at once. Most of them wait for an engine, so they cost little."""

LOOK = 0.1
"""How often, in seconds, the lease and Ctrl-C are looked at while steps run."""


@dataclass
class Execution:
    """How a run went: `state` is done, failed, rolled back, interrupted or abandoned.

    `failures` are the steps that failed, with why; `left` what the way back had to leave, a
    sentence each; `done` the steps that were done, in the order in which they ended.
    """

    state: str = "done"
    failures: list[tuple[Step, NapError]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)


def execute(
    plan: Plan,
    shop: Workshop,
    emitter: Emitter,
    *,
    go_back: bool = True,
    lost: Callable[[], bool] = lambda: False,
    cancelled: Callable[[], int] = lambda: 0,
) -> Execution:
    """Run the plan's steps.

    `lost` says whether the app's lock is gone: then nothing more is begun, and nothing is taken
    back, since somebody else may be at work. `cancelled` is 1 when running steps shall end and no
    more begin, 2 when even those aren't waited for. `go_back` false leaves things as they are
    after a failure.
    """
    run = _Run(plan, shop, emitter, lost, cancelled)
    run.forward()
    if run.execution.state == "failed" and go_back:
        if run.past_return:
            run.tell_what_is_left()
        else:
            run.back()
    return run.execution


class _Run:
    def __init__(
        self,
        plan: Plan,
        shop: Workshop,
        emitter: Emitter,
        lost: Callable[[], bool],
        cancelled: Callable[[], int],
    ) -> None:
        self.plan = plan
        self.shop = shop
        self.emitter = emitter
        self.lost = lost
        self.cancelled = cancelled
        self.execution = Execution()
        self.begun: list[Step] = []
        self.mask = masker(shop.app)
        # Nobody waits on for a replica once the deployment has failed elsewhere.
        shop.stopped = lambda: self.execution.state != "done" or self.cancelled() > 0

    def forward(self) -> None:
        """Begin each step once all it needs is done, until all are, or one fails."""
        todo = {step.id: step for step in self.plan.steps}
        done: set[str] = set()
        running: dict[Future[str], Step] = {}
        try:
            while todo or running:
                self._look_around()
                if self.execution.state == "done":
                    self._begin(todo, done, running)
                if not running or self.cancelled() > 1:
                    break
                ended, _ = wait_for(running, timeout=LOOK, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._ended(running.pop(future), future, done)
        finally:
            if self.cancelled() <= 1:
                wait_for(running)
        for step in todo.values():
            self.emitter.step(step, Phase.SKIPPED)

    @property
    def past_return(self) -> bool:
        """Whether something may be removed already that the way back would need: all was well by
        then, so what is there now is better than half of what was there before."""
        return any(step.kind is Kind.REMOVE for step in self.begun)

    def tell_what_is_left(self) -> None:
        """Say what should have gone and may still be there."""
        self.execution.left += [
            f"an old container of {step.subject} may still be on {step.host}; "
            "the same command again removes it"
            for step in self.plan.steps
            if step.kind is Kind.REMOVE and step not in self.execution.done
        ]

    def back(self) -> None:
        """Take back what was begun, last first; say what could not be.

        New containers go before anything else: they hold the names and ports that the old ones
        come back to. Without the lock nothing more is taken back, nor after a second Ctrl-C.
        """
        complete = True
        last_first = [step for step in self.begun[::-1] if (step.kind, step.undo) in UNDO]
        made = [step for step in last_first if step.kind is Kind.CREATE]
        todo = [*made, *(step for step in last_first if step not in made)]
        while todo:
            if self.lost() or self.cancelled() > 1:
                self.execution.state = "abandoned" if self.lost() else "interrupted"
                self.execution.left += [_not_put_back(step) for step in todo]
                return
            step = todo.pop(0)
            try:
                left = UNDO[step.kind, step.undo](step, self.shop)
            except NapError as error:
                complete = False
                left = self.mask(f"{_not_put_back(step)}: {error}")
            if left:
                self.execution.left.append(left)
        self.execution.state = "rolled back" if complete else "failed"

    def _begin(
        self,
        todo: dict[str, Step],
        done: set[str],
        running: dict[Future[str], Step],
    ) -> None:
        ready = [step for step in todo.values() if all(need in done for need in step.needs)]
        for step in ready[: WORKERS - len(running)]:
            del todo[step.id]
            self.begun.append(step)
            running[begin(partial(self._do, step), f"step {step.id}")] = step

    def _do(self, step: Step) -> str:
        def report(text: str, done: int = 0, total: int = 0) -> None:
            self.emitter.step(step, Phase.RUNNING, text, done=done, total=total)

        return DO[step.kind](step, self.shop, report)

    def _ended(self, step: Step, future: Future[str], done: set[str]) -> None:
        error = future.exception()
        if error is None:
            done.add(step.id)
            self.execution.done.append(step)
            self.emitter.step(step, Phase.DONE, future.result())
            return
        if isinstance(error, Interrupted):
            self.emitter.step(step, Phase.SKIPPED, error=str(error))
            return
        if not isinstance(error, NapError):
            self.execution.state = "failed"  # so that those who wait for a replica end
            raise error
        error.message = self.mask(error.message)
        self.execution.failures.append((step, error))
        if self.execution.state == "done":
            self.execution.state = "failed"
        self.emitter.step(step, Phase.FAILED, error=_told_of(step, error))

    def _look_around(self) -> None:
        if self.execution.state != "done":
            return
        if self.cancelled():
            self.execution.state = "interrupted"
        elif self.lost():
            self.execution.state = "abandoned"


def _not_put_back(step: Step) -> str:
    return f"{step.subject} on {step.host} was not put back"


def _told_of(step: Step, error: NapError) -> str:
    """The error's message, with whom it is about where that isn't whom the step is about."""
    if isinstance(error, Unwell) and error.subject != step.subject:
        return f"{error.subject} {error.message}"
    return error.message
