"""What the app waits for: a replica that it needs healthy, a job that must be done. Pure."""

from __future__ import annotations

from nap_compose.compose.model import Condition, Service
from nap_compose.orchestration import common
from nap_compose.orchestration.decide import Decision
from nap_compose.orchestration.plan import Change, Kind
from nap_compose.orchestration.planning.draft import FEW, Draft, step_id
from nap_compose.orchestration.wanted import Slot, namespace_of

MORE_THAN_STARTED = (Condition.COMPLETED, Condition.HEALTHY)
"""What takes a while after the start; the strictest first."""


def wait(draft: Draft, decision: Decision, needs: tuple[str, ...], *, settles: float = 0.0) -> None:
    """Wait for what the app needs of the replica; what is well already isn't waited for. It must
    stay so for `settles` seconds.

    Where nobody waits for the app as a whole, only what others need first is waited for, and what
    is to be watched while it settles.
    """
    old = decision.container
    kept = decision.change is Change.KEEP and old is not None
    condition = condition_of(draft, decision.slot.service)
    completed = old is not None and old.exit_code == 0
    healthy = old is not None and old.health in ("none", "healthy")
    well = completed if condition is Condition.COMPLETED else healthy
    if kept and (draft.wish.no_start or well):
        return
    asked = bool(asked_for(draft, decision.slot.service))
    if not (draft.wish.wait or settles or asked):
        return
    optional = asked and not (settles or _must_be_well(draft, decision.slot.service))
    draft.on_slot(
        Kind.WAIT,
        decision,
        needs=needs,
        args={
            "container": old.id if old and not decision.makes else "",
            "condition": condition.value,
            **({"settles": settles} if settles else {}),
            **({"optional": True} if optional else {}),
        },
    )


def condition_of(draft: Draft, name: str) -> Condition:
    """The most that anybody asks of a service: completed, healthy, or just started. A job is
    there to be completed."""
    if draft.wish.app.services[name].job:
        return Condition.COMPLETED
    asked = asked_for(draft, name) or Condition.STARTED
    if asked is Condition.HEALTHY and not asked_for(draft, name, firmly=True):
        # Who could do without it doesn't mind that it has no health check.
        return Condition.STARTED if draft.wish.wait else asked
    return asked


def dependencies(draft: Draft, slot: Slot) -> tuple[str, ...]:
    """The steps after which the conditions of `depends_on` hold for this replica."""
    service = draft.wish.service(slot)
    met: list[str] = []
    for name, condition in _conditions(service):
        kind = Kind.START if condition is Condition.STARTED else Kind.WAIT
        steps = [step_id(kind, other.slot) for other in draft.by_service.get(name, ())]
        there = tuple(step for step in steps if step in draft.steps)
        met += there if len(there) <= FEW else [draft.gather(f"all:{kind.value}:{name}", there)]
    return tuple(met)


def _must_be_well(draft: Draft, name: str) -> bool:
    """Whether the deployment fails where the service doesn't get well: the app as a whole is
    waited for, or somebody can't do without it (`required: false` says that one can)."""
    return draft.wish.wait or bool(asked_for(draft, name, firmly=True))


def asked_for(draft: Draft, name: str, *, firmly: bool = False) -> Condition | None:
    """The most, beyond its start, that other services of the deployment ask of a service; `firmly`:
    those that can't do without it."""
    asked = {
        dependency.condition
        for service in draft.wish.services
        for dependency in draft.wish.app.services[service].depends_on
        if dependency.service == name and (dependency.required or not firmly)
    }
    return next((condition for condition in MORE_THAN_STARTED if condition in asked), None)


def _conditions(service: Service) -> list[tuple[str, Condition]]:
    named = [(entry.service, entry.condition) for entry in service.depends_on]
    known = {name for name, _ in named}
    implied = [*namespace_of(service), *common.links_of(service)]
    return named + [(name, Condition.STARTED) for name in implied if name not in known]
