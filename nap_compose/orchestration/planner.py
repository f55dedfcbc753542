"""From what is wanted and what is there to a Plan. Pure.

The order that every plan keeps: images come first (an unknown one fails before anything is
changed), then networks and volumes, then containers are made under temporary names beside what
runs; each takes its slot once what it needs is up; what was replaced stays, stopped, until
everything is healthy, and is removed last. So up to the last phase there is a way back.
"""

from __future__ import annotations

from nap_compose.orchestration import common
from nap_compose.orchestration.changed import changed
from nap_compose.orchestration.decide import Wish, decide, failed_before, orphans, surplus
from nap_compose.orchestration.plan import Change, Line, Plan
from nap_compose.orchestration.planning import (
    files,
    heads,
    images,
    leaving,
    pooled,
    renewals,
    replicas,
    resources,
    turns,
)
from nap_compose.orchestration.planning.draft import Draft


def plan_up(wish: Wish) -> Plan:
    """The plan that brings the chosen services to what the file says.

    A container makes way only once all that its successor waits for is there, so that it serves
    as long as it can. Where that is a circle, because one holds a port that another needs first,
    containers make way at once.

    Raises NapError where something is in the way that nap will not remove by itself.
    """
    try:
        return _plan(wish, serve_on=True)
    except common.Circle:
        return _plan(wish, serve_on=False)


def _plan(wish: Wish, *, serve_on: bool) -> Plan:
    renewed = changed(wish)
    draft = Draft(wish, decide(wish, renewed), serve_on)
    images.bring_images(draft)
    pooled.ensure_folders(draft)
    resources.ensure_networks_and_volumes(draft)
    renewals.renew(draft, renewed)
    for decision in draft.decisions:
        replicas.fill(draft, decision)
    pooled.first_alone(draft)
    files.bring_files(draft)
    turns.one_at_a_time(draft)
    left_over = orphans(wish.app, wish.owner, wish.view)
    leaving.leave(draft, surplus(wish), left_over if wish.remove_orphans else [])
    leaving.clear(draft, failed_before(wish))
    leaving.free_ports(draft)
    heads.heads_first(draft)
    for slot, host in wish.placement.unseen.items():
        draft.summary.append(Line(Change.UNSEEN, str(slot), host, f"{host} was not seen"))
    return Plan(
        owner=wish.owner,
        app=wish.app.name,
        project=wish.project,
        revision=wish.revision,
        deployment=wish.deployment,
        steps=common.in_running_order(draft.steps.values()),
        summary=tuple(draft.summary),
        unseen=wish.view.unseen,
        orphans=tuple(common.subject_of(container) for container in left_over),
        notes=(),
        loses=tuple(
            key for key in renewed.volumes if key not in wish.may_lose and key not in wish.pooled
        ),
        leniency=turns.leniency(draft),
    )
