"""The scores: among the hosts that could take a group, which is the best. Smaller is better.

A score is a row of numbers, compared from the left. So that a thousand hosts are compared
quickly each row is kept as one whole number, of which a part depends on the host alone and a part
on the service too; when a group is seated only what changes is counted anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nap_compose.cluster.view import HostView
from nap_compose.orchestration.placement.asks import Ask
from nap_compose.orchestration.placement.constraints import called, trait
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.orchestration.placement.situation import OFTEN
from nap_compose.plaindata import dataclass

BITS = 20
"""The room of one part in a packed score."""
MANY = 1 << 10
"""More services than one group has: each host starts with so many images missing, and those that
are there are taken off."""
MOST = (1 << BITS) - 1
_NAME, _IMAGE, _LOAD, _FULL, _APP, _SERVICE, _ZONES = range(7)
"""Where the parts stand in a packed score, the least weighty first; what is above the zones
follows them."""


@dataclass(frozen=True)
class Zone:
    """The hosts that have the same for the first `level` keys of a spread."""

    level: int
    values: tuple[str, ...]
    rooms: tuple[int, ...]


class Scores:
    """Scores of the hosts for one kind of group after another."""

    def __init__(self, seating: Seating) -> None:
        self.seating = seating
        xnap = seating.app.document.get("x-nap") or {}
        self.pack = (xnap.get("strategy") or seating.situation.strategy) == "binpack"
        self._shared = [self._of_host(room) for room in seating.rooms]
        self._kind: tuple[str, ...] = ()
        self._marks: list[int] = []
        self._zones: dict[tuple[str, ...], list[list[Zone]]] = {}
        self._images: dict[str, tuple[int, ...]] = {}
        seating.listen(self._changed)

    def marks(self, group: Group) -> list[int]:
        """Each host's score for a group; read, not changed."""
        if group.kind != self._kind:
            self._marks = self._shared.copy()
            for ask in group.asks:
                self._add(ask)
            self._kind = group.kind
        return self._marks

    def best(self, group: Group, among: Sequence[int]) -> int:
        """The best of these hosts, by number."""
        return min(among, key=self.marks(group).__getitem__)

    def ahead(self, group: Group, best: int, other: int) -> str:
        """What sets the best host apart from the next one, in a few words."""
        marks = self.marks(group)
        differ = marks[best] ^ marks[other]
        place = (differ.bit_length() - 1) // BITS
        zones = max(len(ask.spread) for ask in group.asks)
        service = group.kind[0]
        words = {
            _NAME: "the first of equals",
            _IMAGE: "has the image",
            _LOAD: "the most containers" if self.pack else "the fewest containers",
            _FULL: "the most promised" if self.pack else "the least promised",
            _APP: "the fewest of the app",
            _SERVICE: f"the fewest of {service}",
            _ZONES + zones: "meets the most wishes",
            _ZONES + zones + 1: "the fewest failures lately",
        }
        return words.get(place, f"the fewest of {service} in its zone")

    def unmet(self) -> int:
        """How many wishes of all that are seated aren't met."""
        return sum(
            self._unmet(ask, room)
            for group, room in self.seating.places.items()
            for ask in group.asks
        )

    def parts(self, group: Group, room: Room) -> Iterator[tuple[str, int]]:
        """A host's score for a group, for people, the weightiest part first."""
        if self.seating.situation.failures:
            yield "failures lately", self._failures(room)
        for ask in group.asks:
            if ask.rather_near or ask.rather_away:
                yield "wishes unmet", self._unmet(ask, room)
            for zones in self._levels(ask.spread):
                zone = zones[room.index]
                key = called(ask.spread[zone.level - 1]).removeprefix("label ")
                yield f"of {ask.service} in {key} {zone.values[-1] or '-'}", self._in(zone, ask)
        if not self.pack:
            for service in dict.fromkeys(group.kind):
                yield f"of {service}", room.services[service]
            yield "of the app", sum(room.services.values())
        yield "% promised", room.fullness
        yield "containers", room.load
        yield "images missing", sum(self._lacks(ask, room) for ask in group.asks)

    def spread(self, group: Group, room: Room) -> tuple[int, ...]:
        """What of a host's score tells how evenly an app is spread."""
        zones = [
            self._in(zones[room.index], ask)
            for ask in group.asks
            for zones in self._levels(ask.spread)
        ]
        if self.pack:
            return tuple(zones)
        same = [room.services[service] for service in dict.fromkeys(group.kind)]
        return (*zones, sum(same), sum(room.services.values()))

    # -- packing -------------------------------------------------------------------------------

    def _of_host(self, room: Room) -> int:
        """The part of a host's score that is the same for every group."""
        full, load = min(room.fullness, MOST), min(room.load, MOST)
        start = room.index + _at(_IMAGE, MANY)
        if self.pack:
            return start + _at(_FULL, MOST - full) + _at(_LOAD, MOST - load)
        here = sum(room.services.values())
        return start + _at(_APP, here) + _at(_FULL, full) + _at(_LOAD, load)

    def _add(self, ask: Ask) -> None:
        """Add what depends on a service. Most of it is nothing on most hosts."""
        marks, rooms = self._marks, self.seating.rooms
        above = _ZONES + len(ask.spread)
        for index in self._having(ask.image):
            marks[index] -= _at(_IMAGE, 1)
        if self.seating.seated(ask.service):
            for room in rooms:
                marks[room.index] += self._same(ask, room)
            for zones in self._levels(ask.spread):
                for zone in dict.fromkeys(zones):
                    self._add_to(zone, ask, self._in(zone, ask))
        if ask.rather_near or ask.rather_away:
            for room in rooms:
                marks[room.index] += _at(above, self._unmet(ask, room))
        if self.seating.situation.failures:
            for room in rooms:
                marks[room.index] += _at(above + 1, self._failures(room))

    def _add_to(self, zone: Zone, ask: Ask, number: int) -> None:
        """Count so many more of a service in a zone; the first key of a spread weighs most."""
        step = _at(_ZONES + len(ask.spread) - zone.level, number)
        for index in zone.rooms:
            self._marks[index] += step

    # -- one host's numbers --------------------------------------------------------------------

    def _same(self, ask: Ask, room: Room) -> int:
        return 0 if self.pack else _at(_SERVICE, room.services[ask.service])

    def _failures(self, room: Room) -> int:
        failures = self.seating.situation.failures.get(room.name, 0)
        return failures if failures >= OFTEN else 0

    def _unmet(self, ask: Ask, room: Room) -> int:
        lonely = sum(not room.services[name] for name in ask.rather_near)
        return lonely + sum(room.services[name] > 0 for name in ask.rather_away)

    def _lacks(self, ask: Ask, room: Room) -> int:
        return int(room.index not in self._having(ask.image))

    def _having(self, image: str) -> tuple[int, ...]:
        """The hosts that have an image."""
        if image not in self._images:
            rooms = self.seating.rooms
            self._images[image] = tuple(r.index for r in rooms if r.host.has_image(image))
        return self._images[image]

    # -- zones ---------------------------------------------------------------------------------

    def _levels(self, spread: tuple[str, ...]) -> list[list[Zone]]:
        """For each key of a spread, each host's zone."""
        if spread not in self._zones:
            hosts = [room.host for room in self.seating.rooms]
            self._zones[spread] = [
                _zones(hosts, spread[:level]) for level in range(1, len(spread) + 1)
            ]
        return self._zones[spread]

    def _in(self, zone: Zone, ask: Ask) -> int:
        """How many of a service are in a zone."""
        rooms = self.seating.rooms
        return sum(rooms[index].services[ask.service] for index in zone.rooms)

    # -- keeping up ----------------------------------------------------------------------------

    def _changed(self, group: Group, room: Room, sign: int) -> None:
        before, after = self._shared[room.index], self._of_host(room)
        self._shared[room.index] = after
        if group.kind == self._kind and len(group.asks) == 1:
            self._marks[room.index] += after - before
            self._follow(group.asks[0], room, sign)
        else:
            self._kind = ()

    def _follow(self, ask: Ask, room: Room, sign: int) -> None:
        """Count a replica of the service at hand in or out."""
        if ask.service in (*ask.rather_near, *ask.rather_away):
            self._kind = ()
            return
        if not self.pack:
            self._marks[room.index] += sign * _at(_SERVICE, 1)
        for zones in self._levels(ask.spread):
            self._add_to(zones[room.index], ask, sign)


def _at(place: int, number: int) -> int:
    return number << (BITS * place)


def _zones(hosts: Sequence[HostView], keys: tuple[str, ...]) -> list[Zone]:
    values = [tuple(trait(host, key) for key in keys) for host in hosts]
    members: dict[tuple[str, ...], list[int]] = {}
    for index, value in enumerate(values):
        members.setdefault(value, []).append(index)
    found = {value: Zone(len(keys), value, tuple(indexes)) for value, indexes in members.items()}
    return [found[value] for value in values]
