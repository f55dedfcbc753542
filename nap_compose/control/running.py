"""Running a plan for a command: its books, its workshop, and what came of it for the person."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone

from nap_compose import __version__
from nap_compose.border import Cancel, Failure, Outcome, Published
from nap_compose.cluster import subnets, turns
from nap_compose.cluster.engine import Events
from nap_compose.cluster.failures import enter as enter_failures
from nap_compose.cluster.images import Found
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.seen import container_view
from nap_compose.cluster.state import Lease, StoreAway
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App
from nap_compose.control.ledger import Ledger
from nap_compose.control.parts import Parts
from nap_compose.control.reading import urls_of
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import OnEvent, Phase
from nap_compose.orchestration.execute import Execution, execute
from nap_compose.orchestration.plan import Change, Kind, Plan, Step
from nap_compose.orchestration.steps.hearing import HEARD
from nap_compose.orchestration.steps.image_ids import ImageIds
from nap_compose.orchestration.steps.snapshots import Snapshots
from nap_compose.orchestration.steps.waiting import Unwell
from nap_compose.orchestration.steps.workshop import Logins, NoLogins, Stock, Workshop

_EXITS = {
    "done": Exit.DONE,
    "unchanged": Exit.DONE,
    "planned": Exit.DONE,
    "interrupted": Exit.INTERRUPTED,
    "abandoned": Exit.LOCKED,
}


def run(
    parts: Parts,
    plan: Plan,
    *,
    verb: str,
    who: str,
    view: View,
    lease: Lease,
    on_event: OnEvent,
    cancel: Cancel,
    app: App | None = None,
    former: App | None = None,
    hashes: Mapping[str, str] | None = None,
    images: Mapping[str, Found] | None = None,
    overlay: str = "bridge",
    timeout: float = float("inf"),
    notes: tuple[str, ...] = (),
    stock: Stock | None = None,
) -> Outcome:
    """Run the plan with its books kept; `app` is None where an app is taken away, and `former` then
    says what its containers do before they stop. `images` are what references were seen to mean."""
    warnings: list[str] = []
    ledger = Ledger.open(parts, plan, verb=verb, who=who, warn=warnings.append)
    shop = _workshop(parts, plan, view)
    shop.app, shop.hashes, shop.overlay = app, hashes or {}, overlay
    shop.former = former
    shop.image_ids = ImageIds(
        {(host, name): found.id for name, found in (images or {}).items() for host in found.hosts}
    )
    shop.stock = stock or shop.stock
    shop.deadline = time.monotonic() + timeout
    execution = Execution(state="failed")
    error = ""
    try:
        execution = execute(
            plan,
            shop,
            Emitter(plan.deployment, [ledger.event, on_event]),
            go_back=app is not None,
            lost=lambda: lease.lost,
            cancelled=lambda: cancel.level,
        )
        failures = [_failure(step, problem, shop.kept) for step, problem in execution.failures]
        _enter_failures(parts, plan, execution)
        error = "; ".join(f"{each.subject} on {each.host}: {each.reason}" for each in failures)
    except BaseException as crash:
        error = f"nap itself failed: {crash!r}"
        raise
    finally:
        shop.snapshots.close()
        ledger.close(execution.state, error)
    return _outcome(parts, plan, execution, shop, error, (*notes, *warnings))


def planned(plan: Plan, notes: tuple[str, ...]) -> Outcome:
    """The outcome of a dry run."""
    return Outcome("planned", plan, Exit.DONE, notes=notes)


def asks(plan: Plan, notes: tuple[str, ...]) -> Outcome:
    """The outcome where a person must say first whether data may be lost."""
    return Outcome("asks", plan, Exit.UNANSWERED, notes=notes)


def unchanged(plan: Plan, view: View, notes: tuple[str, ...]) -> Outcome:
    """The outcome where nothing was to be done."""
    exit_code = Exit.PARTIAL if _has_unseen_replicas(plan) else Exit.DONE
    published = _published(plan, view)
    return Outcome("unchanged", plan, exit_code, notes=notes, published=published)


def partial(outcome: Outcome) -> Outcome:
    """The same outcome, where some replicas stand on hosts that weren't seen."""
    return replace(outcome, exit_code=outcome.exit_code or Exit.PARTIAL)


def with_what_stays(plan: Plan, outcome: Outcome, verb: str) -> Outcome:
    """The same outcome, with what stands on hosts that weren't seen and wasn't touched."""
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
        notes=(*outcome.notes, f"run `nap {verb}` again when the host is back"),
    )


def pull(
    parts: Parts,
    host: str,
    reference: str,
    deployment: str,
    on_event: OnEvent,
    *,
    logins: Logins,
    otherwise: str = "",
) -> None:
    """Pull an image on one host, with its progress told as a step's.

    `otherwise` is what is done where that can't be, so that it is no failure to people. Raises
    NapError all the same.
    """
    from nap_compose.orchestration.steps.images import bring_image

    step = Step(
        id=f"pull:{reference}@{host}",
        kind=Kind.BRING_IMAGE,
        host=host,
        target=reference,
        subject=f"image {reference}",
    )
    plan = Plan("", "", "", 0, deployment, (step,))
    shop = Workshop(
        plan=plan,
        engines=parts.engines,
        cluster=parts.cluster,
        view=View(taken_at=_now(), hosts={}),
        snapshots=Snapshots(lambda _: {}),
        seal=None,
        logins=logins,
    )
    emitter = Emitter(deployment, [on_event])

    def report(text: str, done: int = 0, total: int = 0) -> None:
        emitter.step(step, Phase.RUNNING, text, done=done, total=total)

    try:
        emitter.step(step, Phase.DONE, bring_image(step, shop, report))
    except NapError as error:
        if otherwise:
            emitter.step(step, Phase.DONE, otherwise)
        else:
            emitter.step(step, Phase.FAILED, error=error.message)
        raise


