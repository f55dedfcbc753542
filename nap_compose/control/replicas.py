"""Which container a TARGET means, for commands that act on just one replica."""

from __future__ import annotations

from collections.abc import Sequence

from nap_compose.border import Target
from nap_compose.cluster.observe import DEADLINE, Whose
from nap_compose.cluster.view import ContainerView, View
from nap_compose.control.parts import Parts
from nap_compose.control.reading import CONTAINERS
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.text import nearest

QUICK = 1.0
"""Seconds that hosts have where one that runs is all that is wanted: a dead one isn't waited for
when another has it."""


def replicas_of(parts: Parts, target: Target, *, oneoffs: bool = False) -> list[ContainerView]:
    """The containers of a service's replicas by number, of each the one that counts.

    With `oneoffs` also those that `run` made. Raises WrongUse where there is no such service or
    replica, Away where it may stand on a host that wasn't seen.
    """
    view = _look(parts, target, DEADLINE)
    found = _among(view, target, oneoffs=oneoffs)
    if not found:
        raise missing(target, view, view.of_app(target.owner, target.app))
    return found


def _look(parts: Parts, target: Target, deadline: float) -> View:
    whose = Whose(owner=target.owner, app=target.app)
    return parts.look(only=CONTAINERS, whose=whose, deadline=deadline)


def _among(view: View, target: Target, *, oneoffs: bool = False) -> list[ContainerView]:
    """The target's containers that a view has, by number."""
    mine = view.of_app(target.owner, target.app)
    slots: dict[object, ContainerView] = {}
    for container in mine:
        identity = container.identity
        if identity is None or identity.service != target.service:
            continue
        if identity.oneoff:
            if container.name == target.oneoff or (oneoffs and not target.replica):
                slots[container.id] = container
        elif target.oneoff:
            continue
        elif target.replica in (0, identity.replica):
            slots[identity.replica] = container  # the highest fence comes last
    return sorted(slots.values(), key=_by_number)


def running_replica(parts: Parts, target: Target) -> ContainerView:
    """The replica, or the first of the service that runs. Raises NapError where none does."""
    if len(parts.engines.names) > 1:
        first = _first_running(_among(_look(parts, target, QUICK), target))
        if first and (target.oneoff or _number(first) == (target.replica or 1)):
            return first
    found = replicas_of(parts, target)
    if first := _first_running(found):
        return first
    subject = named(target)
    states = sorted({each.state for each in found})
    if states == ["paused"]:
        raise NapError(
            f"{subject} is paused", host=found[0].host, hint=f"go on with: nap unpause {subject}"
        )
    raise NapError(
        f"{subject} doesn't run: it is {', '.join(states)}",
        host=found[0].host,
        hint=f"start it with: nap start {subject}; nap logs {subject} tells what it said",
    )


def _first_running(found: Sequence[ContainerView]) -> ContainerView | None:
    return next((each for each in found if each.state in ("running", "restarting")), None)


def any_replica(parts: Parts, target: Target) -> ContainerView:
    """The replica, or the first of the service, running or not."""
    return replicas_of(parts, target)[0]


def subject_of(container: ContainerView) -> str:
    """What messages call it: `web.2`, or a one-off by its name."""
    identity = container.identity
    return identity.slot if identity and not identity.oneoff else container.name


def named(target: Target) -> str:
    """A target as a person writes it."""
    if target.oneoff:
        return target.oneoff
    if not target.service:
        return target.app
    app = f"{target.app}/{target.service}"
    return f"{app}.{target.replica}" if target.replica else app


def _number(container: ContainerView) -> int:
    return container.identity.replica if container.identity else 0


def _by_number(container: ContainerView) -> tuple[bool, int, str]:
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    return identity.oneoff, identity.replica, container.name


def missing(target: Target, view: View, mine: Sequence[ContainerView]) -> NapError:
    """The error for a target that has no container among the app's own."""
    if view.unseen:
        away = ", ".join(host.name for host in view.unseen)
        return Away(
            f"{named(target)} isn't on any host that was seen, and {away} was not seen",
            hint="nap host ls shows each host with its reason",
        )
    services = sorted({each.identity.service for each in mine if each.identity})
    if not services:
        return WrongUse(
            f"there is no app {target.app}, or it has no containers",
            hint="nap ls lists the apps; nap up makes what a file has",
        )
    if target.service not in services:
        # It may well stand in the file, which only the person's process has.
        near = nearest(target.service, services)
        has = f"it has: {', '.join(services)}; nap up makes what a file has"
        return WrongUse(
            f"there is no service '{target.service}' in the app {target.app}, "
            "or it has no containers",
            hint=f"did you mean '{near}'?" if near else has,
        )
    numbers = sorted(
        each.identity.replica
        for each in mine
        if each.identity and each.identity.service == target.service and not each.identity.oneoff
    )
    listed = ", ".join(map(str, numbers)) or "no replica"
    return WrongUse(f"there is no replica {named(target)}", hint=f"{target.service} has {listed}")
