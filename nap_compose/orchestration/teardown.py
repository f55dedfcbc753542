"""The plan of `nap down`: from the labels alone, without the file. Pure.

Containers stop in the reverse of the order in which they depend on each other, then they are
removed, then networks, and volumes only when asked. What stands on a host that wasn't seen is
left, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.view import ContainerView, NetworkView, View, VolumeView
from nap_compose.orchestration.common import (
    dependencies_of,
    in_running_order,
    removal,
    stopping,
    subject_of,
)
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from nap_compose.orchestration.pooling import WHERE
from nap_compose.orchestration.shipping import OWN
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Leaving:
    """What is to go: all of the app, or (with `services`) some services and what they alone use.

    `known` are the services that the file has, None where no file was asked: containers of other
    services are orphans then, and stay unless `orphans`. `away` are the replicas that are known to
    be on hosts that weren't seen: slot → host. `folders` are the app's volumes on cluster storage:
    folder → the name of the hosts' volumes that are bound to it (empty where no host has one).
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
    folders: Mapping[str, str] = field(default_factory=dict)


def plan_down(leaving: Leaving) -> Plan:
    """The plan that takes the app away."""
    going, staying = _sorted_out(leaving)
    steps: list[Step] = []
    summary: list[Line] = []
    needed = {each.id: {need.service for need in dependencies_of(each)} for each in going}
    services = {_service(each) for each in going}
    for container in going:
        subject = subject_of(container)
        stop = stopping(
            container,
            subject,
            leaving.grace,
            needs=tuple(
                f"stop:{other.id[:12]}"
                for other in going
                if _service(container) in needed[other.id]
            ),
            first=not services.isdisjoint(needed[container.id]),
        )
        steps += [stop, removal(container, subject, needs=(stop.id,), volumes=leaving.volumes)]
        summary.append(Line(Change.REMOVE, subject, container.host))
    for container in _failed(leaving):
        subject = subject_of(container)
        steps.append(removal(container, subject, needs=(), volumes=True))
        summary.append(Line(Change.REMOVE, subject, container.host))
    summary += [
        Line(Change.UNSEEN, slot, host, f"{host} was not seen")
        for slot, host in sorted(leaving.away.items())
    ]
    removed = tuple(step.id for step in steps if step.kind is Kind.REMOVE)
    remaining = _remaining(leaving, going)
    for network in _networks(leaving):
        if not _is_free(network, leaving, going, remaining):
            continue
        if leaving.away and network.scope != "local":
            why = "what stands on hosts that were not seen may use it"
            summary.append(Line(Change.UNSEEN, _called(network), network.host, why))
            continue
        steps.append(_removal_of(network, removed, known_on=_know(network, leaving.view)))
        summary.append(Line(Change.REMOVE, _called(network), network.host))
    if not remaining:
        for host in _hosts_with_files(leaving, going):
            steps.append(_clearance(leaving, host, removed))
    if leaving.volumes:
        for step, line in _volumes_going(leaving, going, remaining, removed):
            steps += [step] if step else []
            summary.append(line)
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


def _volumes_going(
    leaving: Leaving,
    going: Sequence[ContainerView],
    remaining: Sequence[ContainerView],
    needs: tuple[str, ...],
) -> Iterator[tuple[Step | None, Line]]:
    """The volumes that go from the hosts, and then their folders on cluster storage."""
    bound: dict[str, list[str]] = {name: [] for name in leaving.folders.values()}
    kept: set[str] = set()
    for volume in _volumes(leaving):
        if not _is_free(volume, leaving, going, remaining):
            kept.add(volume.name)
            continue
        step = _removal_of(volume, needs)
        bound.setdefault(volume.name, []).append(step.id)
        yield step, Line(Change.REMOVE, _called(volume), volume.host)
    for folder, name in leaving.folders.items():
        subject = f"volume {folder.rpartition('/')[2]}"
        if name in kept or (leaving.services and not name):
            continue
        if leaving.away:
            why = "what stands on hosts that were not seen may use it"
            yield None, Line(Change.UNSEEN, subject, WHERE, why)
            continue
        yield (
            _removal_of_folder(folder, subject, (*needs, *bound[name])),
            Line(Change.REMOVE, subject, WHERE),
        )
    for host in leaving.view.unseen:
        if not leaving.services:
            why = "it was not seen, and may have volumes of the app"
            yield None, Line(Change.UNSEEN, "volumes", host.name, why)


def _removal_of_folder(folder: str, subject: str, needs: tuple[str, ...]) -> Step:
    return Step(
        id=f"folder:{folder}",
        kind=Kind.REMOVE_FOLDER,
        host="",
        target=folder,
        subject=subject,
        needs=needs,
    )


def _sorted_out(leaving: Leaving) -> tuple[list[ContainerView], list[ContainerView]]:
    """The containers that go, and the orphans that stay."""
    going: list[ContainerView] = []
    staying: list[ContainerView] = []
    for container in leaving.view.of_app(leaving.owner, leaving.app):
        service = _service(container)
        if leaving.services and service not in leaving.services:
            continue
        orphan = leaving.known is not None and service not in leaving.known
        (staying if orphan and not leaving.orphans else going).append(container)
    return going, staying


def _failed(leaving: Leaving) -> list[ContainerView]:
    """Those that failed and were kept for a look: none stays."""
    return [
        container
        for container in leaving.view.kept_of(leaving.owner, leaving.app)
        if container.kept and (not leaving.services or container.kept.service in leaving.services)
    ]


def _remaining(leaving: Leaving, going: Sequence[ContainerView]) -> list[ContainerView]:
    """The app's containers that don't go: orphans, and those of other services."""
    gone = {container.id for container in going}
    return [each for each in leaving.view.of_app(leaving.owner, leaving.app) if each.id not in gone]


def _is_free(
    thing: NetworkView | VolumeView,
    leaving: Leaving,
    going: Sequence[ContainerView],
    remaining: Sequence[ContainerView],
) -> bool:
    """Whether a network or volume goes too: nobody who remains uses it and, where only some
    services go, one of them did."""
    if any(_uses(container, thing, leaving) for container in remaining):
        return False
    return not leaving.services or any(_uses(container, thing, leaving) for container in going)


def _uses(container: ContainerView, thing: NetworkView | VolumeView, leaving: Leaving) -> bool:
    if isinstance(thing, NetworkView):
        return thing.name in container.networks
    # One on cluster storage is the same on every host.
    here = thing.host == container.host or thing.name in leaving.folders.values()
    return here and thing.name in container.volumes


def _hosts_with_files(leaving: Leaving, going: Sequence[ContainerView]) -> list[str]:
    """The hosts where the app's containers use content that was brought there."""
    own = tuple(f"{base}/{leaving.project}/" for base in OWN)
    users = (c.host for c in going if any(source.startswith(own) for source in c.binds))
    return list(dict.fromkeys(users))


def _clearance(leaving: Leaving, host: str, needs: tuple[str, ...]) -> Step:
    return Step(
        id=f"files@{host}",
        kind=Kind.CLEAR_FILES,
        host=host,
        target=leaving.project,
        subject="files",
        needs=needs,
    )


def _service(container: ContainerView) -> str:
    return container.identity.service if container.identity else ""


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
    """The hosts that may list the network for a moment after it was removed; an engine's own is
    gone at once."""
    if network.scope == "local":
        return []
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
