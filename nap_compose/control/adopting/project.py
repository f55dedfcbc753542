"""A Compose project that runs on a host beside nap: what it has, and what of it an app takes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nap_compose.cluster.adopted import Former
from nap_compose.cluster.engine import Engine, Json
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.view import ContainerView, HostView
from nap_compose.compose.model import App
from nap_compose.errors import NapError, WrongUse
from nap_compose.orchestration.placement.volumes import is_anonymous, mounted
from nap_compose.plaindata import dataclass

RUNS = ("running", "restarting", "paused")


@dataclass(frozen=True)
class Standing:
    """A container of the project, as listed and as inspected."""

    view: ContainerView
    inspected: Json

    @property
    def service(self) -> str:
        """The service that it is of."""
        return self.view.labels.get(COMPOSE + "service", "")

    @property
    def former(self) -> Former:
        """What must be known to bring it back."""
        policy = (self.inspected.get("HostConfig") or {}).get("RestartPolicy") or {}
        ran = self.view.state in RUNS
        return Former(self.view.id, self.view.name, ran, dict(policy))

    def mounts(self, kind: str) -> Iterator[Json]:
        """What it mounts of that kind."""
        return (each for each in self.inspected.get("Mounts") or () if each.get("Type") == kind)


@dataclass(frozen=True)
class Project:
    """A Compose project on a host."""

    name: str
    host: HostView
    containers: tuple[Standing, ...]

    def volumes_of(self, app: App) -> dict[str, str]:
        """Which volumes of the app are there already: key → name on the host."""
        found = {}
        for key in _used(app):
            name = self._volume(key, app.volumes[key])
            if name:
                found[key] = name
        return found

    def _volume(self, key: str, spec: Mapping[str, object]) -> str:
        for volume in self.host.volumes:
            told = volume.labels
            if volume.identity is None and told.get(COMPOSE + "project") == self.name and (
                told.get(COMPOSE + "volume") == key
            ):  # fmt: skip
                return volume.name
        usual = key if spec.get("external") else f"{self.name}_{key}"
        name = str(spec.get("name") or usual)
        there = [each for each in self.host.volumes if each.name == name]
        return name if any(each.identity is None for each in there) else ""

    def others_at(self, volumes: Iterable[str]) -> Iterator[tuple[ContainerView, str]]:
        """What else runs on the host and uses one of these volumes."""
        mine = {each.view.id for each in self.containers}
        for container in self.host.containers:
            for name in volumes:
                if container.id not in mine and container.state in RUNS and (
                    name in container.volumes
                ):  # fmt: skip
                    yield container, name

    def anonymous(self, app: App) -> Iterator[tuple[Standing, str]]:
        """Anonymous volumes with data that the app wouldn't find: the container, and the path in
        it. Where a service by now mounts something else there, that is meant."""
        for standing in self.containers:
            service = app.services.get(standing.service)
            targets = {mount.target for mount in service.mounts if mount.source} if service else ()
            for mount in standing.mounts("volume"):
                where = str(mount.get("Destination"))
                if is_anonymous(str(mount.get("Name"))) and where not in targets:
                    yield standing, where

    def folders_left(self, app: App) -> Iterator[str]:
        """Sentences about folders of the host that it writes to: they don't move."""
        for standing in self.containers:
            service = app.services.get(standing.service)
            for mount in standing.mounts("bind"):
                source, where = str(mount.get("Source")), str(mount.get("Destination"))
                if not mount.get("RW") or service is None:
                    continue
                same = any(
                    each.type == "bind" and (each.source, each.target) == (source, where)
                    for each in service.mounts
                )
                if same:
                    yield (
                        f"{standing.service} writes to {source} of {self.host.name}, which isn't "
                        "on every host: bind the service to that one with a constraint "
                        f"(node.hostname == {self.host.name})"
                    )
                else:
                    yield (
                        f"{standing.service} writes to {source} of {self.host.name} (as {where}), "
                        "and what is in there stays behind; bring it over with nap cp"
                    )


def find(host: HostView, name: str, engine: Engine) -> Project:
    """The project of that name on a host. Raises WrongUse where it has none."""
    mine = [each for each in host.containers if _is_of(each, name)]
    if not mine:
        there = {each.labels.get(COMPOSE + "project", "") for each in _foreign(host)} - {""}
        runs = f"it runs {', '.join(sorted(there))}" if there else "it runs none"
        raise WrongUse(
            f"{host.name} has no Compose project {name}",
            hint=f"{runs}; --project says which one it is",
        )
    standing = tuple(Standing(each, engine.inspect_container(each.id)) for each in mine)
    return Project(name, host, standing)


def check(project: Project, app: App, volumes: Mapping[str, str], *, leave_anonymous: bool) -> None:
    """Raise NapError where data would be left behind, or somebody else writes to it too."""
    for container, volume in project.others_at(volumes.values()):
        raise NapError(
            f"{container.name}, which isn't of {project.name}, uses the volume {volume}",
            host=project.host.name,
            hint="stop it first, or move it in with the app that it is of",
        )
    if leave_anonymous:
        return
    for standing, where in project.anonymous(app):
        raise NapError(
            f"{standing.view.name} keeps what it writes to {where} in an anonymous volume, which "
            "the app in the cluster wouldn't have",
            host=project.host.name,
            hint="give it a named volume there in the file and let Compose bring it up with the "
            "data first; where nothing in it is worth keeping: --leave-anonymous",
        )


def _used(app: App) -> list[str]:
    return list(
        dict.fromkeys(key for service in app.services.values() for key in mounted(app, service))
    )


def _foreign(host: HostView) -> Iterator[ContainerView]:
    return (each for each in host.containers if each.identity is None and each.kept is None)


def _is_of(container: ContainerView, project: str) -> bool:
    """Whether it is a container of a service of that project, which nap didn't make."""
    told = container.labels
    return (
        container.identity is None
        and container.kept is None
        and told.get(COMPOSE + "project") == project
        and bool(told.get(COMPOSE + "config-hash"))
        and told.get(COMPOSE + "oneoff", "").lower() != "true"
    )
