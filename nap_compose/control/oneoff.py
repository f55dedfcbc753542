"""The road of `run`: what a service needs is brought up, then a container of it is made beside its
replicas, where placement would put another one."""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, field, replace

from nap_compose.border import (
    Cancel,
    Console,
    Ended,
    Made,
    Outcome,
    RunRequest,
    Target,
    UpRequest,
    Who,
)
from nap_compose.cluster.engine import EngineError, NotFound
from nap_compose.cluster.host_records import HostRecord
from nap_compose.cluster.names import oneoff_name, project_of
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import Condition
from nap_compose.control import upward
from nap_compose.control.parts import Parts, site_of
from nap_compose.control.replicas import any_replica
from nap_compose.control.road.road import Road, travel
from nap_compose.control.sessions import OwnProcess, vanished
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.orchestration.bodies.making import OneOff
from nap_compose.orchestration.checks import check
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Kind, Plan, Step
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.wanted import Slot, needs_of
from nap_compose.plaindata import dataclass

INSISTING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
"""Signals which, sent twice, mean that the container is to end at once."""


def make(parts: Parts, who: Who, request: RunRequest, on_event: OnEvent, cancel: Cancel) -> Made:
    """Make a one-off container; see `border.Streaming`. Raises WrongUse where what it needs would
    be brought up of another app: the caller's right was to this one."""
    if request.whole.name != request.app.name:
        raise WrongUse(f"{request.app.name} and {request.whole.name} aren't one app")
    check(request.app, site_of(parts), parts.cluster.storage)
    target = Target(request.app.name, who.owner, request.service)
    outcomes: list[Outcome] = []
    needs = () if request.no_deps else needs_of(request.app.services[request.service], request.app)
    if needs:
        wanted = UpRequest(
            request.whole,
            needs,
            pull=request.pull,
            quiet_build=request.quiet_build,
            contexts=request.contexts,
            remove_orphans=request.remove_orphans,
            timeout=request.timeout,
            supply=request.supply,
        )
        outcomes.append(upward.up(parts, who, wanted, on_event, cancel, verb="run"))
        if outcomes[-1].exit_code:
            return Made(target, tuple(outcomes))
        _await_jobs(parts, request, who, request.timeout)
    oneoff = _named(request, who)
    road = OneOffRoad(
        parts,
        who,
        UpRequest(
            request.app,
            (request.service,),
            pull=request.pull,
            quiet_build=request.quiet_build,
            contexts=request.contexts,
            remove_orphans=request.remove_orphans,
            build=request.build,
            no_deps=True,
            no_start=True,
            supply=request.supply,
        ),
        on_event,
        cancel,
        "run",
        oneoff=oneoff,
    )
    outcomes.append(travel(road))
    if outcomes[-1].exit_code:
        return Made(target, tuple(outcomes))
    return Made(
        target=replace(target, oneoff=oneoff.name),
        outcomes=tuple(outcomes),
        host=road.host,
        container=oneoff.name,
        remove=request.remove,
        overlay=road.overlay,
    )


def run(
    parts: Parts,
    made: Made,
    console: Console | None,
    *,
    detach_keys: str,
    on_host: Callable[[str], None],
) -> Ended:
    """Start a one-off container and talk with it; see `border.Streaming`. `on_host` is told which
    host it is on: what `made` says of it comes from the person's side."""
    container = any_replica(parts, made.target)
    on_host(container.host)
    engine = parts.engines.on(container.host)

    def start() -> None:
        try:
            until_it_passes(lambda: engine.start_container(container.id), made.overlay)
        except EngineError as error:
            with contextlib.suppress(NapError):
                engine.remove_container(container.id, volumes=True, force=True)
            said = f"{container.name} can't be started: {error.message}"
            raise NapError(said, host=container.host, hint=error.hint) from None

    if console is None:
        start()
        return Ended(container.name, container.host, detached=True)

    def on_signal(number: int, before: int) -> bool:
        """The process hears of it; who insists ends it."""
        insists = before and number in INSISTING
        engine.kill_container(
            container.id, signal="SIGKILL" if insists else signal.Signals(number).name
        )
        return True

    try:
        config = engine.inspect_container(container.id)["Config"]
        process = OwnProcess(
            engine,
            container.id,
            container.name,
            tty=bool(config.get("Tty")),
            stdin=bool(config.get("OpenStdin")),
            detach_keys=detach_keys,
        )
    except NotFound:
        raise vanished(container.name, container.host) from None
    try:
        start()
        return process.talk(console, on_signal)
    except NapError:
        raise  # a link that broke says nothing of the container: it may do work that matters
    except BaseException:
        # The person has gone. What was to go with its end goes now.
        if made.remove:
            with contextlib.suppress(NapError):
                engine.kill_container(container.id)
        raise
    finally:
        process.close()


