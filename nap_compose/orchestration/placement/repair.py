"""The bounded search: another way to seat all, when one after another left a group standing.

First one host after another is cleared for the group, and who sat there looks for another seat.
Where that doesn't help, all ways are tried as far as `CHECKS` goes; so in small cases a way is
found wherever there is one. Both take what they do in a fixed order.
"""

from __future__ import annotations

from nap_compose.cluster.holding import nano
from nap_compose.orchestration.placement.desk import Desk
from nap_compose.orchestration.placement.filters import first_objection
from nap_compose.orchestration.placement.groups import Group, together
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.seating import Seating

CHECKS = 20_000
"""How often one search may ask whether a group fits on a host."""
ALL_CHECKS = 2 * CHECKS
"""How often all searches of one placement together may."""
MOST_GROUPS = 100
"""With more groups to seat, trying all ways leads nowhere in that many checks."""
MADE_ROOM = "made room for others"


class Repair:
    """`fixed` are groups that stay where they are."""

    def __init__(self, desk: Desk, fixed: frozenset[Group] = frozenset()) -> None:
        self.desk = desk
        self.seating = desk.seating
        self.fixed = fixed
        self._left = ALL_CHECKS
        self._until = 0

    def seat(self, group: Group) -> bool:
        """Seat the group by moving others; False, and all as it was, where no way was found."""
        self._begin()
        if self._exhausted() or not self._could_fit(group):
            return False
        return self._clear_a_host(group) or self._try_all([*self._movable(), group])

    def reseat(self) -> bool:
        """Seat all in another way; False where none was found."""
        self._begin()
        return self._try_all(self._movable())

    def _begin(self) -> None:
        self._until = max(self._left - CHECKS, 0)

    def _exhausted(self) -> bool:
        return self._left <= self._until

    def _movable(self) -> list[Group]:
        return [group for group in self.seating.places if group not in self.fixed]

    def _could_fit(self, group: Group) -> bool:
        """Whether there would be a host if nobody else of the app were placed, and enough in all.

        Most often a port is held by another app or a label is missing: then no search helps.
        """
        self._left -= len(self.seating.places) + len(self.seating.rooms)
        places = {each: self.desk.unseat(each) for each in self._movable()}
        fits = any(
            not first_objection(group, self.seating.rooms[index], self.seating)
            for index in self.desk.possible(group)
        )
        rooms = self.seating.rooms
        free_cpus = sum(max(room.free_cpus, 0) for room in rooms)
        free_memory = sum(max(room.free_memory, 0) for room in rooms)
        known = all(nano(room.host.cpus) for room in rooms)
        asked = together(each.holding for each in (group, *places))
        for each, room in places.items():
            self.seating.seat(each, room)
        return fits and not (known and (asked.cpus > free_cpus or asked.memory > free_memory))

    # -- clearing one host ---------------------------------------------------------------------

    def _clear_a_host(self, group: Group) -> bool:
        home = self.seating.home_of(group)
        rooms = [self.seating.rooms[index] for index in self.desk.possible(group)]
        for room in sorted(rooms, key=lambda room: (room is not home, len(room.groups))):
            if self._exhausted():
                return False
            if self._clear(room, group):
                return True
        return False

    def _clear(self, room: Room, group: Group) -> bool:
        before = self.desk.snapshot()
        for other in [each for each in room.groups if each not in self.fixed]:
            self.desk.unseat(other)
        evicted = [each for each in before.places if each not in self.seating.places]
        if self._fits(group, room):
            self.desk.seat(group, room, "others made room for it")
            # Who was there before gets the first seats that are left, then the demanding ones.
            if all(self._seat_again(other, room) for other in _demanding_first(evicted)):
                return True
        self.desk.restore(before)
        return False

    def _seat_again(self, group: Group, room: Room) -> bool:
        if self._fits(group, room):
            self.seating.seat(group, room)
            return True
        self._left -= len(self.desk.possible(group))
        if self.desk.seat_well(group):
            self.desk.reasons[group] = MADE_ROOM
            return True
        return False

    # -- trying all ways -----------------------------------------------------------------------

    def _try_all(self, groups: list[Group]) -> bool:
        if len(groups) > MOST_GROUPS:
            return False
        before = self.desk.snapshot()
        for group in self._movable():
            self.desk.unseat(group)
        # Those with the fewest hosts to choose from first: a dead end shows at once.
        choices = {group: self._fitting(group) for group in groups}
        order = sorted(groups, key=lambda group: (len(choices[group]), _size(group)))
        if self._descend(order, 0):
            for group in groups:
                room = self.seating.places[group]
                if before.places.get(group) is not room:
                    self.desk.reasons[group] = "so that all have room"
            return True
        self.desk.restore(before)
        return False

    def _descend(self, order: list[Group], depth: int) -> bool:
        if depth == len(order):
            return not badly_seated(self.seating)
        group = order[depth]
        for room in self._fitting(group, after=self._twin(order, depth)):
            if self._exhausted():
                return False
            self.seating.seat(group, room)
            if self._descend(order, depth + 1):
                return True
            self.seating.unseat(group)
        return False

    def _twin(self, order: list[Group], depth: int) -> int:
        """The host of the last group before that is alike in all: which of two goes where makes
        no difference, so the later one needn't be tried on an earlier host."""
        group = order[depth]
        if self.seating.home_of(group) is not None:
            return 0
        for other in reversed(order[:depth]):
            if other.kind == group.kind and self.seating.home_of(other) is None:
                return self.seating.places[other].index
        return 0

    def _fitting(self, group: Group, after: int = 0) -> list[Room]:
        """The hosts that can take the group now, its own first, then the best."""
        home = self.seating.home_of(group)
        fitting = [
            room for room in self.seating.rooms if room.index >= after and self._fits(group, room)
        ]
        marks = self.desk.scores.marks(group)
        return sorted(fitting, key=lambda room: (room is not home, marks[room.index], room.index))

    def _fits(self, group: Group, room: Room) -> bool:
        self._left -= 1
        at_home = room is self.seating.home_of(group)
        return not first_objection(group, room, self.seating, at_home=at_home)


def badly_seated(seating: Seating) -> list[Group]:
    """The groups that must be near a service which in the end went elsewhere."""
    return [
        group
        for group, room in seating.places.items()
        if group.picky and _apart(group, room, seating)
    ]


def _apart(group: Group, room: Room, seating: Seating) -> bool:
    return any(
        room.services[name] < (seating.number_of(name) if name == ask.service else 1)
        for ask in group.asks
        for name in ask.near
    )


def _size(group: Group) -> tuple[int, int]:
    return -group.holding.memory, -group.holding.cpus


def _demanding_first(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=_size)
