"""The border's in-process implementation: the commands and what holds the keys in one process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from nap_compose.auth.system import system_user
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.observe import Whose
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.control.border import (
    Cancel,
    Checked,
    Control,
    DownRequest,
    Listing,
    LogLine,
    LogRequest,
    Outcome,
    Refusal,
    Target,
    UpRequest,
    Who,
)
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.orchestration.events import OnEvent


def open_control(cluster: Cluster, env: Mapping[str, str]) -> Control:
    """The control of `cluster` for the person who runs this process."""
    return LocalControl(cluster, system_user(cluster, env))


class LocalControl:
    """See `Control`: every call is carried out here and now."""

    def __init__(self, cluster: Cluster, who: Who) -> None:
        self._parts = Parts(cluster)
        self._who = who
        self._reading: list[Generator[LogLine, None, None]] = []

    def whoami(self) -> Who:
        """Who the caller is taken for."""
        return self._who

    def notices(self) -> tuple[str, ...]:
        """Engines that anybody may command."""
        return self._parts.engines.notices()

    def check(self, app: App) -> Checked:
        """What `up` would refuse."""
        from nap_compose.orchestration.checks import faults

        cluster = self._parts.cluster
        site = Site(cluster.name, len(cluster.hosts))
        found = faults(app, site)
        return Checked(site, tuple(Refusal(f.path, f.message, f.hint) for f in found))

    def up(self, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Bring an app to what its file says."""
        from nap_compose.control.upward import up

        return up(self._parts, self._who, request, on_event, cancel)

    def down(self, request: DownRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Take an app away."""
        from nap_compose.control.downward import down

        return down(self._parts, self._who, request, on_event, cancel)

    def ps(self, target: Target, *, stopped: bool = False) -> Listing:
        """Containers as rows."""
        from nap_compose.control.reading import list_containers

        return list_containers(self._parts, self._owned(target), stopped=stopped)

    def apps(self) -> Listing:
        """Apps as rows."""
        from nap_compose.control.reading import list_apps

        return list_apps(self._parts)

    def hosts(self) -> Listing:
        """Hosts as rows."""
        from nap_compose.control.reading import list_hosts

        return list_hosts(self._parts)

    def logs(self, request: LogRequest, warn: Callable[[str], None]) -> Iterator[LogLine]:
        """The lines of an app's containers and deployments, by time."""
        from nap_compose.control.reading import CONTAINERS, warnings_of
        from nap_compose.logs.deployment_lines import DeploymentLines
        from nap_compose.logs.read import read_logs

        target = self._owned(request.target)
        whose = Whose(owner=target.owner, app=target.app)
        view = self._parts.look(only=CONTAINERS, whose=whose)
        for warning in warnings_of(view):
            warn(warning)
        containers = view.of_app(target.owner, target.app)
        deployments = DeploymentLines(
            self._parts.cluster.logs.dir,
            target.owner,
            target.app,
            since=request.since,
            until=request.until,
        )
        if not containers and not deployments.any():
            raise NapError(
                f"there is no app {target.app}, nor are there logs of one",
                hint="nap ls lists the apps that run",
            )

        def refresh() -> Sequence[ContainerView]:
            now = self._parts.look(only=CONTAINERS, whose=whose)
            return now.of_app(target.owner, target.app)

        lines = read_logs(
            self._parts.engines,
            containers,
            request,
            deployments=deployments,
            warn=warn,
            refresh=refresh,
        )
        self._reading.append(lines)
        return lines

    def close(self) -> None:
        """Close every connection, once nobody reads on it any more."""
        for lines in self._reading:
            lines.close()
        self._parts.close()

    def _owned(self, target: Target) -> Target:
        """The target with the caller as the owner of an app that was named without one."""
        if target.app and not target.owner:
            return Target(target.app, self._who.owner, target.service, target.replica)
        return target
