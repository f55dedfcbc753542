"""What placement is told by the parts of the cluster, and what a deployment claims of the hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from nap_compose.cluster.demand import Demand, PortClaim
from nap_compose.cluster.engine import EngineAway, EngineError, Engines
from nap_compose.cluster.holding import NANO, Holding
from nap_compose.cluster.images import Found
from nap_compose.cluster.seen import architecture
from nap_compose.cluster.view import HostState, View
from nap_compose.compose.model import App
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.placement.asks import holding_of
from nap_compose.orchestration.placement.groups import together
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.result import NoRoom, Placement
from nap_compose.orchestration.placement.room import HERE
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot


def place_or_stay(
    app: App, services: tuple[str, ...], situation: Situation
) -> tuple[Placement, list[str]]:
    """The placement; and a sentence for each replica that would have to leave a drained host, but
    nobody else can take it: it stays there, and the rest of the app isn't held up by it.

    Raises NoRoom for replicas that have no place to stay at either.
    """
    there = {
        Slot(each.identity.service, each.identity.replica): each.host
        for each in situation.view.of_app(situation.owner, app.name)
        if each.identity is not None and not each.identity.oneoff
    }
    staying: dict[Slot, str] = {}
    while True:
        try:
            placement = place(app, services, replace(situation, staying=frozenset(staying)))
        except NoRoom as full:
            more = {
                slot: _why_not_elsewhere(table, there[slot])
                for slot, table in full.tables.items()
                if slot in there
                and slot not in staying
                and situation.view.hosts[there[slot]].state is HostState.DRAINED
            }
            if not more:
                raise
            staying.update(more)
        else:
            return placement, [
                f"{slot} stays on {there[slot]}, which is drained: {why}"
                for slot, why in staying.items()
            ]


def _why_not_elsewhere(table: Mapping[str, str], home: str) -> str:
    reasons = [f"{host}: {why}" for host, why in table.items() if host != home]
    return "; ".join(reasons) or "there is no other host"


def platforms(engines: Engines, images: Mapping[str, Found], view: View) -> dict[str, str]:
    """The os/arch of each image, asked only where hosts differ in theirs."""
    kinds = {(host.os, host.arch) for host in view.hosts.values()}
    if len(kinds) < 2:
        return {}
    found = {}
    for reference, image in images.items():
        with contextlib.suppress(EngineAway, EngineError):
            told = engines.on(image.anywhere[0]).inspect_image(image.id)
            if told.get("Os") and told.get("Architecture"):
                found[reference] = f"{told['Os']}/{architecture(told)}"
    return found


def demands(wish: Wish, making_way: frozenset[str]) -> dict[str, Demand]:
    """All that the app will hold on each host on which it is placed: fixed ports, CPUs, memory
    and devices; also of containers that this deployment leaves alone."""
    slots: dict[str, list[str]] = {}
    for slot, choice in wish.placement.choices.items():
        slots.setdefault(choice.host, []).append(slot.service)
    found = {
        host: _demand(wish, services, _staying(wish, host, making_way))
        for host, services in slots.items()
    }
    return {host: demand for host, demand in found.items() if demand != Demand()}


def _demand(wish: Wish, services: list[str], staying: Iterable[Holding]) -> Demand:
    chosen = [wish.app.services[name] for name in services]
    ports = tuple(
        PortClaim(port.protocol, port.host_ip, number)
        for service in chosen
        for port in service.ports
        if (number := port.fixed()) is not None
    )
    new = together(holding_of(service) for service in chosen)
    if new == Holding():
        return Demand(ports)
    held = together([new, *staying])
    return Demand(ports, held.cpus / NANO, held.memory, held.devices)


def _staying(wish: Wish, host: str, making_way: frozenset[str]) -> list[Holding]:
    return [
        container.holding
        for container in wish.view.hosts[host].containers
        if container.identity is not None
        and (container.identity.owner, container.identity.app) == (wish.owner, wish.app.name)
        and container.id not in making_way
        and container.state in HERE
    ]
