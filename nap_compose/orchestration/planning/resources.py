"""Networks and volumes that the new containers need and that aren't there yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.view import NetworkView, VolumeView
from nap_compose.compose.model import Service
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.making import network_name, volume_name
from nap_compose.orchestration.decide import Decision, Wish
from nap_compose.orchestration.plan import Change, Kind, Line, Step
from nap_compose.orchestration.planning.draft import Draft

_Found = tuple[list[Step], list[Line]]


def ensure_networks_and_volumes(draft: Draft) -> None:
    """Make what is missing of them, once the images are there.

    Raises NapError where an external one is missing, or the name is another project's.
    """
    needs = draft.after(Kind.BRING_IMAGE, Kind.ENSURE_FOLDER)
    for steps, lines in (
        _networks(draft.wish, draft.making),
        _volumes(draft.wish, draft.making),
    ):
        draft.add_all(replace(step, needs=needs) for step in steps)
        draft.summary += lines


def _networks(wish: Wish, making: Iterable[Decision]) -> _Found:
    """The networks that the new containers need and that aren't there yet."""
    steps: list[Step] = []
    lines: list[Line] = []
    hosts_by_key: dict[str, list[str]] = {}
    for service, host in _users(wish, making):
        for key in () if service.spec.get("network_mode") else service.networks:
            hosts = hosts_by_key.setdefault(key, [])
            if host not in hosts:
                hosts.append(host)
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


def _volumes(wish: Wish, making: Iterable[Decision]) -> _Found:
    """The named volumes that the new containers need and that aren't there yet."""
    steps: dict[str, Step] = {}
    lines: list[Line] = []
    for service, host in _users(wish, making):
        for mount in service.mounts:
            if mount.type != "volume" or not mount.source:
                continue
            key = mount.source
            name = volume_name(wish.app, wish.project, key)
            spec = wish.app.volumes.get(key, {})
            pooled = key in wish.pooled
            there = _volumes_called(wish, name, [] if pooled else [host])
            if there:
                _fits(there[0], key, spec, wish)
                if any(each.host == host for each in there):
                    continue
            elif spec.get("external"):
                raise _missing("volume", key, name, host)
            step_id = f"volume:{key}@{host}"
            if step_id in steps:
                continue
            if not pooled:
                lines.append(Line(Change.CREATE, f"volume {key}", host))
            like = {"like": there[0].host} if spec.get("external") else {}
            steps[step_id] = Step(
                id=step_id,
                kind=Kind.ENSURE_VOLUME,
                host=host,
                target=name,
                subject=f"volume {key}",
                undo="remove",
                args={"key": key, **like},
            )
    return list(steps.values()), lines


def _volumes_called(wish: Wish, name: str, hosts: Iterable[str]) -> list[VolumeView]:
    """The volumes of that name on these hosts, or (none named) on any: one on cluster storage is
    the same wherever it is."""
    return [
        volume
        for host in list(hosts) or wish.view.hosts
        for volume in wish.view.hosts[host].volumes
        if volume.name == name
    ]


def _users(wish: Wish, making: Iterable[Decision]) -> Iterator[tuple[Service, str]]:
    """The services that get a new container, each with the host of it.

    Where there is but one host, also those with no replicas: Compose makes for them what they will
    need.
    """
    for decision in making:
        yield wish.service(decision.slot), decision.host
    hosts = list(wish.view.hosts)
    seated = {slot.service for slot in wish.placement.choices}
    for name in wish.services:
        if name not in seated and len(hosts) == 1 and wish.overlay == "bridge":
            yield wish.app.services[name], hosts[0]


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
