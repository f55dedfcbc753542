"""Replicas that can only be on one host together: they are placed as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from nap_compose.cluster.holding import ALL, Holding
from nap_compose.compose.model import Port
from nap_compose.orchestration.placement.asks import Ask
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Group:
    """Replicas that go to one host together, each with what it asks; mostly just one.

    They share namespaces, or a local volume that isn't anywhere yet. `bound` are the hosts that
    hold what they keep in anonymous volumes.
    """

    slots: tuple[Slot, ...]
    asks: tuple[Ask, ...]
    bound: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.slots)

    def __str__(self) -> str:
        return ", ".join(str(slot) for slot in self.slots)

    @cached_property
    def kind(self) -> tuple[str, ...]:
        """Groups of the same kind ask the same."""
        return tuple(slot.service for slot in self.slots)

    @cached_property
    def alike(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Groups that agree in this can be on the same hosts, and fill them alike."""
        return self.kind, self.bound

    @cached_property
    def holding(self) -> Holding:
        """What is kept free for all of it."""
        return together(ask.holding for ask in self.asks)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """All ports that it publishes."""
        return tuple(port for ask in self.asks for port in ask.ports)

    @cached_property
    def standing(self) -> tuple[object, ...]:
        """Groups that agree in this meet the same standing filters."""
        return (self.bound, *sorted({ask.standing for ask in self.asks}, key=repr))

    @cached_property
    def picky(self) -> bool:
        """Whether it must be near a service, so that a host can become good enough later."""
        return any(ask.near for ask in self.asks)


def together(holdings: Iterable[Holding]) -> Holding:
    """What several holdings come to."""
    cpus = memory = 0
    devices: dict[str, int] = {}
    for holding in holdings:
        cpus += holding.cpus
        memory += holding.memory
        for kind, number in holding.devices.items():
            both = (devices.get(kind, 0), number)
            devices[kind] = ALL if ALL in both else sum(both)
    return Holding(cpus, memory, devices)


def tied(
    slots: Iterable[Slot],
    asks: Mapping[str, Ask],
    homes: Mapping[str, tuple[str, ...]],
    bound: Mapping[Slot, str],
) -> list[Group]:
    """The slots in groups, in the order of their first ones.

    `homes` tells of each local volume, by key, where it is; what several mount and is nowhere yet
    ties them together. `bound` are the hosts where replicas have anonymous volumes.
    """
    alone = list(slots)
    leader = {slot: slot for slot in alone}

    def find(slot: Slot) -> Slot:
        while leader[slot] != slot:
            slot = leader[slot]
        return slot

    first_with: dict[str, Slot] = {}
    for slot in alone:
        ask = asks[slot.service]
        ties = [Slot(name, 1) for name in ask.beside]
        ties += [first_with.setdefault(volume, slot) for volume in ask.volumes if not homes[volume]]
        for other in ties:
            if other in leader:
                leader[find(slot)] = find(other)
    found: dict[Slot, list[Slot]] = {}
    for slot in alone:
        found.setdefault(find(slot), []).append(slot)
    return [
        Group(
            tuple(members),
            tuple(asks[slot.service] for slot in members),
            tuple(dict.fromkeys(bound[slot] for slot in members if slot in bound)),
        )
        for members in found.values()
    ]
