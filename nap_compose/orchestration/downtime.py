"""Which services a plan takes down for a moment. Pure."""

from __future__ import annotations

from collections import defaultdict

from nap_compose.orchestration.plan import IDLE, START_FIRST, Change, Kind, Line, Plan, Step

_THERE = (Change.KEEP, Change.REPLACE, Change.MOVE, Change.START)


def downtime(plan: Plan) -> tuple[str, ...] | None:
    """The services that nobody answers for while their replicas make way; None where none makes
    way, or nobody says how, as on the local engine alone.

    Replicas that stop first take no service down as long as one that is there goes on, or they
    make way in turn.
    """
    ending = {each.subject: each for each in plan.steps if each.kind in (Kind.SET_ASIDE, Kind.STOP)}
    there: defaultdict[str, list[Line]] = defaultdict(list)
    for line in plan.summary:
        service, dot, _ = line.subject.rpartition(".")
        if dot and line.change in _THERE and _serves(line, ending):
            there[service].append(line)
    if not any(line.how for line in plan.summary):
        return None
    return tuple(sorted(name for name, lines in there.items() if _all_away(lines, ending)))


def _serves(line: Line, ending: dict[str, Step]) -> bool:
    """Whether it is there to be missed."""
    if line.change is Change.START:
        return line.subject in ending  # it restarts with what it needs
    return not line.how.endswith(IDLE)


def _all_away(lines: list[Line], ending: dict[str, Step]) -> bool:
    """Whether there is a moment at which all of a service's replicas have made way."""
    if any(line.change is Change.KEEP or line.how == START_FIRST for line in lines):
        return False
    own = {line.subject for line in lines}
    # Who makes way in turn waits for what another replica of the service does.
    return not any(
        need.rpartition(":")[2] in own - {subject}
        for subject in own & set(ending)
        for need in ending[subject].needs
    )
