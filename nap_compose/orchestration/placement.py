"""Placement: which host each replica goes to, and why. Pure and deterministic.

Filters say why a host can't take a replica; what is left is scored. A replica that already runs
on a host that can have it stays there: nothing is moved for a nicer score.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nap_compose.cluster.images import familiar
from nap_compose.cluster.view import ContainerView, HostState, HostView, PublishedPort, View
from nap_compose.compose.model import App, Json, Port, Service
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.orchestration.constraints import Constraint
from nap_compose.orchestration.wanted import Slot, namespace_of, slots_of

Held = Mapping[str, str]
"""Ports that others hold on one host: (`port/protocol`, as text) → who, for people."""


@dataclass(frozen=True)
class Choice:
    """The host of a replica, why it was chosen, and what spoke against each other host."""

    host: str
    reason: str
    against: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """Replica → host. `unseen` are replicas last known on hosts that didn't answer: they keep
    their slots, and nothing is done about them."""

    choices: Mapping[Slot, Choice]
    unseen: Mapping[Slot, str] = field(default_factory=dict)


class NoRoom(NapError):
    """No host can take a replica. `table` gives the reasons: host → sentence."""

    exit_code = Exit.NO_ROOM

    def __init__(self, slot: Slot, table: Mapping[str, str]) -> None:
        width = max((len(host) for host in table), default=0)
        reasons = "\n".join(f"  {host:<{width}}  {why}" for host, why in table.items())
        what = f"no host has room for {slot}\n{reasons}" if reasons else "no host answers"
        super().__init__(what)
        self.slot = slot
        self.table = table


@dataclass(frozen=True)
class Situation:
    """All that placement looks at, besides the app.

    `making_way` are the ids of the containers that this deployment will replace, move or remove
    if need be: what they hold counts as free. `claimed` are ports that deployments in flight
    hold: host → port → who. `known` is where each replica was last placed, which tells of
    replicas on hosts that weren't seen.
    """

    view: View
    owner: str
    project: str
    making_way: frozenset[str] = frozenset()
    claimed: Mapping[str, Held] = field(default_factory=dict)
    known: Mapping[Slot, str] = field(default_factory=dict)


def place(app: App, services: tuple[str, ...], situation: Situation) -> Placement:
    """Choose a host for every replica of `services` (in an order that has needs first).

    Raises NoRoom with a reason for each host where a replica fits nowhere, BadFile for a
    constraint that can't be read.
    """
    desk = _Desk(app, situation)
    chosen = [app.services[name] for name in services]
    for service in chosen:
        if service.everywhere:
            desk.seat_everywhere(service)
    for slot in desk.in_order(service for service in chosen if not service.everywhere):
        desk.seat(slot)
    order = {name: index for index, name in enumerate(app.services)}
    in_order = sorted(desk.choices, key=lambda slot: (order[slot.service], slot.number))
    return Placement({slot: desk.choices[slot] for slot in in_order}, desk.unseen)


def _freedom(service: Service) -> tuple[int, int, int]:
    """Sorts services with the fewest hosts to choose from first: ports, then constraints.

    Those that share another's namespaces come last, when that one has its host. The sort is
    stable, so the file's order decides between equals.
    """
    constraints = _constraints(service)
    fixed = [port for port in service.ports if port.published]
    return (1 if namespace_of(service) else 0, -len(fixed), -len(constraints))


class _Desk:
    """Seats one replica after another and remembers what that takes away."""

    def __init__(self, app: App, situation: Situation) -> None:
        self.app = app
        self.situation = situation
        self.choices: dict[Slot, Choice] = {}
        self.unseen: dict[Slot, str] = {}
        view = situation.view
        self._mine = view.of_app(situation.owner, app.name)
        self._home = _homes(self._mine)
        self._away = {host.name for host in view.unseen}
        self._taken: dict[str, dict[str, str]] = {
            host.name: self._held_by_others(host) for host in view.hosts.values()
        }
        self._load = {host.name: self._foreign_load(host) for host in view.hosts.values()}

    def in_order(self, services: Iterable[Service]) -> list[Slot]:
        """The replicas in the order in which they are seated: whoever is somewhere already stays
        there, so they come before those that are new and could go elsewhere."""
        by_freedom = sorted(services, key=_freedom)
        slots = [slot for service in by_freedom for slot in slots_of(service)]

        def key(slot: Slot) -> tuple[bool, bool]:
            return bool(namespace_of(self.app.services[slot.service])), slot not in self._home

        return sorted(slots, key=key)

    def seat_everywhere(self, service: Service) -> None:
        """A global service: its replicas on every host that takes containers and that its
        constraints allow. One that has a host already keeps its number."""
        here = {slot: host for slot, host in self._home.items() if slot.service == service.name}
        self.unseen.update(
            {
                slot: host
                for slot, host in self.situation.known.items()
                if slot.service == service.name and host in self._away
            }
        )
        meant = [host for host in self._all_hosts() if not self._not_for(service, host)]
        stay = {
            slot: host.name
            for host in meant
            for slot in sorted(slot for slot, home in here.items() if home == host.name)[
                : service.replicas
            ]
            if slot not in self.unseen
        }
        numbers = (
            number
            for number in itertools.count(1)
            if Slot(service.name, number) not in {*stay, *self.unseen}
        )
        for host in meant:
            mine = [slot for slot, home in stay.items() if home == host.name]
            new = service.replicas - len(mine)
            mine += [Slot(service.name, next(numbers)) for _ in range(new)]
            for slot in mine:
                self._seat_on(host, slot)
        if not meant and not self.unseen and service.replicas:
            raise NoRoom(
                Slot(service.name, 1),
                {host.name: self._not_for(service, host) for host in self._all_hosts()},
            )

    def _seat_on(self, host: HostView, slot: Slot) -> None:
        why = self._objection(slot, host)
        if why:
            raise NoRoom(slot, {host.name: why})
        reason = "is there already" if self._home.get(slot) == host.name else "one on each host"
        against = {
            other.name: self._not_for(self.app.services[slot.service], other) or "has its own"
            for other in self._all_hosts()
            if other is not host
        }
        self._take(slot, Choice(host.name, reason, against))

    def _not_for(self, service: Service, host: HostView) -> str:
        """Why a global service has no replica on `host`; empty where it has."""
        here = any(s.service == service.name and at == host.name for s, at in self._home.items())
        stays = here and host.state is HostState.CORDONED
        if host.state is not HostState.ACTIVE and not stays:
            return f"is {host.state.value}"
        return next((c.objection(host) for c in _constraints(service) if c.objection(host)), "")

    def seat(self, slot: Slot) -> None:
        """Choose the host of one replica."""
        last = self.situation.known.get(slot, "")
        if last in self._away:
            # What else is seen of it is older: the replica itself may well run there.
            self.unseen[slot] = last
            return
        table = {host.name: self._objection(slot, host) for host in self._all_hosts()}
        fitting = [host for host in self._all_hosts() if not table[host.name]]
        if not fitting:
            away = {unseen.name: unseen.text for unseen in self.situation.view.unseen}
            raise NoRoom(slot, {**table, **away})
        best = min(fitting, key=lambda host: self._score(slot, host))
        against = {name: why for name, why in table.items() if why}
        self._take(slot, Choice(best.name, self._reason(slot, best, len(fitting)), against))

    def _take(self, slot: Slot, choice: Choice) -> None:
        self.choices[slot] = choice
        self._load[choice.host] += 1
        for port in self.app.services[slot.service].ports:
            # Of a range the engine takes one that is free; so many are left for the others.
            free = [key for key in _keys(port) if key not in self._taken[choice.host]]
            self._taken[choice.host].update(dict.fromkeys(free[:1], str(slot)))

    def _all_hosts(self) -> list[HostView]:
        return list(self.situation.view.hosts.values())

    def _held_by_others(self, host: HostView) -> dict[str, str]:
        """The ports of a host that this deployment won't make free itself."""
        held = dict(self.situation.claimed.get(host.name, {}))
        for container in host.containers:
            if container.id not in self.situation.making_way:
                held.update({_held_key(port): _holder(container) for port in container.ports})
        return held

    def _foreign_load(self, host: HostView) -> int:
        ours = self.situation.making_way
        return sum(c.state == "running" and c.id not in ours for c in host.containers)

    def _objection(self, slot: Slot, host: HostView) -> str:
        """Why `host` can't take `slot`; empty where it can."""
        service = self.app.services[slot.service]
        return (
            self._not_open(slot, host)
            or self._apart_from_its_namespace(service, host)
            or next((c.objection(host) for c in _constraints(service) if c.objection(host)), "")
            or self._full_of_its_kind(service, host)
            or self._away_from_its_data(service, host)
            or self._port_held(service, host)
        )

    def _not_open(self, slot: Slot, host: HostView) -> str:
        stays = self._home.get(slot) == host.name and host.state is HostState.CORDONED
        return "" if host.state is HostState.ACTIVE or stays else f"is {host.state.value}"

    def _apart_from_its_namespace(self, service: Service, host: HostView) -> str:
        for name in namespace_of(service):
            there = self._place_of(Slot(name, 1))
            if there and there != host.name:
                return f"shares namespaces with {name}, which is on {there}"
        return ""

    def _place_of(self, slot: Slot) -> str:
        """Where a replica goes, or is, if it isn't among those that are seated."""
        choice = self.choices.get(slot)
        return choice.host if choice else self.unseen.get(slot) or self._home.get(slot, "")

    def _full_of_its_kind(self, service: Service, host: HostView) -> str:
        here = self._count(service.name, host.name)
        most = int(_placement(service).get("max_replicas_per_node") or 0)
        return f"has {here} of {service.name}, {most} is the most" if 0 < most <= here else ""

    def _away_from_its_data(self, service: Service, host: HostView) -> str:
        """A local volume is where it is: its service follows it, not the other way round."""
        for mount in service.mounts:
            if mount.type != "volume" or mount.source not in self.app.volumes:
                continue
            name = volume_name(self.app, self.situation.project, mount.source)
            homes = [
                other.name
                for other in self._all_hosts()
                if any(v.name == name and v.driver == "local" for v in other.volumes)
            ]
            if homes and host.name not in homes:
                return f"volume {mount.source} is on {', '.join(homes)}"
            if not homes and self._shared_with(mount.source, host.name):
                return self._shared_with(mount.source, host.name)
        return ""

    def _shared_with(self, volume: str, host: str) -> str:
        """A new local volume goes where the first service that mounts it goes."""
        for slot, choice in self.choices.items():
            mounts = self.app.services[slot.service].mounts
            if choice.host != host and any(mount.source == volume for mount in mounts):
                return f"volume {volume} goes to {choice.host} with {slot}"
        return ""

    def _port_held(self, service: Service, host: HostView) -> str:
        for port in service.ports:
            holders = [self._taken[host.name].get(key) for key in _keys(port)]
            if holders and all(holders):
                shown = port.published + ("" if port.protocol == "tcp" else f"/{port.protocol}")
                return f"port {shown} held by {holders[0]}"
        return ""

    def _count(self, service: str, host: str) -> int:
        return sum(s.service == service and c.host == host for s, c in self.choices.items())

    def _score(self, slot: Slot, host: HostView) -> tuple[int | str, ...]:
        """Smaller is better: at home, then spread of the service, the app, the host; then with
        the image at hand; then the name, so that the same view gives the same placement."""
        mine = sum(choice.host == host.name for choice in self.choices.values())
        image = familiar(self.app.services[slot.service].image)
        return (
            0 if self._home.get(slot) == host.name else 1,
            self._count(slot.service, host.name),
            mine,
            self._load[host.name],
            0 if host.has_image(image) else 1,
            host.name,
        )

    def _reason(self, slot: Slot, host: HostView, fitting: int) -> str:
        if self._home.get(slot) == host.name:
            return "is there already"
        if fitting == 1:
            return "the only host that fits"
        same = self._count(slot.service, host.name)
        return f"{same} of {slot.service} and {self._load[host.name]} in all there"


def _homes(containers: tuple[ContainerView, ...]) -> dict[Slot, str]:
    """Where each slot's container is; the highest fence, which comes last, is the right one."""
    return {
        Slot(c.identity.service, c.identity.replica): c.host
        for c in containers
        if c.identity is not None and not c.identity.oneoff
    }


def _placement(service: Service) -> Json:
    placement: Json = (service.spec.get("deploy") or {}).get("placement") or {}
    return placement


def _constraints(service: Service) -> list[Constraint]:
    return [Constraint.parse(text) for text in _placement(service).get("constraints") or ()]


def _keys(port: Port) -> list[str]:
    """The host ports that would do for `port`, each as `port/protocol`; none: any will do."""
    if not port.published:
        return []
    first, _, last = port.published.partition("-")
    return [f"{n}/{port.protocol}" for n in range(int(first), int(last or first) + 1)]


def _held_key(port: PublishedPort) -> str:
    return f"{port.port}/{port.protocol}"


def _holder(container: ContainerView) -> str:
    identity = container.identity
    return f"{identity.key}/{identity.slot}" if identity else container.name
