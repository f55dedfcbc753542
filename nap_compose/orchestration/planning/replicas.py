"""One replica: made, started, kept, replaced or moved. Pure."""

from __future__ import annotations

from nap_compose.cluster.view import ContainerView
from nap_compose.errors import NapError
from nap_compose.orchestration import common
from nap_compose.orchestration.bodies.making import network_name
from nap_compose.orchestration.decide import Decision
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.plan import START_FIRST, STOP_FIRST, Change, Kind, Line, Step
from nap_compose.orchestration.planning import awaiting, rolling, turns
from nap_compose.orchestration.planning.draft import Draft, step_id
from nap_compose.orchestration.wanted import Slot, namespace_of


def fill(draft: Draft, decision: Decision) -> None:
    """Add what brings one slot to what was decided of it."""
    slot, old = decision.slot, decision.container
    beside, how = _way(draft, decision)
    draft.summary.append(Line(decision.change, str(slot), decision.host, decision.reason, how))
    if decision.at_once:
        _replace_at_once(draft, decision)
        return
    asides = [
        _set_aside(draft, slot, leftover, suffix=f":{leftover.id[:8]}")
        for leftover in decision.leftovers
    ]
    if decision.change is Change.KEEP and old is not None:
        _join_again(draft, decision, old)
        renames = decision.leftovers and draft.wish.overlay not in rolling.ALIASED
        taken = _take_name(draft, decision, old.id) if renames else ""
        awaiting.wait(draft, decision, needs=(taken,) if taken else ())
        return
    if _is_bereaved(draft, slot) and decision.change in (Change.CREATE, Change.START):
        made = (_create(draft, decision),) if decision.change is Change.CREATE else ()
        _take_over_from_the_dead(draft, decision, (*made, *asides))
        return
    if decision.change is Change.START:
        if old:
            _join_again(draft, decision, old)
        stopped = _stop_first(draft, decision, old) if old and old.state == "running" else ""
        ended = (stopped,) if stopped else ()
        named = _take_name(draft, decision, old.id if old else "", needs=ended)
        renewals = draft.ids(Kind.RENEW_NETWORK)
        for renewal in renewals if stopped else ():
            draft.add_need(renewal, stopped)
        # Two of one slot may share a volume: the other stops before this one starts.
        _start(draft, decision, needs=(*filter(None, (named, stopped)), *renewals, *asides))
        return
    _check_name(draft, decision)
    create = _create(draft, decision, beside=beside)
    if beside and old is not None:
        _hand_over(draft, decision, old, create)
        return
    aside: tuple[str, ...] = (create,)
    if old is not None:
        ready = (
            awaiting.dependencies(draft, slot) if draft.serve_on and not draft.wish.no_start else ()
        )
        aside = (create, _set_aside(draft, slot, old, needs=(create, *ready)))
    named = _take_name(draft, decision, "", needs=aside) if _under_temporary(decision) else ""
    if not draft.wish.no_start:
        update = rolling.update_of(draft.wish.service(slot), back=draft.wish.back)
        watched = (update.monitor or 0.0) if old is not None else 0.0
        _start(draft, decision, needs=(named,) if named else aside, settles=watched)


def _is_bereaved(draft: Draft, slot: Slot) -> bool:
    """Whether a dead host still has the slot's name on its networks. A swarm forgets it by itself;
    engines that share a cluster store never do."""
    return slot in draft.wish.lost and draft.wish.overlay == "consul"


def _take_over_from_the_dead(draft: Draft, decision: Decision, needs: tuple[str, ...]) -> None:
    """Start under another name, and so at a fresh address; then take the dead one's endpoint away.
    In this order: whoever gets the dead one's address can't be reached.

    It keeps the name that it was made under, and is found under the slot's as well, as everyone
    is. A name that changes on a running container makes the engine (20.10) write how many
    endpoints it found on the network when that container joined: one too many by now, and nobody
    could ever remove that network.
    """
    wish, slot = draft.wish, decision.slot
    service = wish.service(slot)
    name = slot_name(service, wish.owner, wish.project, slot)
    _start(draft, decision, needs=needs)
    old = decision.container
    if old is not None and old.name == name:
        return
    networks = [network_name(wish.app, wish.project, key) for key in service.networks]
    draft.add(
        Step(
            id=f"free:{slot}",
            kind=Kind.FREE_NAME,
            host=decision.host,
            target=str(slot),
            subject=str(slot),
            needs=(step_id(Kind.START, slot),),
            args={"name": name, "networks": networks},
        )
    )


