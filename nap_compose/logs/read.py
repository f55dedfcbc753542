"""`nap logs`: what an app's containers and deployments have to say, in one stream by time."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence

from nap_compose.cluster.engine import Engines
from nap_compose.cluster.view import ContainerView
from nap_compose.control.border import LogLine, LogRequest
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.fetch import HostsAway, Warn, fetch
from nap_compose.logs.follow import Follow, Refresh
from nap_compose.logs.merge import Stamped, in_order, last


def read_logs(
    engines: Engines,
    containers: Sequence[ContainerView],
    request: LogRequest,
    *,
    deployments: DeploymentLines | None = None,
    warn: Warn,
    refresh: Refresh | None = None,
) -> Generator[LogLine, None, None]:
    """The lines that `request` asks for, by time over all hosts.

    `containers` are those of the app; `deployments` its deployments' lines, limited to the
    request's times. With `follow` the lines that are still to come follow those there are, from
    new containers too when `refresh` looks for them. `warn` gets one sentence for each host or
    container that can't be read; it may be called from another thread. Close the iterator to end
    the reading early.
    """
    began = int(time.time())

    def log_of(container: ContainerView, *, new: bool) -> ContainerLog:
        # What is made while we look on is news from its first line, whatever `tail` says.
        tail = None if new and container.created >= began else request.tail
        return ContainerLog(container, since=request.since, until=request.until, tail=tail)

    def wanted_now() -> Sequence[ContainerView]:
        return _wanted(refresh() if refresh else (), request)

    deployments = deployments if request.deploy else None
    logs = [log_of(container, new=False) for container in _wanted(containers, request)]
    away = HostsAway(warn)
    fetches = fetch(logs, engines, away, warn, tail=request.tail)
    try:
        yield from in_order([_past(deployments, request.tail), *fetches])
    finally:
        for each in fetches:
            each.stop()
    if request.follow:
        yield from Follow(
            engines,
            [each.log for each in fetches],
            deployments=deployments,
            refresh=wanted_now if refresh else None,
            log_of=lambda container: log_of(container, new=True),
            away=away,
            warn=warn,
        ).lines()


def _past(deployments: DeploymentLines | None, tail: int | None) -> Iterator[Stamped]:
    lines = deployments.news() if deployments else []
    return iter(lines) if tail is None else last(tail, lines)


def _wanted(containers: Sequence[ContainerView], request: LogRequest) -> list[ContainerView]:
    return [container for container in containers if _is_wanted(container, request)]


def _is_wanted(container: ContainerView, request: LogRequest) -> bool:
    target, identity = request.target, container.identity
    if not request.containers:
        return False
    if identity is None:
        return not (request.services or target.service)
    services = (*request.services, *filter(None, [target.service]))
    return (not services or identity.service in services) and (
        not target.replica or identity.replica == target.replica
    )
