"""Pieces that plans are made of, whichever way they lead: stops, removals, the running order."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import Condition, Dependency, Service
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Kind, Step


class Circle(NapError):
    """Steps that wait for each other."""


def subject_of(container: ContainerView) -> str:
    """What people call a container: its slot, else its name."""
    if container.kept:
        return f"{container.kept.slot} (failed)"
    return container.identity.slot if container.identity else container.name


def dependencies_of(container: ContainerView) -> list[Dependency]:
    """What it depends on by Compose's label: `db:service_healthy:true,cache:service_started:false`.

    Conditions that nap doesn't know count as a start.
    """
    text = container.labels.get(labels.COMPOSE + "depends_on", "")
    found = []
    for entry in filter(None, text.split(",")):
        service, condition, restart = [*entry.split(":"), "", ""][:3]
        known = condition in {each.value for each in Condition}
        found.append(
            Dependency(
                service,
                Condition(condition) if known else Condition.STARTED,
                restart=restart == "true",
            )
        )
    return found


def links_of(service: Service) -> list[str]:
    """The services that `links` names."""
    return [str(link).split(":", 1)[0] for link in service.spec.get("links") or ()]


def stop_args(container: ContainerView, grace: float | None) -> dict[str, Any]:
    """What is needed to stop a container, and to bring it back as it was."""
    return {
        "name": container.name,
        "running": container.state in ("running", "restarting", "paused"),
        **({} if grace is None else {"grace": grace}),
    }


def stopping(
    container: ContainerView,
    subject: str,
    grace: float | None,
    *,
    needs: tuple[str, ...] = (),
    undo: str = "",
    first: bool = False,
) -> Step:
    """The step that stops a container; `grace` in seconds, None for its own. `first`: it is removed
    afterwards, and others wait for no more than the end of its process."""
    return Step(
        id=f"stop:{container.id[:12]}",
        kind=Kind.STOP,
        host=container.host,
        target=container.id,
        subject=subject,
        needs=needs,
        undo=undo,
        args={**stop_args(container, grace), **({"first": True} if first else {})},
    )


def removal(
    container: ContainerView, subject: str, needs: tuple[str, ...], *, volumes: bool = False
) -> Step:
    """The step that removes a stopped container, with `volumes` its anonymous ones too."""
    return Step(
        id=f"remove:{container.id[:12]}",
        kind=Kind.REMOVE,
        host=container.host,
        target=container.id,
        subject=subject,
        needs=needs,
        args={"volumes": True} if volumes else {},
    )


def in_running_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps in an order in which they could be run one by one.

    Raises Circle where two replicas each wait for what the other holds.
    """
    by_id = {step.id: step for step in steps}
    graph = {step.id: [need for need in step.needs if need in by_id] for step in by_id.values()}
    try:
        return tuple(by_id[step] for step in TopologicalSorter(graph).static_order())
    except CycleError as circle:
        way = " → ".join(circle.args[1])
        raise Circle(
            f"these steps wait for each other: {way}",
            hint="take the app down and up again: `nap down`, `nap up`",
        ) from circle
