"""Why each replica is where it is: the placement once more, with a verdict on every host."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.orchestration.explanation import Explanation, Verdict
from nap_compose.orchestration.placement.desk import Desk
from nap_compose.orchestration.placement.filters import objections
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.result import Choice
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.orchestration.wanted import Slot


def explain(desk: Desk, choices: Mapping[Slot, Choice]) -> tuple[Explanation, ...]:
    """The explanations of the services that the situation asks about, by slot.

    All sit down again in the order in which they did, and each host is judged as it was when its
    turn came.
    """
    done = desk.seating
    if not done.situation.why:
        return ()
    seating = Seating(done.app, done.situation, done.asks)
    again = Desk(seating)
    seating.unseen.update(done.unseen)
    seating.expect(done.places)
    found: dict[Slot, Explanation] = {}
    for group, room in done.places.items():
        asked = [slot for slot in group.slots if slot.service in done.situation.why]
        if asked:
            verdicts = _verdicts(again, group)
            for slot in asked:
                choice = choices[slot]
                found[slot] = Explanation(str(slot), choice.host, choice.reason, verdicts)
        seating.seat(group, seating.by_name[room.name])
    return tuple(found[slot] for slot in sorted(found))


def _verdicts(desk: Desk, group: Group) -> tuple[Verdict, ...]:
    seating = desk.seating
    home = seating.home_of(group)
    verdicts = []
    for room in seating.rooms:
        against = tuple(objections(group, room, seating, at_home=room is home))
        score = () if against else tuple(desk.scores.parts(group, room))
        verdicts.append(Verdict(room.name, against, score))
    return tuple(verdicts)
