"""In which turns the replicas of a service make way for their successors. Pure."""

from __future__ import annotations

from nap_compose.orchestration.plan import Change, Kind, Leniency, Step
from nap_compose.orchestration.planning import rolling
from nap_compose.orchestration.planning.draft import Draft, step_id
from nap_compose.orchestration.wanted import Slot


def one_at_a_time(draft: Draft) -> None:
    """Replicas of one service make way for their successors in turn, so that the service
    keeps serving: `update_config.parallelism` at a time, `delay` after each other."""
    for name, renewed in _renewed(draft).items():
        update = rolling.update_of(draft.wish.app.services[name], back=draft.wish.back)
        if update.at_once == 0 or draft.wish.no_start:
            continue
        for earlier, later in zip(renewed, renewed[update.at_once :], strict=False):
            done = f"aside:{earlier}" if _beside(draft, earlier) else _up(draft, earlier)
            if update.delay:
                done = pause(draft, f"delay:{later}", later, update.delay, "waiting", done)
            first = step_id(Kind.START, later) if _beside(draft, later) else f"aside:{later}"
            draft.add_need(first, done)


def leniency(draft: Draft) -> tuple[Leniency, ...]:
    """Whose failure is put up with, as `failure_action` and `max_failure_ratio` say."""
    found = []
    for name, renewed in _renewed(draft).items():
        update = rolling.update_of(draft.wish.app.services[name], back=draft.wish.back)
        slots = tuple(str(slot) for slot in renewed)
        lenient = Leniency(slots, update.action, int(update.tolerated * len(slots)))
        if lenient != Leniency(slots):
            found.append(lenient)
    return tuple(found)


def _renewed(draft: Draft) -> dict[str, list[Slot]]:
    """The slots of each service whose containers are replaced."""
    found: dict[str, list[Slot]] = {}
    for decision in draft.decisions:
        if decision.change in (Change.REPLACE, Change.MOVE):
            found.setdefault(decision.slot.service, []).append(decision.slot)
    return found


def _up(draft: Draft, slot: Slot) -> str:
    """The last step that brings up a replica: where nobody waits for it, its start."""
    waited = step_id(Kind.WAIT, slot)
    return waited if waited in draft.steps else step_id(Kind.START, slot)


def _beside(draft: Draft, slot: Slot) -> bool:
    return f"leave:{slot}" in draft.steps


def pause(draft: Draft, name: str, slot: Slot, seconds: float, why: str, need: str) -> str:
    """Add a step that lets `seconds` pass after `need`; gives its id."""
    args = {"seconds": seconds, "why": why}
    return draft.add(Step(name, Kind.PAUSE, "", str(slot), str(slot), (need,), args=args))
