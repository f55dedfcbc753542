"""The road of start, stop, restart, kill, rm, pause and unpause: lock, look, plan, run.

They need the hosts and the labels there, not the file.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

from nap_compose.border import ActRequest, Cancel, Outcome, Target, Who
from nap_compose.cluster import app_lock, host_records, moves, placements, wanted_records
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import NetworkKind, network_kind
from nap_compose.cluster.observe import Part
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import View
from nap_compose.control import running
from nap_compose.control.forgotten import NONE, secrets_of
from nap_compose.control.former import former_app
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.replicas import missing
from nap_compose.errors import NapError
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Change, Plan, Verb
from nap_compose.orchestration.steps.hooks import POST_START, PRE_STOP
from nap_compose.orchestration.verbs import Acting, plan_verb
from nap_compose.orchestration.wanted import Slot

_LOOK = frozenset({Part.CONTAINERS, Part.INFO})

_MOMENTS = {
    Verb.START: (POST_START,),
    Verb.STOP: (PRE_STOP,),
    Verb.REMOVE: (PRE_STOP,),
    Verb.RESTART: (PRE_STOP, POST_START),
}
"""Whose hooks a verb runs."""

_ENDS = {Change.STOP, Change.KILL, Change.REMOVE}
_DEADLY = ("", "KILL", "9", "TERM", "15", "INT", "2", "QUIT", "3")
"""Signals that are sent so that a process ends."""
_BEGINS = {Change.START, Change.RESTART}


def act(parts: Parts, who: Who, request: ActRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
    """Do it; see `Deploying.act`."""
    began = time.monotonic()
    owner = request.owner or who.owner
    deployment = uuid.uuid4().hex
    with app_lock.take(
        parts.store, owner, request.app, who=who.name, deployment=deployment
    ) as lease:
        if request.verb.starts:
            moves.refuse(parts.store, owner, request.app)
        view = _look(parts)
        places = placements.read(parts.store, owner, request.app)
        acting = _acting(request, owner, deployment, view, places)
        _refuse_what_is_not_there(acting, request)
        notes: list[str] = []
        mine = view.of_app(owner, request.app)
        secrets = NONE
        if request.verb.starts:
            secrets = secrets_of(parts, owner, request.app, acting.project, mine, notes.append)
            acting = replace(acting, secrets=secrets.of)
        plan = plan_verb(acting)
        if request.dry_run:
            return running.planned(plan, ())
        if plan.steps:
            _note_what_is_wanted(parts, acting, plan)
            outcome = running.run(
                parts,
                plan,
                verb=request.verb.value,
                who=who.name,
                view=view,
                lease=lease,
                on_event=on_event,
                cancel=cancel,
                former=former_app(
                    parts,
                    owner,
                    request.app,
                    mine,
                    notes.append,
                    moments=_MOMENTS.get(request.verb, ()),
                ),
                overlay=_overlay(parts, view, request.verb),
                timeout=request.timeout,
                notes=tuple(notes),
                stock=secrets.stock,
            )
        else:
            outcome = running.unchanged(plan, view, ())
        if request.verb is Verb.REMOVE and outcome.state == "done":
            # With the store away they stay known, and the next `up` looks there first.
            with contextlib.suppress(StoreAway):
                _forget(parts, acting, plan, places)
    outcome = running.with_what_stays(plan, outcome, request.verb.value)
    return replace(outcome, seconds=time.monotonic() - began)


def _look(parts: Parts) -> View:
    states = {name: each.state for name, each in host_records.read_all(parts.store).items()}
    return seen_at_all(parts.look(only=_LOOK, states=states))


def _acting(
    request: ActRequest, owner: str, deployment: str, view: View, places: Mapping[str, str]
) -> Acting:
    unseen = {host.name for host in view.unseen}
    return Acting(
        verb=request.verb,
        owner=owner,
        app=request.app,
        project=project_of(owner, request.app),
        deployment=deployment,
        view=view,
        slots=tuple(Slot(each.service, each.replica) for each in request.targets),
        away={slot: host for slot, host in places.items() if host in unseen},
        grace=request.grace,
        signal=request.signal,
        volumes=request.volumes,
        stop_first=request.stop_first,
        alone=request.alone,
        wait=request.wait,
    )


def _overlay(parts: Parts, view: View, verb: Verb) -> str:
    """What the app's networks are made of. Nothing is restarted on an overlay that nothing can be
    attached to; whatever only ends something needs none."""
    try:
        return network_kind(view, parts.cluster).value
    except NapError:
        if verb.starts:
            raise
        return NetworkKind.BRIDGE.value


def _refuse_what_is_not_there(acting: Acting, request: ActRequest) -> None:
    """Raise WrongUse for an app, service or replica that there isn't, Away where it may stand on a
    host that wasn't seen."""
    mine = [
        each
        for each in acting.view.of_app(acting.owner, acting.app)
        if each.identity is not None and not each.identity.oneoff
    ]
    there = {each.identity.slot for each in mine if each.identity} | set(acting.away)
    if request.verb is Verb.REMOVE:
        failed = acting.view.kept_of(acting.owner, acting.app)
        there |= {each.kept.slot for each in failed if each.kept}
    for slot in acting.slots:
        one = replace(acting, slots=(slot,))
        if any(one.means(each) for each in there):
            continue
        if slot.service in request.known_services and not slot.number:
            continue
        target = Target(request.app, acting.owner, slot.service, slot.number)
        raise missing(target, acting.view, mine)
    if there or (request.known_services and request.verb is not Verb.START):
        return
    if acting.view.of_app(acting.owner, acting.app) and request.verb is Verb.KILL:
        return
    if request.known_services:
        raise NapError(
            f"{request.app} has no containers to start", hint="nap up makes and starts them"
        )
    raise missing(Target(request.app, acting.owner), acting.view, mine)


def _note_what_is_wanted(parts: Parts, acting: Acting, plan: Plan) -> None:
    """Tell the watcher, before anything ends, what is to stay as it is then."""
    if parts.cluster.embedded:
        return
    if acting.verb is Verb.KILL and acting.signal.upper().removeprefix("SIG") not in _DEADLY:
        return
    slots = {line.subject for line in plan.summary if line.change in _ENDS | _BEGINS}
    ends = any(line.change in _ENDS for line in plan.summary)
    note = wanted_records.stopped if ends else wanted_records.started
    with contextlib.suppress(StoreAway):
        note(parts.store, acting.owner, acting.app, slots)


def _forget(parts: Parts, acting: Acting, plan: Plan, places: Mapping[str, str]) -> None:
    """Forget where replicas were that are gone, and have no other container."""
    gone = {line.subject for line in plan.summary if line.change is Change.REMOVE}
    kept = {line.subject for line in plan.summary if line.change is Change.KEEP}
    rest = {slot: host for slot, host in places.items() if slot not in gone - kept}
    if not rest:
        placements.delete(parts.store, acting.owner, acting.app)
    elif rest != places:
        placements.write(parts.store, acting.owner, acting.app, rest)
