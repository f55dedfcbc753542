"""`nap logs`: what an app's containers and deployments have to say, in one stream by time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from nap_compose.border import Lines, LogRequest
from nap_compose.cluster.engine import Engines
from nap_compose.cluster.view import ContainerView
from nap_compose.logs.block import Batch, Stamped, one_by_one, together
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.fetch import HostsAway, Warn, fetch
from nap_compose.logs.follow import Follow, Refresh
from nap_compose.logs.kept.overlap import Overlap
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept_lines import KeptLines
from nap_compose.logs.merge import in_order, last

KeptOf = Callable[[ContainerView], Series | None]


def read_logs(
    engines: Engines,
    containers: Sequence[ContainerView],
    request: LogRequest,
    *,
    deployments: DeploymentLines | None = None,
    kept: Sequence[Series] = (),
    kept_of: KeptOf | None = None,
    warn: Warn,
    refresh: Refresh | None = None,
    skews: Mapping[str, float] | None = None,
) -> Generator[Lines, None, None]:
    """The lines that `request` asks for, by time over all hosts.

    `containers` are those of the app; `deployments` its deployments' lines, limited to the
    request's times; `kept` what was collected of it, also of containers that are gone, and
    `kept_of` looks anew at what is of one, for a container may go while it is followed. `skews`
    says by how many seconds the clocks of some hosts are ahead, which the order then takes into
    account. With `follow` the lines that are still to come follow those there are, from new
    containers too when `refresh` looks for them. `warn` gets one sentence for each host or
    container that can't be read; it may be called from another thread. Close the iterator to end
    the reading early.
    """
    began = int(time.time())
    skews = skews or {}
    wanted = [
        KeptLines(each, request, skews.get(each.whose.host, 0.0))
        for each in kept
        if of_series(each, request)
    ]
    collected = {each.series.whose.container: each for each in wanted}

    def log_of(container: ContainerView, *, new: bool) -> ContainerLog:
        # The end of a log comes from its engine, as far as that has it.
        after = collected.get(container.id) if new or request.tail is None else None
        # What is made while we look on is news from its first line, whatever `tail` says.
        whole = after is not None or (new and container.created >= began)
        return ContainerLog(
            container,
            since=request.since,
            until=request.until,
            tail=None if whole else request.tail,
            stream=request.stream,
            skew=skews.get(container.host, 0.0),
            after=after.series if after else None,
        )

    def rest(log: ContainerLog) -> Iterator[Stamped] | None:
        series = kept_of(log.container) if kept_of else None
        if series is None:
            return None
        lines = KeptLines(
            series, replace(request, since=log.since()), skews.get(log.container.host, 0.0)
        )
        return log.beyond(lines.shown(series.of_latest_epoch(lines.since)))

    def wanted_now() -> Sequence[ContainerView]:
        return _wanted(refresh() if refresh else (), request)

    deployments = deployments if request.deploy else None
    logs = [log_of(container, new=False) for container in _wanted(containers, request)]
    away = HostsAway(warn)
    fetches = fetch(logs, engines, away, warn, tail=request.tail)
    live = {each.log.container.id: each for each in fetches}
    sources = [
        _from_the_end_of(each, live.pop(each.series.whose.container, ()), request.tail)
        for each in wanted
    ]
    try:
        yield from in_order([_past(deployments, request.tail), *sources, *live.values()])
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
            rest=rest,
        ).lines()


def _past(deployments: DeploymentLines | None, tail: int | None) -> Iterator[Batch]:
    lines = deployments.news() if deployments else []
    yield lines if tail is None else list(last(tail, lines))


def _from_the_end_of(kept: KeptLines, live: Iterable[Batch], tail: int | None) -> Iterator[Batch]:
    """What is kept of a container and what its engine has beyond that, as one."""
    if tail is None:
        yield from together(kept)
        yield from live
    else:
        ends = list(one_by_one(live))
        if len(ends) < tail:
            before = list(kept.last(tail))
            overlap = Overlap(before)
            ends = [*before, *(line for line in ends if not overlap.is_old(line))]
        yield list(last(tail, ends))


def _wanted(containers: Sequence[ContainerView], request: LogRequest) -> list[ContainerView]:
    return [container for container in containers if _is_wanted(container, request)]


def _is_wanted(container: ContainerView, request: LogRequest) -> bool:
    identity = container.identity
    service, replica = (identity.service, identity.replica) if identity else ("", 0)
    return _asked_for(request, container.host, service, replica)


def of_series(series: Series, request: LogRequest) -> bool:
    """Whether a request is about that container."""
    return _asked_for(request, series.whose.host, series.whose.service, series.whose.replica)


def _asked_for(request: LogRequest, host: str, service: str, replica: int) -> bool:
    if not request.containers or (request.hosts and host not in request.hosts):
        return False
    target = request.target
    services = (*request.services, *filter(None, [target.service]))
    if not service:
        return not services
    return (not services or service in services) and target.replica in (0, replica)