def _way(draft: Draft, decision: Decision) -> tuple[bool, str]:
    """Whether the successor starts beside the container that is there, and what to say of it."""
    wish, slot = draft.wish, decision.slot
    if decision.change not in (Change.REPLACE, Change.MOVE) or wish.no_start:
        return False, ""
    why = rolling.why_stop_first(wish, decision, awaiting.condition_of(draft, slot.service))
    if decision.at_once:
        why = "it holds what is made anew"
    elif draft.ids(Kind.RENEW_NETWORK):
        why = "a network is made anew"
    elif not why and not draft.serve_on:
        why = "it holds what another needs first"
    if not why:
        return True, START_FIRST
    # On bridges it is as with Compose, and nobody expects anything else.
    told = wish.overlay in rolling.SHARED
    return False, f"{STOP_FIRST}: {why}" if told else ""


def _hand_over(draft: Draft, decision: Decision, old: ContainerView, create: str) -> None:
    """Start beside the old one, take over its names once all is well, then let it end.

    The container keeps the name that it was made under. On a swarm's overlay network the engine
    (20.10) can't rename one that is attached: it fails, and holds the network for ever.
    """
    slot = decision.slot
    update = rolling.update_of(draft.wish.service(slot), back=draft.wish.back)
    start = draft.on_slot(
        Kind.START,
        decision,
        needs=(create, *awaiting.dependencies(draft, slot)),
        args={"container": "", "paused": False},
    )
    health_known = old.health != "none"
    settles = rolling.settling(draft.wish.service(slot), update, health_known)
    awaiting.wait(draft, decision, needs=(start,), settles=settles)
    replica = {"service": slot.service, "replica": slot.number}
    join = draft.on_slot(
        Kind.JOIN, decision, needs=(step_id(Kind.WAIT, slot),), args={**replica, "container": ""}
    )
    gone = draft.add(
        Step(
            id=f"leave:{slot}",
            kind=Kind.LEAVE,
            host=old.host,
            target=old.id,
            subject=str(slot),
            needs=(join,),
            undo="come back",
            args=replica,
        )
    )
    if update.drain:
        gone = turns.pause(draft, f"drain:{slot}", slot, update.drain, "draining", gone)
    _set_aside(draft, slot, old, needs=(gone,))


def _join_again(draft: Draft, decision: Decision, right: ContainerView) -> None:
    """A deployment that was cut off may have left the right container without its names."""
    if not decision.leftovers or draft.wish.overlay not in rolling.ALIASED:
        return
    slot = decision.slot
    args = {"service": slot.service, "replica": slot.number, "container": right.id}
    join = draft.on_slot(Kind.JOIN, decision, needs=(), args=args)
    for leftover in decision.leftovers:
        draft.add_need(f"aside:{slot}:{leftover.id[:8]}", join)


def _replace_at_once(draft: Draft, decision: Decision) -> None:
    """Take the container away, so that what it holds can be made anew, and make another."""
    images = draft.after(Kind.BRING_IMAGE)
    for old in filter(None, (decision.container, *decision.leftovers)):
        stop = draft.add(
            common.stopping(old, str(decision.slot), draft.wish.grace, needs=images, undo="start")
        )
        gone = draft.add(common.removal(old, str(decision.slot), needs=(stop,)))
        for renewal in draft.ids(Kind.RENEW_NETWORK, Kind.RENEW_VOLUME):
            draft.add_need(renewal, gone)
    create = _create(draft, decision)
    if not draft.wish.no_start:
        _start(draft, decision, needs=(create,))


def _under_temporary(decision: Decision) -> bool:
    """A slot that nobody has yet is filled under its own name at once."""
    return decision.change is not Change.CREATE and not decision.at_once


def _check_name(draft: Draft, decision: Decision) -> None:
    """Raise NapError where somebody else's container has the slot's name: it is never removed."""
    wish = draft.wish
    name = slot_name(wish.service(decision.slot), wish.owner, wish.project, decision.slot)
    for container in wish.view.hosts[decision.host].containers:
        identity = container.identity
        if container.name == name and (
            identity is None or (identity.owner, identity.app) != (wish.owner, wish.app.name)
        ):
            raise NapError(
                f"the name {name} is taken by a container that isn't this app's",
                host=decision.host,
                hint=f"look at it with: docker inspect {name}",
            )


