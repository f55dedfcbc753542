"""The plans of the verbs that change an app's containers as they are: start, stop, restart, kill,
remove, pause, unpause. From the labels alone, without the file. Pure.

As in Compose, what a container needs starts with it, and what restarts with it is restarted too;
stopping, killing and pausing touch what was named and nothing else. What stands on a host that
wasn't seen is left, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace

from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import Condition, Dependency
from nap_compose.orchestration.common import (
    dependencies_of,
    in_running_order,
    removal,
    stop_args,
    subject_of,
)
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step, Verb
from nap_compose.orchestration.shipping import Item
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

RUNS = ("running", "restarting", "paused")


@dataclass(frozen=True)
class Acting:
    """What is to be done, and with which containers of the app.

    `slots` limits it (number 0: each replica of the service; empty: all). `away` are the replicas
    that are known to be on hosts that weren't seen: slot → host. `grace` is how long a stop may
    take, in seconds (None: the container's own); `signal` is what a kill sends; `volumes` removes
    anonymous volumes too, `stop_first` what runs as well; `alone` leaves out what restarts along;
    `wait` lets a start last until what was started is well. `secrets` are what each container (by
    id) has mounted from its host's memory, which a restart of the host empties.
    """

    verb: Verb
    owner: str
    app: str
    project: str
    deployment: str
    view: View
    slots: tuple[Slot, ...] = ()
    away: Mapping[str, str] = field(default_factory=dict)
    grace: float | None = None
    signal: str = ""
    volumes: bool = False
    stop_first: bool = False
    alone: bool = False
    wait: bool = False
    secrets: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)

    def means(self, slot: str) -> bool:
        """Whether that replica ("web.2") was named."""
        service, _, number = slot.rpartition(".")
        return not self.slots or any(
            each.service == service and each.number in (0, int(number)) for each in self.slots
        )


def plan_verb(acting: Acting) -> Plan:
    """The plan that does it; it has no steps where nothing is to be done."""
    steps, changed = _PLANNERS[acting.verb](acting, _named(acting))
    seen = [Line(_CHANGES[acting.verb], subject_of(each), each.host) for each in changed]
    touched = {each.id for each in changed}
    kept = [
        Line(Change.KEEP, subject_of(each), each.host, f"is {each.state}")
        for each in _named(acting)
        if each.id not in touched
    ]
    away = [
        Line(Change.UNSEEN, slot, host, f"{host} was not seen")
        for slot, host in sorted(acting.away.items())
        if acting.means(slot)
    ]
    return Plan(
        owner=acting.owner,
        app=acting.app,
        project=acting.project,
        revision=0,
        deployment=acting.deployment,
        steps=in_running_order(steps),
        summary=(*seen, *kept, *away),
        unseen=acting.view.unseen,
    )


Planned = tuple[list[Step], Sequence[ContainerView]]
"""The steps, and the containers that they change."""


def _start(acting: Acting, named: list[ContainerView]) -> Planned:
    all_of_them = _that_count(_containers(acting))
    chosen = _that_count(named)
    for container in chosen:
        needed = {each.service for each in dependencies_of(container)}
        chosen += [
            other
            for other in all_of_them
            if _service(other) in needed and all(other.id != each.id for each in chosen)
        ]
    starting = [each for each in chosen if each.state not in ("running", "restarting")]
    steps = _with_needs(Kind.START, starting, all_of_them, counts=lambda _: True)
    steps = _with_secrets(acting, steps)
    waited = {step.id for step in steps}
    for container in starting if acting.wait else ():
        wait = _waiting(container, Condition.STARTED, (f"start:{container.id[:12]}",))
        steps += [wait] if wait.id not in waited else []
    return steps, starting


def _restart(acting: Acting, named: list[ContainerView]) -> Planned:
    all_of_them = _that_count(_containers(acting))
    chosen = _that_count(named)
    for container in chosen if not acting.alone else ():
        chosen += [
            other
            for other in all_of_them
            if any(
                each.restart and each.service == _service(container)
                for each in dependencies_of(other)
            )
            and all(other.id != each.id for each in chosen)
        ]
    grace = {} if acting.grace is None else {"grace": acting.grace}
    steps = _with_needs(
        Kind.RESTART, chosen, all_of_them, counts=lambda need: need.restart, args=grace
    )
    return _with_secrets(acting, steps), chosen


def _with_secrets(acting: Acting, steps: Sequence[Step]) -> list[Step]:
    """The steps, and first what brings each host the secrets of what starts there."""
    items: dict[str, set[Item]] = {}
    later: list[Step] = []
    for step in steps:
        needed = acting.secrets.get(str(step.args["container"]), ())
        if step.kind is Kind.WAIT or not needed:
            later.append(step)
            continue
        items.setdefault(step.host, set()).update(needed)
        later.append(replace(step, needs=(*step.needs, f"files@{step.host}")))
    first = [
        Step(
            id=f"files@{host}",
            kind=Kind.SHIP_FILES,
            host=host,
            target=acting.project,
            subject="secrets",
            args={"items": [item.as_args() for item in sorted(needed)]},
        )
        for host, needed in items.items()
    ]
    return [*first, *later]


def _with_needs(
    kind: Kind,
    chosen: Sequence[ContainerView],
    all_of_them: Sequence[ContainerView],
    *,
    counts: Callable[[Dependency], bool],
    args: Mapping[str, float] | None = None,
) -> list[Step]:
    """A step of that kind for each chosen container, first of all; then the waits that those have
    for what they depend on, as far as a dependency `counts`."""
    acted = {each.id: f"{kind.value}:{each.id[:12]}" for each in chosen}
    waits: dict[str, Step] = {}
    steps: list[Step] = []
    for container in chosen:
        needs: list[str] = []
        for need in filter(counts, dependencies_of(container)):
            for other in all_of_them:
                if _service(other) != need.service or other.id == container.id:
                    continue
                before = (acted[other.id],) if other.id in acted else ()
                if need.condition is Condition.STARTED:
                    needs += before
                elif before or need.condition is Condition.COMPLETED or other.health != "healthy":
                    wait = _waiting(other, need.condition, before)
                    waits.setdefault(wait.id, wait)
                    needs.append(wait.id)
        paused = {"paused": True} if kind is Kind.START and container.state == "paused" else {}
        steps.append(
            Step(
                id=acted[container.id],
                kind=kind,
                host=container.host,
                target=subject_of(container),
                subject=subject_of(container),
                needs=tuple(dict.fromkeys(needs)),
                args={
                    "container": container.id,
                    "running": container.state in RUNS,
                    **paused,
                    **(args or {}),
                },
            )
        )
    return [*steps, *waits.values()]


def _waiting(container: ContainerView, condition: Condition, needs: tuple[str, ...]) -> Step:
    return Step(
        id=f"wait:{container.id[:12]}",
        kind=Kind.WAIT,
        host=container.host,
        target=subject_of(container),
        subject=subject_of(container),
        needs=needs,
        args={"container": container.id, "condition": condition.value},
    )


def _stop(acting: Acting, named: list[ContainerView]) -> Planned:
    running = [each for each in named if each.state in RUNS]
    return [_stopping(each, running, acting.grace) for each in running], running


def _stopping(
    container: ContainerView, running: Sequence[ContainerView], grace: float | None
) -> Step:
    """Its stop, once those that depend on it have stopped."""
    dependents = (
        other
        for other in running
        if _service(container) in {each.service for each in dependencies_of(other)}
    )
    return Step(
        id=f"stop:{container.id[:12]}",
        kind=Kind.STOP,
        host=container.host,
        target=container.id,
        subject=subject_of(container),
        needs=tuple(f"stop:{other.id[:12]}" for other in dependents if other.id != container.id),
        args=stop_args(container, grace),
    )


def _remove(acting: Acting, named: list[ContainerView]) -> Planned:
    running = [each for each in named if each.state in RUNS]
    steps = [_stopping(each, running, None) for each in running] if acting.stop_first else []
    going = named if acting.stop_first else [each for each in named if each.state not in RUNS]
    stops = {step.id for step in steps}
    for container in going:
        stop = f"stop:{container.id[:12]}"
        needs = (stop,) if stop in stops else ()
        steps.append(removal(container, subject_of(container), needs, volumes=acting.volumes))
    kept = [
        each
        for each in acting.view.kept_of(acting.owner, acting.app)
        if each.kept and acting.means(each.kept.slot)
    ]
    steps += [removal(each, subject_of(each), (), volumes=True) for each in kept]
    return steps, [*going, *kept]


def _kill(acting: Acting, named: list[ContainerView]) -> Planned:
    running = [each for each in named if each.state in RUNS]
    return [_at_once(Kind.KILL, each, signal=acting.signal) for each in running], running


def _pause(_acting: Acting, named: list[ContainerView]) -> Planned:
    running = [each for each in named if each.state == "running"]
    return [_at_once(Kind.FREEZE, each) for each in running], running


def _unpause(_acting: Acting, named: list[ContainerView]) -> Planned:
    paused = [each for each in named if each.state == "paused"]
    return _with_needs(Kind.START, paused, (), counts=lambda _: False), paused


def _at_once(kind: Kind, container: ContainerView, **args: str) -> Step:
    """A step that waits for nobody."""
    return Step(
        id=f"{kind.value}:{container.id[:12]}",
        kind=kind,
        host=container.host,
        target=container.id,
        subject=subject_of(container),
        args=args,
    )


_PLANNERS: Mapping[Verb, Callable[[Acting, list[ContainerView]], Planned]] = {
    Verb.START: _start,
    Verb.STOP: _stop,
    Verb.RESTART: _restart,
    Verb.KILL: _kill,
    Verb.REMOVE: _remove,
    Verb.PAUSE: _pause,
    Verb.UNPAUSE: _unpause,
}

_CHANGES = {
    Verb.START: Change.START,
    Verb.STOP: Change.STOP,
    Verb.RESTART: Change.RESTART,
    Verb.KILL: Change.KILL,
    Verb.REMOVE: Change.REMOVE,
    Verb.PAUSE: Change.PAUSE,
    Verb.UNPAUSE: Change.UNPAUSE,
}


def _containers(acting: Acting) -> list[ContainerView]:
    """The app's containers; those that `run` made are their callers' own, but a kill spares none,
    as in Compose."""
    return [
        each
        for each in acting.view.of_app(acting.owner, acting.app)
        if each.identity is not None and (not each.identity.oneoff or acting.verb is Verb.KILL)
    ]


def _named(acting: Acting) -> list[ContainerView]:
    return [
        each
        for each in _containers(acting)
        if each.identity is not None and acting.means(each.identity.slot)
    ]


def _that_count(containers: Iterable[ContainerView]) -> list[ContainerView]:
    """Of each slot the one with the highest fence: others were left by what was interrupted."""
    return list({subject_of(each): each for each in containers}.values())


def _service(container: ContainerView) -> str:
    return container.identity.service if container.identity else ""
