"""Pieces that plans are made of, whichever way they lead: networks, volumes, stops, removals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.view import ContainerView, NetworkView, VolumeView
from nap_compose.compose.model import Service
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.making import network_name, volume_name
from nap_compose.orchestration.decide import Decision, Wish
from nap_compose.orchestration.plan import Change, Kind, Line, Step

Found = tuple[list[Step], list[Line]]


class Circle(NapError):
    """Steps that wait for each other."""


def subject_of(container: ContainerView) -> str:
    """What people call a container: its slot, else its name."""
    return container.identity.slot if container.identity else container.name


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


def networks(wish: Wish, making: Iterable[Decision]) -> Found:
    """The networks that the new containers need and that aren't there yet."""
    steps: list[Step] = []
    lines: list[Line] = []
    hosts_by_key: dict[str, list[str]] = {}
    for decision in making:
        service = wish.service(decision.slot)
        for key in () if service.spec.get("network_mode") else service.networks:
            hosts = hosts_by_key.setdefault(key, [])
            if decision.host not in hosts:
                hosts.append(decision.host)
    for key, hosts in hosts_by_key.items():
        name = network_name(wish.app, wish.project, key)
        spec = wish.app.networks.get(key, {})
        for host, users in _where(wish, hosts):
            there = [n for n in wish.view.hosts[host].networks if n.name == name]
            if len(there) > 1:
                raise NapError(
                    f"there are {len(there)} networks called {name}",
                    host=host,
                    hint="remove those that nobody uses: docker network ls, docker network rm ID",
                )
            if there:
                _fits(there[0], key, spec, wish)
                continue
            if spec.get("external"):
                raise _missing("network", key, name, host)
            lines.append(Line(Change.CREATE, f"network {key}", host))
            steps.append(
                Step(
                    id=f"network:{key}@{host}",
                    kind=Kind.ENSURE_NETWORK,
                    host=host,
                    target=name,
                    subject=f"network {key}",
                    undo="remove",
                    args={"key": key, "overlay": wish.overlay != "bridge", "users": users},
                )
            )
    return steps, lines


def volumes(wish: Wish, making: Iterable[Decision]) -> Found:
    """The named volumes that the new containers need and that aren't there yet."""
    steps: dict[str, Step] = {}
    lines: list[Line] = []
    for decision in making:
        for mount in wish.service(decision.slot).mounts:
            if mount.type != "volume" or not mount.source:
                continue
            key, host = mount.source, decision.host
            name = volume_name(wish.app, wish.project, key)
            spec = wish.app.volumes.get(key, {})
            there = [v for v in wish.view.hosts[host].volumes if v.name == name]
            if there:
                _fits(there[0], key, spec, wish)
                continue
            if spec.get("external"):
                raise _missing("volume", key, name, host)
            step_id = f"volume:{key}@{host}"
            if step_id in steps:
                continue
            lines.append(Line(Change.CREATE, f"volume {key}", host))
            steps[step_id] = Step(
                id=step_id,
                kind=Kind.ENSURE_VOLUME,
                host=host,
                target=name,
                subject=f"volume {key}",
                undo="remove",
                args={"key": key},
            )
    return list(steps.values()), lines


def _where(wish: Wish, hosts: list[str]) -> list[tuple[str, list[str]]]:
    """Where a network is made, and for whom: an overlay once, a bridge on each host."""
    if wish.overlay == "bridge":
        return [(host, [host]) for host in hosts]
    return [(wish.network_host, hosts)]


def _fits(there: NetworkView | VolumeView, key: str, spec: Mapping[str, Any], wish: Wish) -> None:
    """Refuse something of that name that another app made: it isn't ours to use unasked."""
    if spec.get("external"):
        return
    owner = there.labels.get(labels.OWNER, "")
    project = there.labels.get(labels.COMPOSE + "project", "")
    kind = "network" if isinstance(there, NetworkView) else "volume"
    if project and (project, owner) != (wish.project, wish.owner):
        raise NapError(
            f"{kind} {there.name} belongs to project {project}",
            host=there.host,
            hint=f"say `external: true` under {kind}s.{key} to use it, or give it another name",
        )


def _missing(kind: str, key: str, name: str, host: str) -> NapError:
    return NapError(
        f"{kind} {name} is external, but it isn't there",
        host=host,
        hint=f"create it (docker {kind} create {name}), or drop `external` under {kind}s.{key}",
    )
