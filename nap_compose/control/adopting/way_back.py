"""The way back of an app that moved in: off the cluster, and its old containers run again."""

from __future__ import annotations

import time

from nap_compose.border import Cancel, DownRequest, MovedBack, Target, Who
from nap_compose.cluster import adopted
from nap_compose.cluster.adopted import Adopted
from nap_compose.cluster.observe import Part
from nap_compose.control import downward
from nap_compose.control.adopting import formers
from nap_compose.control.parts import Parts
from nap_compose.errors import Away
from nap_compose.exits import Exit
from nap_compose.orchestration.events import OnEvent


def go_back(
    parts: Parts, who: Who, target: Target, came: Adopted, on_event: OnEvent, cancel: Cancel
) -> MovedBack:
    """Take the app off the cluster and start what it was before, on the same volumes. Raises Away
    where something of it may still run that isn't seen: two must never write to one volume."""
    look = parts.look(only=frozenset({Part.CONTAINERS}), hosts=[came.host])
    if look.unseen:
        raise Away(f"host {came.host} was not seen: {look.unseen[0].text}")
    began = time.monotonic()
    outcome = downward.down(parts, who, DownRequest(target.app, target.owner), on_event, cancel)
    if outcome.state not in ("done", "unchanged") or outcome.exit_code not in (
        Exit.DONE,
        Exit.PARTIAL,
    ):
        return MovedBack(came.host, (), outcome)
    views = [each for each in look.hosts[came.host].containers if each.id in came.ids]
    there = {each.id for each in views}
    engine = parts.engines.on(came.host)
    kept = [each for each in came.containers if each.id in there]
    failed = formers.start(engine, kept, formers.in_order(views), on_event)
    gone = [
        f"{each.name} was removed meanwhile" for each in came.containers if each.id not in there
    ]
    adopted.delete(parts.store, target.owner, target.app)
    ran = tuple(each.name for each in kept if each.ran)
    down = time.monotonic() - began
    return MovedBack(came.host, ran, outcome, (*gone, *failed), down)
