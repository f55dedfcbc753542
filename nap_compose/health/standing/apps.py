"""The apps' part of `nap status`: each app's replicas, and what of them isn't as it should be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from nap_compose.border import Grade, StatusRow
from nap_compose.health.standing.facts import Facts, Replica
from nap_compose.text import app_called

PART = "apps"
UNKNOWN = "unknown"
ENDED = ("exited", "dead")


def of_apps(facts: Facts) -> Iterator[StatusRow]:
    """A line for each replica that isn't well, and one for each app that is."""
    if facts.replicas is None:
        return
    apps: defaultdict[tuple[str, str], list[Replica]] = defaultdict(list)
    for replica in facts.replicas:
        apps[replica.owner, replica.app].append(replica)
    for (owner, app), replicas in sorted(apps.items()):
        called = app_called(owner, app)
        bad = [each for each in replicas if why(each)]
        for each in sorted(bad, key=lambda each: (each.slot, each.host)):
            yield StatusRow(
                PART, called, Grade.FAULT, f"{each.slot} {why(each)}", _remedy(called, each), owner,
                app,
            )  # fmt: skip
        if not bad:
            runs = sum(each.state == "running" for each in replicas)
            text = f"{runs} of {len(replicas)} run" if runs < len(replicas) else f"{runs} run"
            yield StatusRow(PART, called, Grade.OK, text, "", owner, app)


def why(replica: Replica) -> str:
    """What is wrong with a replica; empty where nothing is."""
    if replica.state == UNKNOWN:
        return f"was on {replica.host}, which doesn't answer: nobody knows whether it runs"
    if replica.stopped:
        return ""
    if replica.state in ENDED and replica.exit_code:
        return f"on {replica.host} has ended with code {replica.exit_code}"
    if replica.state == "dead":
        return f"on {replica.host} is dead: its engine couldn't remove it"
    if replica.state == "restarting":
        return f"on {replica.host} ends again and again"
    if replica.state == "running" and replica.health == "unhealthy":
        return f"on {replica.host} is unhealthy"
    return ""


def _remedy(called: str, replica: Replica) -> str:
    if replica.state == UNKNOWN:
        return f"nap host inspect {replica.host}"
    return f"nap logs {called}/{replica.slot}"
