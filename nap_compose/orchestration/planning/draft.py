"""A plan in the making: the steps and lines that every subject adds to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from nap_compose.orchestration.decide import Decision, Wish
from nap_compose.orchestration.plan import Kind, Line, Step
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

_WORDS = {
    Kind.CREATE: "create",
    Kind.JOIN: "join",
    Kind.TAKE_NAME: "name",
    Kind.START: "start",
    Kind.WAIT: "wait",
}
"""What the ids of steps on a slot begin with."""

FEW = 16
"""The most steps that many others each name one by one. Beyond it one step stands for them, so
that a plan for a thousand hosts grows with its steps and not with their square."""


@dataclass
class Draft:
    """What is wanted, what was decided of each slot, and the steps (by id) so far.

    With `serve_on` a container makes way only once all that its successor waits for is there.
    """

    wish: Wish
    decisions: list[Decision]
    serve_on: bool
    steps: dict[str, Step] = field(default_factory=dict)
    summary: list[Line] = field(default_factory=list)
    _by_kind: dict[Kind, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    _gathered: dict[tuple[str, ...], str] = field(default_factory=dict)

    @cached_property
    def by_service(self) -> Mapping[str, list[Decision]]:
        """The decisions on each service's slots."""
        found: dict[str, list[Decision]] = {}
        for decision in self.decisions:
            found.setdefault(decision.slot.service, []).append(decision)
        return found

    @property
    def making(self) -> list[Decision]:
        """The decisions that make a container."""
        return [decision for decision in self.decisions if decision.makes]

    def add(self, step: Step) -> str:
        """Add a step; gives its id."""
        self.steps[step.id] = step
        self._by_kind[step.kind].setdefault(step.id, len(self.steps))
        return step.id

    def add_all(self, steps: Iterable[Step]) -> None:
        """Add steps."""
        for step in steps:
            self.add(step)

    def on_slot(
        self,
        kind: Kind,
        decision: Decision,
        *,
        needs: tuple[str, ...],
        args: Mapping[str, Any],
        undo: str = "",
    ) -> str:
        """Add a step on a slot's container; its id is `create:web.2` and the like."""
        slot = decision.slot
        return self.add(
            Step(
                id=step_id(kind, slot),
                kind=kind,
                host=decision.host,
                target=str(slot),
                subject=str(slot),
                needs=needs,
                undo=undo,
                args=args,
            )
        )

    def ids(self, *kinds: Kind) -> tuple[str, ...]:
        """The ids of all steps of these kinds so far."""
        added = {step: at for kind in kinds for step, at in self._by_kind[kind].items()}
        return tuple(sorted(added, key=added.__getitem__))

    def after(self, *kinds: Kind) -> tuple[str, ...]:
        """What to need so as to wait for all steps of these kinds so far."""
        # Only ever added to, so as many of each as before are the same as before.
        key = tuple(f"{kind.value}:{len(self._by_kind[kind])}" for kind in kinds)
        if sum(len(self._by_kind[kind]) for kind in kinds) <= FEW:
            return self.ids(*kinds)
        if key not in self._gathered:
            self._gathered[key] = self.gather(f"all:{len(self._gathered)}", self.ids(*kinds))
        return (self._gathered[key],)

    def gather(self, name: str, needs: tuple[str, ...]) -> str:
        """Add the step of this id that stands for all of `needs`, where it isn't there yet."""
        if name in self.steps:
            return name
        app = self.wish.app.name
        return self.add(Step(name, Kind.GATHER, "", app, app, needs))

    def add_need(self, step: str, need: str) -> None:
        """Let a step, if it is there, wait for another one."""
        known = self.steps.get(step)
        if known is not None and need not in known.needs:
            self.steps[step] = replace(known, needs=(*known.needs, need))


def step_id(kind: Kind, slot: Slot) -> str:
    """The id of a step on a slot."""
    return f"{_WORDS[kind]}:{slot}"
