"""Which containers are looked at, and asking something of each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nap_compose.border import Chosen, Whereabouts
from nap_compose.cluster.asking import Asked
from nap_compose.cluster.engine import Engine, EngineAway, EngineError
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.observe import DEADLINE, Part, Whose
from nap_compose.cluster.view import ContainerView, View
from nap_compose.control.parts import Parts
from nap_compose.control.reading import ENDED

Answer = TypeVar("Answer")
LANES = 8
"""Containers of one host that are asked about at once."""


def look(parts: Parts, chosen: Chosen, *more: Part) -> tuple[View, list[ContainerView]]:
    """The hosts with their containers and what `more` is asked for, and the chosen containers in
    the order of app, service and replica."""
    whose = Whose(owner=chosen.target.owner, app=chosen.target.app)
    view = parts.look(only=frozenset({Part.CONTAINERS, *more}), whose=whose)
    return view, sorted(filter(lambda each: meant(each, chosen), view.containers()), key=_order)


def meant(container: ContainerView, chosen: Chosen) -> bool:
    """Whether a container is among the chosen."""
    identity = container.identity
    if identity is None or not (chosen.stopped or container.state not in ENDED):
        return False
    return is_chosen(identity, chosen)


def is_chosen(identity: Identity, chosen: Chosen) -> bool:
    """Whether it is among the chosen by app, service and replica."""
    target = chosen.target
    return (
        (not target.app or (identity.owner, identity.app) == (target.owner, target.app))
        and target.service in ("", identity.service)
        and target.replica in (0, number_of(identity))
        and (not chosen.services or identity.service in chosen.services)
    )


def number_of(identity: Identity) -> int:
    """Which replica it is; 0 for what `run` made, whose number in its labels says nothing."""
    return 0 if identity.oneoff else identity.replica


def whereabouts(container: ContainerView) -> Whereabouts:
    """Which container it is."""
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    return Whereabouts(
        owner=identity.owner,
        app=identity.app,
        service=identity.service,
        replica=number_of(identity),
        host=container.host,
        name=container.name,
        id=container.id,
    )


def ask_each(
    parts: Parts,
    containers: Iterable[ContainerView],
    question: Callable[[Engine, ContainerView], Answer],
) -> tuple[dict[str, Answer], tuple[str, ...]]:
    """What the engines say of each container, by its id; and a warning for each host that fails.

    One that has gone or ended meanwhile is left out. A host that hangs holds up nobody for longer
    than a look at the cluster may take.
    """
    by_host: dict[str, list[ContainerView]] = {}
    for container in containers:
        by_host.setdefault(container.host, []).append(container)
    lanes = [
        (host, Asked(_lane(parts.engines.on(host), mine[lane::LANES], question)))
        for host, mine in by_host.items()
        for lane in range(min(LANES, len(mine)))
    ]
    ends = time.monotonic() + DEADLINE
    answers: dict[str, Answer] = {}
    problems: dict[str, str] = {}
    for host, lane in lanes:
        try:
            answers.update(lane.answer(ends))
        except TimeoutError:
            problems[host] = f"no answer within {DEADLINE:g} s"
        except EngineAway as error:
            problems[host] = error.message
    warnings = (
        f"host {host} did not answer: {why} (nap host ls)" for host, why in problems.items()
    )
    return answers, tuple(warnings)


def _lane(
    engine: Engine,
    containers: Sequence[ContainerView],
    question: Callable[[Engine, ContainerView], Answer],
) -> Callable[[], dict[str, Answer]]:
    def ask() -> dict[str, Answer]:
        answers = {}
        for container in containers:
            try:
                answers[container.id] = question(engine, container)
            except EngineError:  # it ended, or was removed, since it was listed
                continue
        return answers

    return ask


def _order(container: ContainerView) -> tuple[object, ...]:
    of = whereabouts(container)
    # What `run` made of a service comes after its replicas.
    return of.owner, of.app, of.service, not of.replica, of.replica, container.created, of.name