def _create(draft: Draft, decision: Decision, *, beside: bool = False) -> str:
    service = draft.wish.service(decision.slot)
    parents = [
        f"create:{Slot(name, 1)}" for name in (*namespace_of(service), *common.links_of(service))
    ]
    return draft.on_slot(
        Kind.CREATE,
        decision,
        needs=(
            *draft.after(
                Kind.BRING_IMAGE,
                Kind.ENSURE_NETWORK,
                Kind.ENSURE_FOLDER,
                Kind.ENSURE_VOLUME,
                Kind.RENEW_NETWORK,
                Kind.RENEW_VOLUME,
            ),
            *(parent for parent in parents if parent in draft.steps),
        ),
        undo="remove last" if beside else "remove",
        args={
            "service": decision.slot.service,
            "replica": decision.slot.number,
            "fence": draft.wish.fence,
            "temporary": _under_temporary(decision) or _is_bereaved(draft, decision.slot),
            "replaces": decision.container.id if decision.container else "",
            "fresh_volumes": draft.wish.fresh_volumes,
            "replaces_on": decision.container.host if decision.container else "",
            **({"quiet": True} if beside else {}),
        },
    )


def _set_aside(
    draft: Draft, slot: Slot, old: ContainerView, *, needs: tuple[str, ...] = (), suffix: str = ""
) -> str:
    return draft.add(
        Step(
            id=f"aside:{slot}{suffix}",
            kind=Kind.SET_ASIDE,
            host=old.host,
            target=old.id,
            subject=str(slot),
            needs=needs,
            undo="bring back",
            args=common.stop_args(old, draft.wish.grace),
        )
    )


def _stop_first(draft: Draft, decision: Decision, old: ContainerView) -> str:
    """Stop what restarts with a service that it needs, before that one makes way."""
    needed = {
        entry.service for entry in draft.wish.service(decision.slot).depends_on if entry.restart
    }
    renewed = [other.slot for other in draft.making if other.slot.service in needed]
    stop = draft.add(
        common.stopping(
            old,
            str(decision.slot),
            draft.wish.grace,
            needs=tuple(f"create:{slot}" for slot in renewed),
            undo="start",
        )
    )
    for slot in renewed:
        draft.add_need(f"aside:{slot}", stop)
    return stop


def _take_name(
    draft: Draft, decision: Decision, container: str, needs: tuple[str, ...] = ()
) -> str:
    """Give the container its slot's name, once whoever had it is out of the way; empty where it
    has it, or can't be renamed. `needs` stop it."""
    wish = draft.wish
    name = slot_name(wish.service(decision.slot), wish.owner, wish.project, decision.slot)
    args, undo = {"name": name, "container": container}, ""
    if decision.container and decision.container.id == container:
        if decision.container.name == name or (not needs and _is_attached(draft, decision)):
            return ""
        args["was"], undo = decision.container.name, "give back"
        asides = (step for step in draft.steps if step.startswith(f"aside:{decision.slot}:"))
        needs = (*needs, *asides)
    return draft.on_slot(Kind.TAKE_NAME, decision, needs=needs, args=args, undo=undo)


def _is_attached(draft: Draft, decision: Decision) -> bool:
    """Whether the slot's container is on an overlay network right now, so that it has to keep the
    name that it has."""
    there = decision.container is not None and decision.container.state in ("running", "paused")
    return there and draft.wish.overlay in rolling.SHARED


def _start(
    draft: Draft, decision: Decision, needs: tuple[str, ...], *, settles: float = 0.0
) -> None:
    existing = decision.container if decision.change is Change.START else None
    paused = existing is not None and existing.state == "paused"
    start = draft.on_slot(
        Kind.START,
        decision,
        needs=(*needs, *awaiting.dependencies(draft, decision.slot)),
        undo="pause" if paused else "stop" if existing else "",
        args={"container": existing.id if existing else "", "paused": paused},
    )
    awaiting.wait(draft, decision, needs=(start,), settles=settles)
