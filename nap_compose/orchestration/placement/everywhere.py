"""Services of mode global: their replicas on every host that is meant for them."""

from __future__ import annotations

import itertools

from nap_compose.cluster.view import HostState
from nap_compose.orchestration.placement.asks import Ask
from nap_compose.orchestration.placement.desk import Desk
from nap_compose.orchestration.placement.filters import changing, near, standing
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.wanted import Slot


def seat_everywhere(desk: Desk, ask: Ask, replicas: int) -> None:
    """Seat `replicas` of a service on each host that takes containers and has what it asks.

    One that has a host already keeps its number. Raises NoRoom where a host is meant for it and
    has no room, or where no host is meant for it.
    """
    seating = desk.seating
    service = ask.service
    here = {slot: host for slot, host in seating.home.items() if slot.service == service}
    seating.unseen.update(
        {
            slot: host
            for slot, host in seating.situation.known.items()
            if slot.service == service and host in seating.away
        }
    )
    meant = [room for room in seating.rooms if not _not_for(ask, room, desk, here)]
    stay = {
        room.name: sorted(
            slot for slot, home in here.items() if home == room.name and slot not in seating.unseen
        )[:replicas]
        for room in meant
    }
    taken = {*itertools.chain(*stay.values()), *seating.unseen}
    free = (slot for number in itertools.count(1) if (slot := Slot(service, number)) not in taken)
    for room in meant:
        for slot in [*stay[room.name], *itertools.islice(free, replicas - len(stay[room.name]))]:
            _seat(desk, ask, slot, room, is_there=slot in here)
    if not meant and not seating.unseen and replicas:
        first = Slot(service, 1)
        raise NoRoom(
            {first: {room.name: _not_for(ask, room, desk, here) for room in seating.rooms}}
        )


def _seat(desk: Desk, ask: Ask, slot: Slot, room: Room, *, is_there: bool) -> None:
    group = Group((slot,), (ask,))
    why = "; ".join(changing(group, room, desk.seating))
    if why:
        raise NoRoom({slot: {room.name: why}})
    desk.seat(group, room, "is there already" if is_there else "one on each host")


def _not_for(ask: Ask, room: Room, desk: Desk, here: dict[Slot, str]) -> str:
    """Why a global service has no replica on a host; empty where it has."""
    stays = room.host.state is HostState.CORDONED and room.name in here.values()
    group = Group((Slot(ask.service, 1),), (ask,))
    seating = desk.seating
    return "; ".join((*standing(group, room, seating, at_home=stays), *near(group, room, seating)))
