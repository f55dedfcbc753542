"""The road of `nap host drain`: the host is set drained, then each app that has something there is
deployed again as it is, so that its replicas go elsewhere by the same way as in any update."""

from __future__ import annotations

from collections.abc import Iterable

from nap_compose.border import (
    Cancel,
    Drained,
    DrainRequest,
    HostChange,
    Outcome,
    UpRequest,
    Who,
)
from nap_compose.cluster import pins
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.view import ContainerView, HostState
from nap_compose.control import history, upward
from nap_compose.control.hosts import change_host, check_shared
from nap_compose.control.owners import in_the_name_of
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.orchestration.events import OnEvent
from nap_compose.text import app_called

RUNNING = ("running", "restarting", "paused")


def drain(
    parts: Parts, who: Who, request: DrainRequest, on_event: OnEvent, cancel: Cancel
) -> Drained:
    """Move what can be moved off the host; see `Hosts.drain`.

    A dry run changes nothing, not even the host's state: it plans as if the host were drained.
    """
    check_shared(parts, request.name)
    if not request.dry_run:
        change_host(parts, HostChange(request.name, HostState.DRAINED.value))
    outcomes = []
    failed: dict[str, str] = {}
    for owner, app in _apps_on(parts, request.name):
        if cancel.level:
            break
        try:
            outcomes.append(_deployed_again(parts, who, owner, app, request, on_event, cancel))
        except NapError as error:
            failed[app_called(owner, app)] = str(error)
    there = [] if request.dry_run else _containers_on(parts, request.name)
    return Drained(
        host=request.name,
        outcomes=tuple(outcomes),
        failed=failed,
        stays=tuple(_named(each) for each in there if each.identity and each.state in RUNNING),
        foreign=sum(each.identity is None and each.state in RUNNING for each in there),
    )


def _deployed_again(
    parts: Parts,
    who: Who,
    owner: str,
    app: str,
    request: DrainRequest,
    on_event: OnEvent,
    cancel: Cancel,
) -> Outcome:
    number, model = history.running_model(parts, owner, app)
    if model is None:
        raise NapError(
            f"no revision of {app} is kept, so nap can't make its replicas elsewhere",
            hint="its owner brings it up again: nap up",
        )
    wanted = UpRequest(
        app=model,
        pins=pins.read(parts.store, owner, app, number),
        pull="missing",
        timeout=request.timeout,
        grace=request.grace,
        dry_run=request.dry_run,
        without=(request.name,),
    )
    with in_the_name_of(parts, who, owner, app) as owned:
        return upward.up(parts, owned, wanted, on_event, cancel, verb="drain")


def _apps_on(parts: Parts, host: str) -> list[tuple[str, str]]:
    found: Iterable[tuple[str, str]] = (
        (each.identity.owner, each.identity.app)
        for each in _containers_on(parts, host)
        if each.identity is not None and not each.identity.oneoff
    )
    return sorted(set(found))


def _containers_on(parts: Parts, host: str) -> list[ContainerView]:
    """All that is on the host; raises NapError where it can't be seen."""
    only = frozenset({Part.CONTAINERS})
    view = parts.look(only=only, whose=Whose(foreign=True), hosts={host})
    for unseen in view.unseen:
        raise NapError(
            f"it can't be seen, so nothing is moved: {unseen.text}",
            host=host,
            hint="where it is gone for good its replicas are made elsewhere by failover",
        )
    return list(view.hosts[host].containers)


def _named(container: ContainerView) -> str:
    identity = container.identity
    if identity is None:
        return container.name
    app = app_called(identity.owner, identity.app)
    return f"{app}/{identity.slot}"
