"""The plan of `nap down`: from the labels alone, without the file. Pure.

Containers stop in the reverse of the order in which they depend on each other, then they are
removed, then networks, and volumes only when asked. What stands on a host that wasn't seen is
left, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.view import ContainerView, NetworkView, View, VolumeView
from nap_compose.orchestration.common import in_running_order, removal, stop_args, subject_of
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step


@dataclass(frozen=True)
class Leaving:
    """What is to go: all of the app, or (with `services`) some services' containers.

    `known` are the services that the file has, None where no file was asked: containers of other
    services are orphans then, and stay unless `orphans`. `away` are the replicas that are known to
    be on hosts that weren't seen: slot → host.
    """

    owner: str
    app: str
    project: str
    deployment: str
    view: View
    services: tuple[str, ...] = ()
    known: tuple[str, ...] | None = None
    orphans: bool = False
    volumes: bool = False
    grace: float | None = None
    network_host: str = ""
    away: Mapping[str, str] = field(default_factory=dict)


def plan_down(leaving: Leaving) -> Plan:
    """The plan that takes the app away."""
    going, staying = _sorted_out(leaving)
    steps: list[Step] = []
    summary: list[Line] = []
    for container in going:
        subject = subject_of(container)
        stop = Step(
            id=f"stop:{container.id[:12]}",
            kind=Kind.STOP,
            host=container.host,
            target=container.id,
            subject=subject,
            needs=tuple(f"stop:{other.id[:12]}" for other in _dependents(container, going)),
            args=stop_args(container, leaving.grace),
        )
        steps += [stop, removal(container, subject, needs=(stop.id,), volumes=leaving.volumes)]
        summary.append(Line(Change.REMOVE, subject, container.host))
    summary += [
        Line(Change.UNSEEN, slot, host, f"{host} was not seen")
        for slot, host in sorted(leaving.away.items())
    ]
    if not leaving.services and not staying:
        removed = tuple(step.id for step in steps if step.kind is Kind.REMOVE)
        for network in _networks(leaving):
            if leaving.away and network.scope != "local":
                why = "what stands on hosts that were not seen may use it"
                summary.append(Line(Change.UNSEEN, _called(network), network.host, why))
                continue
            steps.append(_removal_of(network, removed, known_on=_know(network, leaving.view)))
            summary.append(Line(Change.REMOVE, _called(network), network.host))
        for volume in _volumes(leaving) if leaving.volumes else ():
            steps.append(_removal_of(volume, removed))
            summary.append(Line(Change.REMOVE, _called(volume), volume.host))
    return Plan(
        owner=leaving.owner,
        app=leaving.app,
        project=leaving.project,
        revision=0,
        deployment=leaving.deployment,
        steps=in_running_order(steps),
        summary=tuple(summary),
        unseen=leaving.view.unseen,
        orphans=tuple(subject_of(container) for container in staying),
    )


def _sorted_out(leaving: Leaving) -> tuple[list[ContainerView], list[ContainerView]]:
    """The containers that go, and the orphans that stay."""
    going: list[ContainerView] = []
    staying: list[ContainerView] = []
    for container in leaving.view.of_app(leaving.owner, leaving.app):
        service = container.identity.service if container.identity else ""
        if leaving.services and service not in leaving.services:
            continue
        orphan = leaving.known is not None and service not in leaving.known
        (staying if orphan and not leaving.orphans else going).append(container)
    return going, staying


def _dependents(container: ContainerView, going: Sequence[ContainerView]) -> list[ContainerView]:
    """Those that stop before `container` does: they depend on its service."""
    service = container.identity.service if container.identity else ""
    return [other for other in going if service in _depends_on(other)]


def _depends_on(container: ContainerView) -> set[str]:
    """The services in Compose's label: `db:service_healthy:false,cache:…`."""
    text = container.labels.get(labels.COMPOSE + "depends_on", "")
    return {entry.split(":", 1)[0] for entry in text.split(",") if entry}


def _networks(leaving: Leaving) -> list[NetworkView]:
    """The app's networks, each once: an overlay is seen on many hosts, and removed on one."""
    found: dict[str, NetworkView] = {}
    for host in leaving.view.hosts.values():
        for network in host.networks:
            if not _ours(network, leaving):
                continue
            if network.id not in found or host.name == leaving.network_host:
                found[network.id] = network
    return list(found.values())


def _volumes(leaving: Leaving) -> list[VolumeView]:
    return [
        volume
        for host in leaving.view.hosts.values()
        for volume in host.volumes
        if _ours(volume, leaving)
    ]


def _ours(thing: NetworkView | VolumeView, leaving: Leaving) -> bool:
    identity = thing.identity
    return identity is not None and (identity.owner, identity.app) == (leaving.owner, leaving.app)


def _called(thing: NetworkView | VolumeView) -> str:
    kind = "network" if isinstance(thing, NetworkView) else "volume"
    return f"{kind} {thing.labels.get(labels.COMPOSE + kind) or thing.name}"


def _know(network: NetworkView, view: View) -> list[str]:
    """The hosts that list the network."""
    return [
        name
        for name, host in view.hosts.items()
        if any(each.id == network.id for each in host.networks)
    ]


def _removal_of(thing: NetworkView | VolumeView, needs: tuple[str, ...], **args: Any) -> Step:
    kind = Kind.REMOVE_NETWORK if isinstance(thing, NetworkView) else Kind.REMOVE_VOLUME
    target = thing.id if isinstance(thing, NetworkView) else thing.name
    return Step(
        id=f"{kind.value}:{target[:40]}@{thing.host}",
        kind=kind,
        host=thing.host,
        target=target,
        subject=_called(thing),
        needs=needs,
        args=args,
    )
