"""The road of `nap down`: lock, look, plan, run, forget. It needs the hosts, not the file."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from nap_compose.cluster import app_lock, placements
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import network_offer
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.control import running
from nap_compose.control.border import Cancel, DownRequest, Outcome, Who
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Plan
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
            )
        )
        if request.dry_run:
            return running.planned(plan, ())
        if not plan.steps:
            return running.unchanged(plan, view, ())
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
        outcome = _with_what_stays(parts, owner, request, plan, outcome)
    return replace(outcome, seconds=time.monotonic() - began)


def _network_host(parts: Parts, view: View) -> str:
    """Where overlay networks are removed; empty where none can be told, then any host does."""
    try:
        return network_offer(view, parts.cluster).host
    except NapError:
        return ""


def _with_what_stays(
    parts: Parts, owner: str, request: DownRequest, plan: Plan, outcome: Outcome
) -> Outcome:
    """Say what hosts that weren't seen may still hold, and forget what is certainly gone."""
    known = placements.read(parts.store, owner, request.app)
    away = {unseen.name for unseen in plan.unseen}
    there = {slot: host for slot, host in known.items() if host in away}
    if outcome.state == "done" and not request.services:
        if there:
            placements.write(parts.store, owner, request.app, there)
        else:
            placements.delete(parts.store, owner, request.app)
    if not there:
        return outcome
    left = tuple(f"{slot} on {host}, which was not seen" for slot, host in sorted(there.items()))
    return replace(
        outcome,
        left=(*outcome.left, *left),
        exit_code=outcome.exit_code or Exit.PARTIAL,
        notes=(*outcome.notes, "run `nap down` again when the host is back"),
    )
