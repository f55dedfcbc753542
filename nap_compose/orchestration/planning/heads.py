"""Who is made and started first: those that the rest of a host waits for. Pure.

An engine makes and starts containers side by side, and each takes the longer for it. So what
others wait to see healthy goes first; they are made while it gets well, and don't hold it up.
"""

from __future__ import annotations

from nap_compose.orchestration import common
from nap_compose.orchestration.decide import Decision
from nap_compose.orchestration.plan import Change, Kind
from nap_compose.orchestration.planning import awaiting
from nap_compose.orchestration.planning.draft import FEW, Draft, step_id


def heads_first(draft: Draft) -> None:
    """On each host, let new containers that wait for others be made after the start of those that
    nothing holds up. The draft has all its other steps by now."""
    new = [each for each in draft.decisions if each.change is Change.CREATE and not each.at_once]
    heads = _heads(draft, new)
    by_host: dict[str, list[str]] = {}
    for head in heads:
        by_host.setdefault(head.host, []).append(step_id(Kind.START, head.slot))
    slots = {head.slot for head in heads}
    for decision in new:
        if decision.host in by_host and decision.slot not in slots and _waits(draft, decision):
            for start in _as_needs(draft, decision.host, tuple(by_host[decision.host])):
                draft.add_need(step_id(Kind.CREATE, decision.slot), start)


def _heads(draft: Draft, new: list[Decision]) -> list[Decision]:
    """Those that others wait to see healthy or done, and that can be started without another
    container being made first."""
    awaited = [
        decision
        for decision in new
        if step_id(Kind.START, decision.slot) in draft.steps
        and awaiting.asked_for(draft, decision.slot.service) is not None
    ]
    made = _made_before(draft) if awaited else {}
    return [
        decision
        for decision in awaited
        if made[step_id(Kind.START, decision.slot)] == {step_id(Kind.CREATE, decision.slot)}
    ]


def _made_before(draft: Draft) -> dict[str, frozenset[str]]:
    """For each step the containers that are made before it, by the ids of their steps: all where
    it is one, any two where they are more."""
    found: dict[str, frozenset[str]] = {}
    for step in common.in_running_order(draft.steps.values()):
        made = {step.id} if step.kind is Kind.CREATE else set[str]()
        for need in step.needs:
            if len(made) > 1:
                break
            made |= found.get(need, frozenset())
        found[step.id] = frozenset(sorted(made)[:2])
    return found


def _waits(draft: Draft, decision: Decision) -> bool:
    """Whether it waits for something else to be healthy or done."""
    conditions = (entry.condition for entry in draft.wish.service(decision.slot).depends_on)
    return any(condition in awaiting.MORE_THAN_STARTED for condition in conditions)


def _as_needs(draft: Draft, host: str, starts: tuple[str, ...]) -> tuple[str, ...]:
    return starts if len(starts) <= FEW else (draft.gather(f"heads:{host}", starts),)
