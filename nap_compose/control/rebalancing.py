"""The road of `nap rebalance`: what would be better off elsewhere is found for all apps together,
then each app that has something to move is deployed again as it is, with those moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nap_compose.border import (
    Cancel,
    Outcome,
    Rebalanced,
    RebalanceRequest,
    UpRequest,
    Who,
)
from nap_compose.cluster import claims, failures, host_records, pins
from nap_compose.cluster.names import project_of
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App
from nap_compose.control import full_disks, history, placing, storing, upward
from nap_compose.control.hosts import check_cluster
from nap_compose.control.images import as_they_are
from nap_compose.control.owners import in_the_name_of
from nap_compose.control.parts import Parts
from nap_compose.control.road.looking import adopted_of, look, settled
from nap_compose.errors import NapError
from nap_compose.orchestration.decide import making_way
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.placement.balance import (
    Better,
    Standing,
    balance,
    containers_of,
)
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot, select
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called

AS_IT_IS = "missing"
"""How images are pulled: a move is no update."""


@dataclass(frozen=True)
class Running:
    """An app that runs as it should: its model, the images it runs, and how it stands."""

    owner: str
    model: App
    images: pins.Pins
    standing: Standing
    lacks: bool
    """Whether a global service has no replica on a host that is meant for it."""

    @property
    def name(self) -> str:
        return app_called(self.owner, self.model.name)


def rebalance(
    parts: Parts, who: Who, request: RebalanceRequest, on_event: OnEvent, cancel: Cancel
) -> Rebalanced:
    """Move what is better off on another host; see `Hosts.rebalance`."""
    check_cluster(parts)
    view = look(parts, host_records.read_all(parts.store))
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    running = []
    for owner, app in _apps(view):
        try:
            running.append(_running(parts, owner, app, view))
        except NapError as error:
            skipped[app_called(owner, app)] = error.message
    better = balance([each.standing for each in running], view)
    outcomes = []
    as_if: dict[str, str] = {}
    for each, change in zip(running, better, strict=True):
        if cancel.level or not (change.moves or each.lacks):
            continue
        wanted = _wanted(each, change, request, as_if)
        try:
            with in_the_name_of(parts, who, each.owner, each.model.name) as owned:
                done = upward.up(parts, owned, wanted, on_event, cancel, verb="rebalance")
            outcomes.append(done)
        except NapError as error:
            failed[each.name] = str(error)
        if request.dry_run:
            as_if.update(containers_of(each.standing.situation, each.standing.app, change.moves))
    stays = dict(_stays(running, better, outcomes))
    return Rebalanced(tuple(outcomes), failed, skipped, stays)


def _apps(view: View) -> list[tuple[str, str]]:
    found = (
        (each.identity.owner, each.identity.app)
        for each in view.containers()
        if each.identity is not None and not each.identity.oneoff
    )
    return sorted(set(found))


def _running(parts: Parts, owner: str, name: str, view: View) -> Running:
    """The app as it stands; raises NapError where it had better be left alone."""
    number, model = history.running_model(parts, owner, name)
    if model is None:
        raise NapError("no revision of it is kept, so nap can't make its replicas elsewhere")
    app = settled(parts, owner, model, adopted_of(parts, owner, model.name)).app
    for container in view.of_app(owner, name):
        if problem := _unsettled(container, app):
            raise NapError(f"it isn't settled: {problem}")
    services = select(app, ())
    project = project_of(owner, name)
    pooling, stored, _ = storing.pool(parts, app, services, owner, project, view)
    app = pooling.app
    images = as_they_are(app.services, project, view)
    situation = Situation(
        view=view,
        owner=owner,
        project=project,
        making_way=making_way(app, services, owner, view, remove_orphans=False),
        claims=claims.read(parts.store).by_host(),
        platforms=placing.platforms(parts.engines, images, view),
        failures=failures.that_count(failures.read_all(parts.store), owner, name),
        strategy=parts.cluster.strategy,
        pooled=pooling.keys,
        unreached=stored.unreached,
        shared=parts.cluster.storage.shared,
        full=full_disks.reasons(parts),
    )
    return Running(
        owner,
        model,
        pins.read(parts.store, owner, name, number),
        Standing(app, situation),
        _lacks(app, services, situation),
    )


def _unsettled(container: ContainerView, app: App) -> str:
    """Why the app's next deployment would do more than move it; empty where it wouldn't."""
    identity = container.identity
    if identity is None or identity.oneoff or identity.service not in app.services:
        return ""
    if container.state != "running" and not app.services[identity.service].job:
        return f"{identity.slot} is {container.state}"
    if container.health in ("starting", "unhealthy"):
        return f"{identity.slot} is {container.health}"
    return ""


def _lacks(app: App, services: tuple[str, ...], situation: Situation) -> bool:
    everywhere = tuple(name for name in services if app.services[name].everywhere)
    if not everywhere:
        return False
    containers = situation.view.of_app(situation.owner, app.name)
    there = {each.identity.slot for each in containers if each.identity is not None}
    placement = place(app, everywhere, situation)
    return any(str(slot) not in there for slot in placement.choices)


def _wanted(
    running: Running, change: Better, request: RebalanceRequest, as_if: Mapping[str, str]
) -> UpRequest:
    return UpRequest(
        app=running.model,
        pins=running.images,
        pull=AS_IT_IS,
        moves={str(slot): host for slot, host in change.moves.items()},
        as_if=as_if,
        timeout=request.timeout,
        grace=request.grace,
        dry_run=request.dry_run,
    )


def _stays(
    running: list[Running], better: list[Better], outcomes: list[Outcome]
) -> Iterator[tuple[str, str]]:
    """What is better off elsewhere and stays, also because it came to have no room there."""
    for each, change in zip(running, better, strict=True):
        for slot, why in change.stays.items():
            yield f"{each.name}/{slot}", why
        for outcome in outcomes:
            plan = outcome.plan
            if (plan.owner, plan.app) == (each.owner, each.model.name):
                for slot, host in _not_moved(outcome, change.moves):
                    yield f"{each.name}/{slot}", f"{host} has no room for it any more"


def _not_moved(outcome: Outcome, moves: Mapping[Slot, str]) -> Iterator[tuple[Slot, str]]:
    if outcome.state not in ("done", "planned", "unchanged"):
        return
    now = {line.subject: line.host for line in outcome.plan.summary}
    for slot, host in moves.items():
        if now.get(str(slot)) != host:
            yield slot, host
