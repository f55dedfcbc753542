"""The desk: seats one group after another, each on the best host that can take it."""

from __future__ import annotations

from nap_compose.orchestration.placement.filters import first_objection, objections, standing
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.scores import Scores
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Snapshot:
    """Who sat where, and why."""

    places: dict[Group, Room]
    reasons: dict[Group, str]


class Desk:
    """Knows for each kind of group which hosts may still have room for it.

    `reasons` says in a few words why a group is where it is.
    """

    def __init__(self, seating: Seating) -> None:
        self.seating = seating
        self.scores = Scores(seating)
        self.reasons: dict[Group, str] = {}
        self._standing: dict[tuple[object, ...], list[int]] = {}
        self._open: dict[tuple[tuple[str, ...], ...], list[int]] = {}

    def possible(self, group: Group) -> list[int]:
        """The hosts, by number, that no standing filter rules out. Not to be changed."""
        if group.standing not in self._standing:
            self._standing[group.standing] = [
                room.index
                for room in self.seating.rooms
                if not next(standing(group, room, self.seating, at_home=False), "")
            ]
        return self._standing[group.standing]

    def seat_at_home(self, group: Group) -> bool:
        """Leave the group where it is, if it is anywhere and can stay there."""
        room = self.seating.home_of(group)
        if room is None or first_objection(group, room, self.seating, at_home=True):
            return False
        self.seat(group, room, "is there already")
        return True

    def seat_as_told(self, group: Group) -> bool:
        """Move the group to where the situation says, if it says so and there is room."""
        moves = self.seating.situation.moves
        told = next((moves[slot] for slot in group.slots if slot in moves), "")
        room, home = self.seating.by_name.get(told), self.seating.home_of(group)
        if room is None or room is home or first_objection(group, room, self.seating):
            return False
        reason = self.scores.ahead(group, room.index, home.index) if home else ""
        self.seat(group, room, reason or "as it was told")
        return True

    def seat_well(self, group: Group) -> bool:
        """Seat the group at home or on the best host; False where none can take it."""
        if self.seat_at_home(group):
            return True
        room, reason = self._best(group)
        if room is not None:
            self.seat(group, room, reason)
        return room is not None

    def seat(self, group: Group, room: Room, reason: str) -> None:
        """Seat the group there."""
        self.seating.seat(group, room)
        self.reasons[group] = reason

    def unseat(self, group: Group) -> Room:
        """Let the group get up; what was full before may have room now."""
        self._open.clear()
        return self.seating.unseat(group)

    def snapshot(self) -> Snapshot:
        """How all sit now."""
        return Snapshot(dict(self.seating.places), dict(self.reasons))

    def restore(self, snapshot: Snapshot) -> None:
        """Let all sit as they did, in the order in which they came."""
        for group in list(self.seating.places):
            self.unseat(group)
        for group, room in snapshot.places.items():
            self.seat(group, room, snapshot.reasons[group])

    def table(self, group: Group) -> dict[str, str]:
        """All that speaks against each host, those that weren't seen last."""
        home = self.seating.home_of(group)
        rows = {
            room.name: "; ".join(
                dict.fromkeys(objections(group, room, self.seating, at_home=room is home))
            )
            for room in self.seating.rooms
        }
        away = {unseen.name: unseen.text for unseen in self.seating.situation.view.unseen}
        return {**rows, **away}

    def _best(self, group: Group) -> tuple[Room | None, str]:
        """The best host that can take the group, and what sets it apart from the next one."""
        left = self._left_for(group)
        best = self._first_that_fits(group, left)
        if best is None:
            return None, ""
        # The others are asked too, so that what is told is true; whoever is full is struck off.
        left.remove(best)
        other = self._first_that_fits(group, left)
        left.append(best)
        if other is None:
            return self.seating.rooms[best], "the only host that fits"
        return self.seating.rooms[best], self.scores.ahead(group, best, other)

    def _left_for(self, group: Group) -> list[int]:
        """The hosts that may still have room.

        What is full stays full while others are seated, so a host that was once found full isn't
        asked again for that kind; but one may come to have what a picky group must be near.
        """
        if group.picky or group.alike not in self._open:
            self._open[group.alike] = list(self.possible(group))
        return self._open[group.alike]

    def _first_that_fits(self, group: Group, among: list[int]) -> int | None:
        """The best of these hosts that can take the group; those found full are struck off."""
        while among:
            index = self.scores.best(group, among)
            if not first_objection(group, self.seating.rooms[index], self.seating):
                return index
            among.remove(index)
        return None