def _workshop(parts: Parts, plan: Plan, view: View) -> Workshop:
    whose = Whose(owner=plan.owner, app=plan.app)

    filters = whose.filters(embedded=parts.cluster.embedded) or {}

    def look(host: str) -> dict[str, ContainerView]:
        found = (
            container_view(raw, host, cluster=parts.cluster.name, seal=parts.seal)
            for raw in parts.engines.on(host).containers(filters)
        )
        return {container.id: container for container in found}

    def listen(host: str) -> Events:
        heard = {**filters, "type": ("container",), "event": HEARD}
        return parts.engines.on(host).events(filters=heard)

    there = {
        container.identity.slot: container.id
        for container in view.of_app(plan.owner, plan.app)
        if container.identity is not None and not container.identity.oneoff
    }
    return Workshop(
        plan=plan,
        engines=parts.engines,
        cluster=parts.cluster,
        view=view,
        snapshots=Snapshots(look, listen),
        seal=parts.seal,
        version=__version__,
        logins=_logins(parts, plan),
        pool=parts.pool,
        reserve_subnet=lambda prefix: subnets.reserve(
            parts.store,
            parts.cluster.network.pool,
            prefix,
            (
                each
                for host in view.hosts.values()
                for network in host.networks
                for each in subnets.subnets_of(network.ipam)
            ),
        ),
        turn=lambda host: turns.joining(parts.store, host),
        unlist=_unlisting(parts, view),
        containers=there,
    )


def _logins(parts: Parts, plan: Plan) -> Logins:
    if parts.cluster.embedded:
        return NoLogins()
    from nap_compose.control.registries.pulling import logins_for

    return logins_for(parts, plan.owner, plan.app)


def _unlisting(parts: Parts, view: View) -> Callable[[str, str], None]:
    """What takes a container that publishes ports out of Consul's catalog. It must not hold up a
    deployment: where Consul doesn't answer, the watcher does it a moment later."""
    published = {container.id for container in view.containers() if container.ports}
    if parts.cluster.consul is None or not published:
        return lambda _host, _container: None

    def unlist(host: str, container: str) -> None:
        if container in published:
            with contextlib.suppress(StoreAway):
                parts.catalog.withdraw_container(host, container)

    return unlist


def _outcome(
    parts: Parts,
    plan: Plan,
    execution: Execution,
    shop: Workshop,
    error: str,
    notes: tuple[str, ...],
) -> Outcome:
    failures = tuple(_failure(step, problem, shop.kept) for step, problem in execution.failures)
    exit_code = _EXITS.get(execution.state, Exit.FAILED)
    if failures and exit_code is Exit.DONE:
        exit_code = Exit.FAILED
    published: tuple[Published, ...] = ()
    if execution.state == "done" and plan.revision:
        published = _published(plan, _as_it_is_now(parts, plan, shop, execution.changed))
    return Outcome(
        state=execution.state,
        plan=plan,
        exit_code=exit_code,
        error=error,
        failures=failures,
        left=tuple(execution.left),
        published=published,
        notes=notes,
    )


def _as_it_is_now(parts: Parts, plan: Plan, shop: Workshop, changed: float) -> View:
    """The hosts where the app is, with its containers since the last change: as those who waited
    for them have seen it, as far as they looked since."""
    there = {each.host for each in shop.view.of_app(plan.owner, plan.app)}
    there |= {step.host for step in plan.steps if step.host in shop.view.hosts}
    lists = {host: shop.snapshots.known_since(host, changed) for host in there}
    hosts = {
        host: replace(shop.view.hosts[host], containers=tuple(found.values()))
        for host, found in lists.items()
        if found is not None
    }
    if unknown := there - set(hosts):
        only, whose = frozenset({Part.CONTAINERS}), Whose(owner=plan.owner, app=plan.app)
        hosts |= parts.look(only=only, whose=whose, hosts=unknown).hosts
    return View(_now(), {name: hosts[name] for name in shop.view.hosts if name in hosts})


def _enter_failures(parts: Parts, plan: Plan, execution: Execution) -> None:
    """Remember on which hosts replicas didn't get well, for those that are placed next."""
    if parts.cluster.embedded:
        return
    by_host: dict[str, list[str]] = {}
    for step, problem in execution.failures:
        if isinstance(problem, Unwell):
            by_host.setdefault(problem.host or step.host, []).append(problem.subject)
    for host, slots in by_host.items():
        with contextlib.suppress(StoreAway):
            enter_failures(parts.store, host, plan.owner, plan.app, slots)


def _failure(step: Step, problem: NapError, kept: Mapping[str, str]) -> Failure:
    if isinstance(problem, Unwell):
        # The replica's own host and name: the step may have looked at all of them.
        host = problem.host or step.host
        name = kept.get(problem.container, "")
        return Failure(problem.subject, host, problem.reason, problem.log, problem.probe, kept=name)
    return Failure(step.subject, step.host, problem.message, hint=problem.hint or "")


def _published(plan: Plan, view: View) -> tuple[Published, ...]:
    return tuple(
        Published(container.identity.slot, container.host, url)
        for container in view.of_app(plan.owner, plan.app)
        if container.identity is not None and container.state == "running"
        for url in urls_of(container, view.hosts[container.host])
    )


def _has_unseen_replicas(plan: Plan) -> bool:
    return any(line.change is Change.UNSEEN for line in plan.summary)


def _now() -> datetime:
    return datetime.now(timezone.utc)
