"""The way of one placement: who is where already, who comes first, and what is said at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nap_compose.compose.model import App
from nap_compose.orchestration.placement.asks import Ask, read_asks
from nap_compose.orchestration.placement.desk import Desk
from nap_compose.orchestration.placement.everywhere import seat_everywhere
from nap_compose.orchestration.placement.explain import explain
from nap_compose.orchestration.placement.groups import Group, tied
from nap_compose.orchestration.placement.repair import Repair, badly_seated
from nap_compose.orchestration.placement.result import MOST_REPLICAS, Choice, NoRoom, Placement
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot, slots_of


def place(app: App, services: tuple[str, ...], situation: Situation) -> Placement:
    """Choose a host for every replica of `services` (in an order that has needs first).

    Raises NoRoom with reasons for each host where a replica fits nowhere, BadFile for a
    constraint, preference or affinity that can't be read.
    """
    asks = read_asks(app, situation)
    seating = Seating(app, situation, asks)
    desk = Desk(seating)
    chosen = [app.services[name] for name in services]
    everywhere = [service for service in chosen if service.everywhere]
    for service in everywhere:
        if not asks[service.name].near:
            seat_everywhere(desk, asks[service.name], service.replicas)
    fixed = frozenset(seating.places)
    slots = [
        slot
        for service in chosen
        if not service.everywhere
        for slot in slots_of(service, _numbers(service.name, app, situation))
    ]
    groups = tied(_seen(slots, seating), asks, seating.homes_of_volumes, seating.bound)
    seating.expect(groups)
    _seat_all(desk, groups, Repair(desk, fixed))
    for service in everywhere:
        if asks[service.name].near:
            seat_everywhere(desk, asks[service.name], service.replicas)
    return _placement(app, desk)


def _numbers(service: str, app: App, situation: Situation) -> set[int]:
    """The numbers that a service's replicas have on a lone engine, where Compose, which leaves
    gaps, may have given them. On a cluster they are always the first ones."""
    if not situation.alone:
        return set()
    return {
        container.identity.replica
        for container in situation.view.of_app(situation.owner, app.name)
        if container.identity is not None
        and container.identity.service == service
        and not container.identity.oneoff
    }


def _seen(slots: Iterable[Slot], seating: Seating) -> list[Slot]:
    """The slots without those last known on hosts that weren't seen.

    What else is seen of one is older: the replica itself may well run there.
    """
    found = []
    for slot in slots:
        last = seating.situation.known.get(slot, "")
        if last in seating.away:
            seating.unseen[slot] = last
        else:
            found.append(slot)
    return found


def _seat_all(desk: Desk, groups: list[Group], repair: Repair) -> None:
    """Whoever is somewhere already comes first and stays there, then those with the fewest hosts
    to choose from. Raises NoRoom with all that found no place."""
    ranks = _ranks(desk.seating.asks)

    def rank(group: Group) -> int:
        return max(ranks[service] for service in group.kind)

    def told_to_move(group: Group) -> bool:
        return not desk.seating.situation.moves.keys().isdisjoint(group.slots)

    def freedom(group: Group) -> tuple[int, ...]:
        fixed = sum(port.fixed() is not None for port in group.ports)
        holding = group.holding
        hosts = len(desk.possible(group))
        return (rank(group), hosts, -fixed, -holding.memory, -holding.cpus)

    staying = [group for group in groups if not told_to_move(group)]
    new = [group for group in sorted(staying, key=rank) if not desk.seat_at_home(group)]
    for group in groups:
        if told_to_move(group) and not (desk.seat_as_told(group) or desk.seat_at_home(group)):
            new.append(group)
    without: dict[Slot, Mapping[str, str]] = {}
    hopeless: dict[tuple[tuple[str, ...], ...], Mapping[str, str]] = {}
    untold = 0
    for group in sorted(new, key=freedom):
        if group.alike not in hopeless:
            if desk.seat_well(group) or repair.seat(group):
                continue
            hopeless[group.alike] = desk.table(group) if len(without) < MOST_REPLICAS else {}
        if len(without) < MOST_REPLICAS:
            without.update(dict.fromkeys(group.slots, hopeless[group.alike]))
        else:
            untold += len(group.slots)
    if not without and badly_seated(desk.seating) and not repair.reseat():
        for group in badly_seated(desk.seating):
            desk.unseat(group)
            without.update(dict.fromkeys(group.slots, desk.table(group)))
    if without:
        raise NoRoom(without, untold)


def _ranks(asks: Mapping[str, Ask]) -> dict[str, int]:
    """A service that must be near another comes after it; in a circle the first in the file
    begins."""
    ranks: dict[str, int] = {}

    def rank(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            return 0
        if name not in ranks:
            below = [rank(other, (*above, name)) for other in asks[name].near]
            wished = [rank(other, (*above, name)) for other in asks[name].rather_near]
            ranks[name] = 1 + max([*below, *wished], default=-1)
        return ranks[name]

    for name in asks:
        rank(name, ())
    return ranks


def _reason(slot: Slot, group: Group, room: Room, desk: Desk) -> str:
    """The group's reason, or that it goes with the others."""
    if slot == group.slots[0] or desk.seating.home.get(slot) == room.name:
        return desk.reasons[group]
    return f"with {group.slots[0]}"


def _placement(app: App, desk: Desk) -> Placement:
    """The choices in the order of the file."""
    seating = desk.seating
    order = {name: index for index, name in enumerate(app.services)}
    choices = {
        slot: Choice(room.name, _reason(slot, group, room, desk))
        for group, room in seating.places.items()
        for slot in group.slots
    }
    in_order = sorted(choices, key=lambda slot: (order[slot.service], slot.number))
    return Placement(
        {slot: choices[slot] for slot in in_order}, seating.unseen, explain(desk, choices)
    )
