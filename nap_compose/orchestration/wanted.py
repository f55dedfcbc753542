"""What an app wants, before anything is placed: its replicas, in which order, with which needs."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from nap_compose.compose.model import App, Service
from nap_compose.errors import BadFile, WrongUse
from nap_compose.plaindata import dataclass


@dataclass(frozen=True, order=True)
class Slot:
    """A numbered replica of a service, counted from 1: `web.2`."""

    service: str
    number: int

    def __str__(self) -> str:
        return f"{self.service}.{self.number}"


def slots_of(service: Service, there: Collection[int] = ()) -> tuple[Slot, ...]:
    """The slots that a replicated service wants filled: those whose numbers are `there`, the
    lowest first, and as many of the next free numbers as are missing.

    >>> [slot.number for slot in slots_of(Service.of("web", {"scale": 3}), there={4, 2})]
    [1, 2, 4]
    """
    kept = sorted(there)[: service.replicas]
    free = (number for number in itertools.count(1) if number not in there)
    numbers = [*kept, *itertools.islice(free, service.replicas - len(kept))]
    return tuple(Slot(service.name, number) for number in sorted(numbers))


def replicas_on(app: App, network: str, hosts: int) -> int:
    """How many replicas the app has on one of its networks, given by key."""
    return sum(
        service.replicas * (hosts if service.everywhere else 1)
        for service in app.services.values()
        if network in service.networks and not service.spec.get("network_mode")
    )


def namespace_of(service: Service) -> tuple[str, ...]:
    """The services whose namespaces or volumes this one uses: they share its host."""
    spec = service.spec
    names = [
        str(spec[key]).split(":", 1)[1]
        for key in ("network_mode", "ipc", "pid", "uts", "cgroup")
        if str(spec.get(key) or "").startswith("service:")
    ]
    names += [
        entry.split(":", 1)[0]
        for entry in spec.get("volumes_from") or ()
        if not entry.startswith("container:")
    ]
    return tuple(dict.fromkeys(names))


def needs_of(service: Service, app: App) -> tuple[str, ...]:
    """The services of the app that must be up before this one."""
    named = [dependency.service for dependency in service.depends_on]
    named += namespace_of(service)
    named += [link.split(":", 1)[0] for link in service.spec.get("links") or ()]
    return tuple(name for name in dict.fromkeys(named) if name in app.services)


def in_order(app: App, services: Iterable[str]) -> tuple[str, ...]:
    """`services` with what they need first, else as the file has them; cycles are refused."""
    wanted = set(services)
    graph = {
        name: [need for need in needs_of(service, app) if need in wanted]
        for name, service in app.services.items()
        if name in wanted
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as cycle:
        way = " → ".join(reversed(cycle.args[1]))
        raise BadFile(f"the services depend on each other in a circle: {way}") from cycle


def select(app: App, services: tuple[str, ...], *, alone: bool = False) -> tuple[str, ...]:
    """The services that a command means: those named with what they need, or all of the app.

    `alone` leaves out what they need. Raises WrongUse for a service that the app doesn't have.
    """
    for name in services:
        if name not in app.services:
            known = ", ".join(app.services) or "none"
            raise WrongUse(f"no such service: {name}", hint=f"the app has: {known}")
    chosen = set(services or app.services)
    todo = [] if alone else list(chosen)
    while todo:
        for need in needs_of(app.services[todo.pop()], app):
            if need not in chosen:
                chosen.add(need)
                todo.append(need)
    return in_order(app, chosen)


def scaled(app: App, scale: Mapping[str, int]) -> App:
    """The app with other numbers of replicas, in its document too."""
    if not scale:
        return app
    services: dict[str, Any] = dict(app.document.get("services") or {})
    for name, count in scale.items():
        if name not in services:
            raise WrongUse(f"no such service: {name}", hint="--scale SERVICE=N")
        if count < 0:
            raise WrongUse(f"--scale {name}={count}: a number from 0 on is meant")
        spec = dict(services[name])
        if spec.get("deploy") and "replicas" in spec["deploy"]:
            spec["deploy"] = {**spec["deploy"], "replicas": count}
        else:
            spec["scale"] = count
        services[name] = spec
    document = {**app.document, "services": services}
    typed = {name: Service.of(name, spec) for name, spec in services.items()}
    return replace(app, document=document, services=typed)
