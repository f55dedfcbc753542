"""The road of `nap down`: lock, look, plan, run, forget. It needs the hosts, not the file."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

from nap_compose.border import Cancel, DownRequest, Outcome, Who
from nap_compose.cluster import (
    adopted,
    app_lock,
    moves,
    placements,
    private_images,
    taken_over,
    wanted_records,
)
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import network_offer
from nap_compose.cluster.observe import Part
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import View
from nap_compose.control import app_images, running, storing
from nap_compose.control.former import former_app
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.road.looking import adopted_of
from nap_compose.errors import NapError
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Kind, Plan
from nap_compose.orchestration.teardown import Leaving, plan_down


def down(
    parts: Parts, who: Who, request: DownRequest, on_event: OnEvent, cancel: Cancel
) -> Outcome:
    """Take the app away; see `Control.down`."""
    began = time.monotonic()
    owner = request.owner or who.owner
    app_images.refuse_on_a_cluster(parts, request.images)
    deployment = uuid.uuid4().hex
    with app_lock.take(
        parts.store, owner, request.app, who=who.name, deployment=deployment
    ) as lease:
        if request.volumes:
            _refuse_with_a_way_back(parts, owner, request.app)
        if request.volumes and parts.pool is not None:
            parts.pool.knock()  # without its master, engines may not answer about volumes either
        view = seen_at_all(parts.look(only=_parts(parts, request)))
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
                folders=storing.folders_of(parts, owner, request.app, view)
                if request.volumes
                else {},
            )
        )
        gone = {step.target for step in plan.steps if step.kind is Kind.REMOVE}
        going = view.of_app(owner, request.app)
        images = app_images.named((each for each in going if each.id in gone), request.images)
        if request.dry_run:
            return running.planned(plan, tuple(f"image {name} would go" for _, name in images))
        if not parts.cluster.embedded:
            _note_what_is_wanted(parts, owner, request, view, places)
        back = storing.ways_back(parts, plan)
        if plan.steps:
            notes: list[str] = []
            outcome = running.run(
                parts,
                plan,
                verb="down",
                who=who.name,
                view=view,
                lease=lease,
                on_event=on_event,
                cancel=cancel,
                former=former_app(parts, owner, request.app, going, notes.append),
                notes=tuple(notes),
            )
            outcome = storing.with_ways_back(outcome, back)
        else:
            outcome = running.unchanged(plan, view, ())
        if outcome.state in ("done", "unchanged"):
            # With the store away the next `down` forgets it.
            with contextlib.suppress(StoreAway):
                _forget(parts, owner, request, plan, places)
                if request.volumes and not request.services:
                    moves.delete(parts.store, owner, request.app)
                    _forget_what_came(parts, owner, request.app)
            kept = app_images.remove(parts, images, Emitter(deployment, [on_event]))
            outcome = replace(outcome, notes=(*outcome.notes, *kept))
    return replace(running.with_what_stays(plan, outcome, "down"), seconds=time.monotonic() - began)


def _refuse_with_a_way_back(parts: Parts, owner: str, app: str) -> None:
    """Raise NapError while the old containers of an app that was moved in are kept: they are its
    way back, and need its volumes."""
    came = adopted_of(parts, owner, app)
    if came is not None and came.containers:
        raise NapError(
            f"{came.containers[0].name}, which {app} was before it was moved in, is kept and "
            "needs its volumes",
            host=came.host,
            hint=f"nap adopt --done {app} removes the old containers; then run the command again",
        )


def _forget_what_came(parts: Parts, owner: str, app: str) -> None:
    """Its volumes are gone, and whatever gets their names on that host isn't the app's."""
    if adopted_of(parts, owner, app) is not None:
        adopted.delete(parts.store, owner, app)


def _note_what_is_wanted(
    parts: Parts, owner: str, request: DownRequest, view: View, places: Mapping[str, str]
) -> None:
    """Tell the watcher, before anything ends, that it is to stay so."""
    with contextlib.suppress(StoreAway):
        if not request.services:
            wanted_records.delete(parts.store, owner, request.app)
            return
        there = {
            each.identity.slot for each in view.of_app(owner, request.app) if each.identity
        } | set(places)
        going = {slot for slot in there if _goes(slot, request.services)}
        wanted_records.stopped(parts.store, owner, request.app, going)


def _parts(parts: Parts, request: DownRequest) -> frozenset[Part]:
    """What must be seen: a lone engine's networks are its own, and volumes mostly stay."""
    wanted = {Part.CONTAINERS, Part.NETWORKS}
    wanted |= {Part.VOLUMES} if request.volumes else set()
    wanted |= set() if parts.cluster.embedded else {Part.INFO}
    return frozenset(wanted)


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
        private_images.forget(parts.store, owner, request.app)
        if taken_over.read(parts.store, owner, request.app):
            taken_over.delete(parts.store, owner, request.app)
    elif rest != places:
        placements.write(parts.store, owner, request.app, rest)


def _goes(slot: str, services: tuple[str, ...]) -> bool:
    return not services or slot.rpartition(".")[0] in services
