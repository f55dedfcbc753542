"""What `nap logs` reads: an app's containers on all hosts, and its deployments."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from nap_compose.cluster.observe import Part, Whose
from nap_compose.control.reading import CONTAINERS, warnings_of
from nap_compose.errors import NapError
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.folders import app_folder
from nap_compose.logs.kept.files import SERVICES
from nap_compose.logs.kept.series import Series, series_of, series_of_one
from nap_compose.logs.read import read_logs

if TYPE_CHECKING:
    from nap_compose.cluster.view import ContainerView, View
    from nap_compose.control.border import LogLine, LogRequest, Target
    from nap_compose.control.parts import Parts

CLOCKS_AGREE = 0.5
"""Seconds by which clocks may differ: an engine that is slow to answer looks no different."""


def app_lines(
    parts: Parts, request: LogRequest, warn: Callable[[str], None]
) -> Generator[LogLine, None, None]:
    """The lines of the app that `request.target` names, by time; see `border.Reading.logs`.

    Raises NapError where there is no such app, host or deployment.
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
    _something_to_read(request, containers, deployments, kept)

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
    containers: Sequence[ContainerView],
    deployments: DeploymentLines,
    kept: Sequence[Series],
) -> None:
    app = request.target.app
    if request.deployment and not deployments.any():
        raise NapError(
            f"no deployment of {app} whose id begins with {request.deployment} has a log here",
            hint=f"nap history {app} lists them",
        )
    if not containers and not kept and not deployments.any():
        raise NapError(
            f"there is no app {app}, nor are there logs of one", hint="nap ls lists the apps"
        )


def clocks_apart(view: View, warn: Callable[[str], None]) -> Mapping[str, float]:
    """By how many seconds the clocks of hosts are ahead of this machine's, where it matters."""
    apart = {name: host.skew for name, host in view.hosts.items() if abs(host.skew) > CLOCKS_AGREE}
    for name, skew in apart.items():
        warn(
            f"the clock of host {name} is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}: "
            "its lines are put in order by this machine's"
        )
    return apart
