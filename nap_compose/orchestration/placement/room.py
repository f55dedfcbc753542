"""What each host has left while replicas are seated and get up again. Mutable, and only that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field

from nap_compose.cluster import state_keys
from nap_compose.cluster.demand import Claim
from nap_compose.cluster.holding import ALL, Holding, nano
from nap_compose.cluster.view import ContainerView, HostView
from nap_compose.orchestration.placement.groups import Group, together
from nap_compose.orchestration.placement.ports import Ports
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.plaindata import dataclass

HERE = ("created", "running", "restarting", "paused", "removing")
"""States of a container in which it holds what it was promised; what has ended holds nothing."""


@dataclass
class Room:
    """One host: `index` is its number by name; `cpus` (billionths), `memory` (bytes) and
    `devices` are taken, not left. `services` counts the app's replicas there, `load` all that
    runs."""

    host: HostView
    index: int
    ports: Ports
    cpus: int = 0
    memory: int = 0
    devices: Counter[str] = field(default_factory=Counter)
    services: Counter[str] = field(default_factory=Counter)
    load: int = 0
    groups: dict[Group, None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The host's name."""
        return self.host.name

    @property
    def free_cpus(self) -> int:
        """CPUs that nobody was promised, in billionths."""
        return nano(self.host.cpus) - self.cpus

    @property
    def free_memory(self) -> int:
        """Memory that nobody was promised, in bytes."""
        return self.host.memory - self.memory

    def free_devices(self, kind: str) -> int:
        """Devices of a kind that nobody was promised."""
        return self.host.devices.get(kind, 0) - self.devices[kind]

    @property
    def fullness(self) -> int:
        """How much of its CPUs or memory is promised, whichever is more, in hundredths."""
        return self.fullness_with(Holding())

    def fullness_with(self, more: Holding) -> int:
        """The same, were this promised as well."""
        cpus, memory = nano(self.host.cpus), self.host.memory
        return max(
            100 * (self.cpus + more.cpus) // cpus if cpus else 0,
            100 * (self.memory + more.memory) // memory if memory else 0,
        )

    def seat(self, group: Group) -> None:
        """The group goes here."""
        self._hold(group.holding, 1)
        self.groups[group] = None
        for slot, ask in zip(group.slots, group.asks, strict=True):
            self.ports.take(ask.ports, str(slot))
            self.services[slot.service] += 1
            self.load += 1

    def unseat(self, group: Group) -> None:
        """The group goes elsewhere."""
        self._hold(group.holding, -1)
        del self.groups[group]
        for slot, ask in zip(group.slots, group.asks, strict=True):
            self.ports.give_back(ask.ports, str(slot))
            self.services[slot.service] -= 1
            self.load -= 1

    def _hold(self, holding: Holding, sign: int) -> None:
        self.cpus += sign * holding.cpus
        self.memory += sign * holding.memory
        for kind, number in holding.devices.items():
            self.devices[kind] += sign * (
                self.host.devices.get(kind, 0) if number == ALL else number
            )


def rooms(app: str, situation: Situation) -> list[Room]:
    """The hosts that were seen, by name, with what others hold there."""
    hosts = sorted(situation.view.hosts.values(), key=lambda host: host.name)
    return [_room(index, host, app, situation) for index, host in enumerate(hosts)]


def _room(index: int, host: HostView, app: str, situation: Situation) -> Room:
    room = Room(host, index, Ports(host.publish_ip))
    staying = [c for c in host.containers if c.id not in situation.making_way]
    claims = situation.claims.get(host.name, ())
    room._hold(_held(staying, claims), 1)
    room.load = sum(container.state == "running" for container in staying)
    for container in sorted(staying, key=lambda container: container.id):
        for port in container.ports:
            room.ports.hold(port.port, port.protocol, port.host_ip, _holder(container))
        if container.state != "running" and not situation.alone:
            _hold_for(container, room)
        identity = container.identity
        mine = identity and (identity.owner, identity.app) == (situation.owner, app)
        if identity and mine and not identity.oneoff:
            room.services[identity.service] += 1
    for claim in claims:
        for taken in claim.demand.ports:
            holder = f"{claim.name}, which is being deployed"
            room.ports.hold(taken.port, taken.protocol, taken.ip, holder)
    return room


def _hold_for(container: ContainerView, room: Room) -> None:
    """Ports of a stopped container are its app's until it is taken down."""
    if container.identity is None or container.identity.oneoff:
        return
    for port in container.publishes:
        holder = f"{_holder(container)}, which is {container.state}"
        room.ports.hold(port.port, port.protocol, port.ip, holder)


def _held(containers: Iterable[ContainerView], claims: Iterable[Claim]) -> Holding:
    """What is promised on a host.

    A claim is all that its app will hold there. As long as the app is being deployed some of that
    is there already, so the larger of both counts.
    """
    by_app: dict[str, list[Holding]] = {}
    for container in containers:
        if container.identity is not None and container.state in HERE:
            path = state_keys.app_path(container.identity.owner, container.identity.app)
            by_app.setdefault(path, []).append(container.holding)
    seen = {path: together(holdings) for path, holdings in by_app.items()}
    claimed: dict[str, Holding] = {}
    for claim in claims:
        given = Holding(nano(claim.demand.cpus), claim.demand.memory, claim.demand.devices)
        claimed[claim.app] = together([claimed.get(claim.app, Holding()), given])
    return together(
        _larger(seen.get(path, Holding()), claimed.get(path, Holding()))
        for path in {**seen, **claimed}
    )


def _larger(one: Holding, other: Holding) -> Holding:
    kinds = {**one.devices, **other.devices}
    return Holding(
        max(one.cpus, other.cpus),
        max(one.memory, other.memory),
        {kind: _more(kind, one.devices, other.devices) for kind in kinds},
    )


def _more(kind: str, one: Mapping[str, int], other: Mapping[str, int]) -> int:
    both = (one.get(kind, 0), other.get(kind, 0))
    return ALL if ALL in both else max(both)


def _holder(container: ContainerView) -> str:
    identity = container.identity
    return f"{identity.key}/{identity.slot}" if identity else container.name
