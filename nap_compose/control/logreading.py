"""What `nap logs` reads: an app's containers on all hosts, and its deployments."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from nap_compose.cluster.observe import Part, Whose
from nap_compose.control.reading import CONTAINERS, warnings_of
from nap_compose.control.replicas import named
from nap_compose.errors import Away, NapError, NoSuchApp, WrongUse
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.folders import app_folder
from nap_compose.logs.kept.files import SERVICES
from nap_compose.logs.kept.series import Series, series_of, series_of_one
from nap_compose.logs.read import read_logs

if TYPE_CHECKING:
    from nap_compose.border import Lines, LogRequest, Target
    from nap_compose.cluster.view import ContainerView, View
    from nap_compose.control.parts import Parts

CLOCKS_AGREE = 0.5
"""Seconds by which clocks may differ: an engine that is slow to answer looks no different."""


def app_lines(
    parts: Parts, request: LogRequest, warn: Callable[[str], None]
) -> Generator[Lines, None, None]:
    """The lines of the app that `request.target` names, by time; see `border.Reading.logs`.

    Raises NapError where there is no such app, replica, host or deployment; of what may come yet,
    and isn't there, `warn` is told.
    """
    target = request.target
    _known_hosts(parts, request.hosts)
    whose = Whose(owner=target.owner, app=target.app)
    # On one host there is one clock.
    info = frozenset() if parts.cluster.embedded else frozenset({Part.INFO})
    view = parts.look(only=CONTAINERS | info, whose=whose)
    for warning in warnings_of(view):
        warn(warning)
    containers = view.of_app(target.owner, target.app)
    deployments = DeploymentLines(
        parts.cluster.logs.dir,
        target.owner,
        target.app,
        deployment=request.deployment,
        since=request.since,
        until=request.until,
    )
    kept = kept_of(parts, target, warn)
    _something_to_read(request, view, deployments, kept)
    _all_of_it_there(request, view, kept, warn)

    def refresh() -> Sequence[ContainerView]:
        return parts.look(only=CONTAINERS, whose=whose).of_app(target.owner, target.app)

    def kept_now(container: ContainerView) -> Series | None:
        return series_of_one(parts.cluster.logs.dir, target.owner, target.app, container.id)

    return read_logs(
        parts.engines,
        containers,
        request,
        deployments=deployments,
        kept=kept,
        kept_of=kept_now,
        warn=warn,
        refresh=refresh,
        skews=clocks_apart(view, warn),
    )


def kept_of(parts: Parts, target: Target, warn: Callable[[str], None]) -> list[Series]:
    """What is kept of an app's lines; where that can't be read, a warning and nothing."""
    try:
        return series_of(parts.cluster.logs.dir, target.owner, target.app)
    except OSError as error:
        warn(f"what was collected can't be read: {error.filename}: {error.strerror}")
        return []


def kept_services(parts: Parts, target: Target) -> tuple[str, ...]:
    """The app's services of which lines are kept."""
    folder = app_folder(parts.cluster.logs.dir, target.owner, target.app) / SERVICES
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except OSError:
        return ()


def _known_hosts(parts: Parts, hosts: Sequence[str]) -> None:
    for host in hosts:
        if host not in parts.engines.names:
            raise NapError(
                f"there is no host {host}", hint=f"there are {', '.join(parts.engines.names)}"
            )


def _something_to_read(
    request: LogRequest,
    view: View,
    deployments: DeploymentLines,
    kept: Sequence[Series],
) -> None:
    owner, app = request.target.owner, request.target.app
    if request.deployment and not deployments.any():
        raise NapError(
            f"no deployment of {app} whose id begins with {request.deployment} has a log here",
            hint=f"nap history {app} lists them",
        )
    if view.of_app(owner, app) or kept or deployments.any() or (view.unseen and request.follow):
        return
    if view.unseen:
        raise Away(
            f"no container of {app} is on a host that was seen, and no line of one is kept",
            hint="nap host ls shows each host with its reason",
        )
    raise NoSuchApp(f"there is no app {app}, nor are there logs of one")


def _all_of_it_there(
    request: LogRequest, view: View, kept: Sequence[Series], warn: Callable[[str], None]
) -> None:
    """Raise WrongUse for a replica that isn't there and of which nothing is kept; where all the
    containers are away that were asked for, as before an `up` or after a `down`, tell so. What
    wasn't seen may be there."""
    target = request.target
    if not request.containers or view.unseen:
        return
    identities = [each.identity for each in view.of_app(target.owner, target.app) if each.identity]
    there = {
        *((each.service, each.replica) for each in identities if not each.oneoff),
        *((each.whose.service, each.whose.replica) for each in kept if not each.whose.oneoff),
    }
    if target.replica and (target.service, target.replica) not in there:
        numbers = sorted(number for service, number in there if service == target.service)
        sentence = f"there is no replica {named(target)}, and no line of one is kept"
        if not request.follow:
            listed = ", ".join(map(str, numbers)) or "no replica"
            raise WrongUse(sentence, hint=f"{target.service} has {listed}")
        warn(f"{sentence}: its lines are shown once it is there")
        return
    having = {each.service for each in identities} | {each.whose.service for each in kept}
    services = {*request.services, *filter(None, [target.service])}
    for service in sorted(services - having):
        warn(f"{target.app}/{service} has no container, and no line of one is kept")
    if not services and not having:
        warn(f"{target.app} has no containers, and no line of one is kept")


def clocks_apart(view: View, warn: Callable[[str], None]) -> Mapping[str, float]:
    """By how many seconds the clocks of hosts are ahead of this machine's, where it matters."""
    apart = {name: host.skew for name, host in view.hosts.items() if abs(host.skew) > CLOCKS_AGREE}
    for name, skew in apart.items():
        warn(
            f"the clock of host {name} is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}: "
            "its lines are put in order by this machine's"
        )
    return apart
