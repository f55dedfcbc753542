"""Who sits where: the hosts, the groups on them, and what was there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from nap_compose.cluster.subnets import room_in
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import App
from nap_compose.orchestration.bodies.making import network_name
from nap_compose.orchestration.placement.asks import Ask
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.room import Room, rooms
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.placement.volumes import homes, is_anonymous
from nap_compose.orchestration.wanted import Slot

OnChange = Callable[[Group, Room, int], None]
"""Told of each group that is seated (1) or gets up (-1)."""


class Seating:
    """The state of one placement.

    `home` is where each replica's container is, `bound` those among them that keep something in an
    anonymous volume, `unseen` the replicas on hosts that weren't seen.
    `places` holds the groups in the order in which they were seated. `shy` are the services that
    must be away from others. `addresses` tells of networks that are there how many replicas can be
    on them, `attached` how many are.
    """

    def __init__(self, app: App, situation: Situation, asks: Mapping[str, Ask]) -> None:
        self.app = app
        self.situation = situation
        self.asks = asks
        self.rooms = rooms(app.name, situation)
        self.by_name = {room.name: room for room in self.rooms}
        there = _newest(situation.view.of_app(situation.owner, app.name))
        self.home = {slot: container.host for slot, container in there.items()}
        self.bound = {} if situation.fresh_volumes else _bound(there)
        self.away = {host.name for host in situation.view.unseen}
        self.unseen: dict[Slot, str] = {}
        self.places: dict[Group, Room] = {}
        self.shy = tuple(name for name, ask in asks.items() if ask.away)
        hosts = [room.host for room in self.rooms]
        self.homes_of_volumes = {
            volume: homes(app, situation.project, volume, hosts, situation.shared)
            for volume in dict.fromkeys(v for ask in asks.values() for v in ask.volumes)
        }
        self.addresses = _addresses(app, situation, asks)
        self.attached: Counter[str] = Counter()
        self._seats: dict[Slot, Room] = {}
        self._present: Counter[str] = sum((room.services for room in self.rooms), Counter())
        self._waiting: Counter[str] = Counter()
        self._listeners: list[OnChange] = []

    def expect(self, groups: Iterable[Group]) -> None:
        """These are still to be seated."""
        for group in groups:
            self._waiting.update(group.kind)

    def listen(self, listener: OnChange) -> None:
        """Tell `listener` of every change."""
        self._listeners.append(listener)

    def seat(self, group: Group, room: Room) -> None:
        """The group goes to a host."""
        room.seat(group)
        self.places[group] = room
        self._count(group, room, 1)

    def unseat(self, group: Group) -> Room:
        """The group gets up; gives the host where it was."""
        room = self.places.pop(group)
        room.unseat(group)
        self._count(group, room, -1)
        return room

    def _count(self, group: Group, room: Room, sign: int) -> None:
        for slot in group.slots:
            self._present[slot.service] += sign
            self._waiting[slot.service] -= sign
            for key in self.asks[slot.service].networks if self.addresses else ():
                self.attached[key] += sign
            if sign > 0:
                self._seats[slot] = room
            else:
                del self._seats[slot]
        for listener in self._listeners:
            listener(group, room, sign)

    def number_of(self, service: str) -> int:
        """How many replicas of a service are seated, or were there and stay."""
        return self._present[service]

    def seated(self, service: str) -> bool:
        """Whether a replica of the service is anywhere."""
        return self._present[service] > 0

    def to_come(self, service: str) -> bool:
        """Whether a service is still to get its first replica."""
        return self._waiting[service] > 0 and not self.seated(service)

    def home_of(self, group: Group) -> Room | None:
        """The host on which a group is already; None where it is new, or its host wasn't seen."""
        names = (self.home[slot] for slot in group.slots if slot in self.home)
        return self.by_name.get(next(names, ""))

    def place_of_first(self, service: str) -> str:
        """The host of a service's first replica, where it goes or is; empty where that is open."""
        slot = Slot(service, 1)
        if slot in self._seats:
            return self._seats[slot].name
        return self.unseen.get(slot) or self.home.get(slot, "")

    def place_of_container(self, name: str) -> str:
        """The host that has a container of this name or id; empty where none has."""
        return next(
            (
                container.host
                for room in self.rooms
                for container in room.host.containers
                if container.name == name or container.id.startswith(name)
            ),
            "",
        )


def _addresses(app: App, situation: Situation, asks: Mapping[str, Ask]) -> dict[str, int]:
    """For how many replicas the networks that are there have addresses, by key. What each host
    has for itself alone isn't shared by all."""
    hosts = situation.view.hosts.values()
    found: dict[str, int] = {}
    for key in dict.fromkeys(key for ask in asks.values() for key in ask.networks):
        name = network_name(app, situation.project, key)
        shared = (
            network
            for host in hosts
            for network in host.networks
            if network.name == name and network.scope != "local"
        )
        room = next((room_in(network, len(hosts)) for network in shared), None)
        if room is not None:
            found[key] = room
    return found


def _newest(containers: Iterable[ContainerView]) -> dict[Slot, ContainerView]:
    """Each slot's container; the highest fence, which comes last, is the right one."""
    return {
        Slot(c.identity.service, c.identity.replica): c
        for c in containers
        if c.identity is not None and not c.identity.oneoff
    }


def _bound(there: Mapping[Slot, ContainerView]) -> dict[Slot, str]:
    return {
        slot: container.host
        for slot, container in there.items()
        if any(is_anonymous(name) for name in container.volumes)
    }
