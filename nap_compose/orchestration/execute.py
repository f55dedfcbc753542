"""Runs a plan: steps that don't need each other at once, and the way back when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from functools import partial

from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.masking import masker
from nap_compose.orchestration.order import Order
from nap_compose.orchestration.plan import LOOKING, Kind, Leniency, Plan, Step
from nap_compose.orchestration.steps.acts import DO, UNDO, load
from nap_compose.orchestration.steps.waiting import Unwell
from nap_compose.orchestration.steps.workshop import Workshop
from nap_compose.orchestration.threads import Running, Threads
from nap_compose.plaindata import dataclass

WORKERS = 64
"""The most steps at once. Most of them wait for an engine, so they cost little."""

LOOK = 0.1
"""How often, in seconds, the lease and Ctrl-C are looked at while steps run."""


@dataclass
class Execution:
    """How a run went: `state` is done, failed, rolled back, interrupted or abandoned. Where it is
    done in spite of `failures`, those were put up with.

    `failures` are the steps that failed, with why; `left` what the way back had to leave, a
    sentence each; `done` the steps that were done, in the order in which they ended; `changed` when
    the last of those that change something ended, in monotonic seconds.
    """

    state: str = "done"
    failures: list[tuple[Step, NapError]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)
    changed: float = float("-inf")


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
        if run.paused:
            run.tell_where_it_stands()
        elif run.past_return:
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
        self.paused = False
        self.threads = Threads()
        self.mask = masker(shop.app)
        # Nobody waits on for a replica once the deployment has failed elsewhere.
        shop.stopped = lambda: self.execution.state != "done" or self.cancelled() > 0

    def forward(self) -> None:
        """Begin each step once all it needs is done, until all are, or one fails."""
        order = Order(self.plan.steps)
        running: dict[Running, Step] = {}
        load({step.kind for step in self.plan.steps})
        try:
            while order or running:
                self._look_around()
                if self.execution.state == "done":
                    self._begin(order, running)
                if not running:
                    break
                if self.cancelled() > 1:
                    self._look_around()  # both may have come since the last look
                    break
                ended = self.threads.ended(LOOK)
                if ended is not None:
                    step = running.pop(ended)
                    self._ended(step, ended, order)
                    if step.subject in self.shop.forgiven:
                        self._pass_over(step.subject, order)
        finally:
            while running and self.cancelled() <= 1:
                if (ended := self.threads.ended(LOOK)) is not None:
                    del running[ended]
        for step in order.left:
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
        come back to. Those that were started beside the old ones hold nothing of theirs, and
        serve until those are back. Without the lock nothing more is taken back, nor after a
        second Ctrl-C.
        """
        complete = self._take_back(self.begun)
        if self.execution.state == "failed" and complete:
            self.execution.state = "rolled back"

    def tell_where_it_stands(self) -> None:
        """Say how far an update came whose file asks to leave it as it is when a replica fails."""
        self.execution.left += [
            f"{step.subject} on {step.host} still runs as before"
            for step in self.plan.steps
            if step.kind is Kind.SET_ASIDE and step not in self.execution.done
        ]

    def _take_back(self, steps: list[Step]) -> bool:
        """Take these steps back; whether all of them could be."""
        complete = True
        last_first = [step for step in steps[::-1] if (step.kind, step.undo) in UNDO]
        made = [step for step in last_first if step.undo == "remove"]
        todo = [*made, *(step for step in last_first if step not in made)]
        while todo:
            if self.lost() or self.cancelled() > 1:
                self.execution.state = "abandoned" if self.lost() else "interrupted"
                self.execution.left += [_not_put_back(step) for step in todo]
                return False
            step = todo.pop(0)
            try:
                left = UNDO[step.kind, step.undo](step, self.shop)
            except NapError as error:
                complete = False
                left = self.mask(f"{_not_put_back(step)}: {error}")
            if left:
                self.execution.left.append(left)
        return complete

    def _begin(self, order: Order, running: dict[Running, Step]) -> None:
        for step in order.take(WORKERS - len(running)):
            self.begun.append(step)
            running[self.threads.begin(partial(self._do, step), f"step {step.id}")] = step

    def _do(self, step: Step) -> str:
        def report(text: str, done: int = 0, total: int = 0) -> None:
            self.emitter.step(step, Phase.RUNNING, text, done=done, total=total)

        return DO[step.kind](step, self.shop, report)

    def _ended(self, step: Step, ended: Running, order: Order) -> None:
        error = ended.error
        if step.kind not in LOOKING:
            self.execution.changed = time.monotonic()
        if error is None:
            order.done(step.id)
            self.execution.done.append(step)
            self.emitter.step(step, Phase.DONE, ended.result)
            return
        if isinstance(error, Interrupted):
            self.emitter.step(step, Phase.SKIPPED, error=str(error))
            return
        if not isinstance(error, NapError):
            self.execution.state = "failed"  # so that those who wait for a replica end
            raise error
        if isinstance(error, Unwell):
            self.shop.unwell.add(error.container)
        error.message = self.mask(error.message)
        self.execution.failures.append((step, error))
        self.emitter.step(step, Phase.FAILED, error=_told_of(step, error))
        lenient = next((each for each in self.plan.leniency if step.subject in each.slots), None)
        if lenient and self._forgives(lenient):
            self.shop.forgiven.add(step.subject)
            return
        self.paused = lenient is not None and lenient.action == "pause"
        if self.execution.state == "done":
            self.execution.state = "failed"

    def _forgives(self, lenient: Leniency) -> bool:
        """Whether the failure of one more of these replicas is put up with."""
        failed = {step.subject for step, _ in self.execution.failures} & set(lenient.slots)
        return lenient.action == "continue" or len(failed) <= lenient.tolerated

    def _pass_over(self, slot: str, order: Order) -> None:
        """Put a replica whose failure is put up with back as it was, and go on without it."""
        mine = [step for step in self.plan.steps if step.subject == slot]
        for step in mine:
            if order.drop(step.id):
                self.emitter.step(step, Phase.SKIPPED)
        begun = [step for step in self.begun if step in mine]
        self.begun = [step for step in self.begun if step not in mine]
        self._take_back(begun)

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