@dataclass
class OneOffRoad(Road):
    """As for any deployment, but that the service's own replicas are taken for one-offs too: one
    more is placed and made beside them, and nothing of it is remembered."""

    oneoff: OneOff = field(default_factory=lambda: OneOff("", ""))
    host: str = ""
    overlay: str = ""

    def _look(self, known: Mapping[str, HostRecord]) -> View:
        view = super()._look(known)
        self._check_name(view)
        hosts = {
            name: replace(host, containers=tuple(map(self._beside, host.containers)))
            for name, host in view.hosts.items()
        }
        return replace(view, hosts=hosts)

    def _check_name(self, view: View) -> None:
        """An engine refuses a name that it has, and an overlay network hangs on one that another
        host has."""
        for container in view.containers():
            if container.name == self.oneoff.name:
                raise NapError(
                    f"the name {self.oneoff.name} is taken by another container",
                    host=container.host,
                    hint="choose another one with --name, or remove that one: nap ps -a",
                )

    def _beside(self, container: ContainerView) -> ContainerView:
        identity = container.identity
        if identity is None or identity.service not in self.request.services:
            return container
        if (identity.owner, identity.app) != (self.who.owner, self.app.name):
            return container
        return replace(container, identity=replace(identity, oneoff=True))

    def _making_way(self, services: tuple[str, ...], view: View) -> frozenset[str]:
        """Orphans at most: the service's replicas stay."""
        del services
        return super()._making_way((), view)

    def _known(self) -> dict[Slot, str]:
        return {}

    def _remember(self, wish: Wish, plan: Plan) -> dict[str, str]:
        del plan
        self.overlay = wish.overlay
        return {}

    def _written_down(self, plan: Plan, wish: Wish) -> Plan:
        """The plan with the container made as a one-off. The model is no revision of the app."""
        del wish
        return replace(plan, steps=tuple(map(self._as_oneoff, plan.steps)))

    def _as_oneoff(self, step: Step) -> Step:
        if step.kind is not Kind.CREATE:
            return step
        self.host = step.host
        args = {**step.args, "oneoff": asdict(self.oneoff)}
        return replace(step, args=args, subject=self.oneoff.name)


def _named(request: RunRequest, who: Who) -> OneOff:
    slug = secrets.token_hex(6)
    project = project_of(who.owner, request.app.name)
    name = oneoff_name(project, request.service, slug)
    if request.name:
        name = f"{who.owner}_{request.name}" if who.owner else request.name
    return OneOff(name, slug, request.remove, request.stdin, request.use_aliases)


def _await_jobs(parts: Parts, request: RunRequest, who: Who, timeout: float) -> None:
    """Wait for what the service needs completed, which `up` alone takes for a service that goes on.

    Raises NapError where one of them fails.
    """
    for entry in request.app.services[request.service].depends_on:
        if entry.condition is Condition.COMPLETED and entry.service in request.app.services:
            container = any_replica(parts, Target(request.app.name, who.owner, entry.service))
            engine = parts.engines.on(container.host)
            code = engine.wait_container(container.id, timeout=timeout)
            if code and entry.required:
                raise NapError(
                    f"{request.service} needs {entry.service}, which ended with {code}",
                    host=container.host,
                    hint=f"nap logs {request.app.name}/{entry.service}",
                    exit_code=Exit.FAILED,
                )
