"""The road of `nap down`: lock, look, plan, run, forget. It needs the hosts, not the file."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

from nap_compose.cluster import app_lock, placements
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import network_offer
from nap_compose.cluster.observe import Part
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import View
from nap_compose.control import running
from nap_compose.control.border import Cancel, DownRequest, Outcome, Who
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Change, Plan
from nap_compose.orchestration.teardown import Leaving, plan_down

_LOOK = frozenset({Part.CONTAINERS, Part.NETWORKS, Part.VOLUMES, Part.INFO})


def down(
    parts: Parts, who: Who, request: DownRequest, on_event: OnEvent, cancel: Cancel
) -> Outcome:
    """Take the app away; see `Control.down`."""
    began = time.monotonic()
    owner = request.owner or who.owner
    deployment = uuid.uuid4().hex
    with app_lock.take(
        parts.store, owner, request.app, who=who.name, deployment=deployment
    ) as lease:
        view = seen_at_all(parts.look(only=_LOOK))
        places = placements.read(parts.store, owner, request.app)
        plan = plan_down(
            Leaving(
                owner=owner,
                app=request.app,
                project=project_of(owner, request.app),
                deployment=deployment,
                view=view,
                services=request.services,
                known=request.known_services,
                orphans=request.remove_orphans,
                volumes=request.volumes,
                grace=request.grace,
                network_host=_network_host(parts, view),
                away=_away(places, view, request),
            )
        )
        if request.dry_run:
            return running.planned(plan, ())
        if plan.steps:
            outcome = running.run(
                parts,
                plan,
                verb="down",
                who=who.name,
                view=view,
                lease=lease,
                on_event=on_event,
                cancel=cancel,
            )
        else:
            outcome = running.unchanged(plan, view, _others(parts, plan, view))
        if outcome.state in ("done", "unchanged"):
            # With the store away the next `down` forgets it.
            with contextlib.suppress(StoreAway):
                _forget(parts, owner, request, plan, places)
    return replace(_with_what_stays(plan, outcome), seconds=time.monotonic() - began)


def _network_host(parts: Parts, view: View) -> str:
    """Where overlay networks are removed; empty where none can be told, then any host does."""
    try:
        return network_offer(view, parts.cluster).host
    except NapError:
        return ""


def _away(places: Mapping[str, str], view: View, request: DownRequest) -> dict[str, str]:
    """The replicas that go, as far as they are known to be on hosts that weren't seen."""
    unseen = {host.name for host in view.unseen}
    return {
        slot: host
        for slot, host in places.items()
        if host in unseen and _goes(slot, request.services)
    }


def _others(parts: Parts, plan: Plan, view: View) -> tuple[str, ...]:
    """Say so where the local engine has the project from another tool: that isn't nap's."""
    theirs = [
        container
        for container in view.containers()
        if container.identity is None and container.labels.get(COMPOSE + "project") == plan.project
    ]
    if not theirs or not parts.cluster.embedded:
        return ()
    return (
        f"{len(theirs)} containers of project {plan.project} were not made by nap and are left "
        f"alone; `docker compose -p {plan.project} down` takes them away",
    )


def _forget(
    parts: Parts, owner: str, request: DownRequest, plan: Plan, places: Mapping[str, str]
) -> None:
    """Forget where replicas were that are certainly gone."""
    away = {host.name for host in plan.unseen}
    rest = {
        slot: host
        for slot, host in places.items()
        if host in away or slot in plan.orphans or not _goes(slot, request.services)
    }
    if not rest:
        placements.delete(parts.store, owner, request.app)
    elif rest != places:
        placements.write(parts.store, owner, request.app, rest)


def _goes(slot: str, services: tuple[str, ...]) -> bool:
    return not services or slot.rpartition(".")[0] in services


def _with_what_stays(plan: Plan, outcome: Outcome) -> Outcome:
    """Say what hosts that weren't seen may still hold."""
    left = tuple(
        f"{line.subject} on {line.host}: {line.reason}"
        for line in plan.summary
        if line.change is Change.UNSEEN
    )
    if not left:
        return outcome
    return replace(
        outcome,
        left=(*outcome.left, *left),
        exit_code=outcome.exit_code or Exit.PARTIAL,
        notes=(*outcome.notes, "run `nap down` again when the host is back"),
    )
