"""Taking over an app that `docker compose up` started: what of it may stay as it is.

The config hashes of nap and Compose can't be equal. So the body that nap would send is compared
with what is there, once for each container; what was found alike is remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field

from nap_compose.cluster import taken_over
from nap_compose.cluster.engine import Engine, Json, NotFound
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App, Service
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.container import container_body
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.networking import endpoints
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.likeness.container import Standing, Wanted, differences
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.wanted import Slot, namespace_of
from nap_compose.plaindata import dataclass


def compare(
    parts: Parts,
    app: App,
    services: Iterable[str],
    view: View,
    *,
    project: str,
    hashes: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Container id → what of it differs from what nap would make, for those of the chosen services
    that nap didn't make. On a cluster there are none: what isn't nap's there is foreign."""
    if not parts.cluster.embedded:
        return {}
    chosen = set(services)
    foreign = [
        container
        for container in view.of_app("", app.name)
        if container.identity is not None
        and not container.identity.by_nap
        and not container.identity.oneoff
        and container.identity.service in chosen
    ]
    if not foreign:
        return {}
    known = taken_over.read(parts.store, "", app.name)
    return _Comparison(parts, app, view, project).of_all(foreign, known, hashes)


def remember(parts: Parts, app: App, wish: Wish) -> None:
    """Keep what was found alike; what is gone is forgotten."""
    services = {
        container.id: container.identity.service
        for container in (wish.view.of_app("", app.name) if parts.cluster.embedded else ())
        if container.identity is not None and not container.identity.by_nap
    }
    compared = {id_: found for id_, found in wish.compared.items() if id_ in services}
    if not compared:
        return
    before = taken_over.read(parts.store, "", app.name)
    kept = {id_: hash_ for id_, hash_ in before.items() if id_ in services and id_ not in compared}
    alike = {id_: wish.hashes[services[id_]] for id_, found in compared.items() if not found}
    now = {**kept, **alike}
    if now != before:
        taken_over.write(parts.store, "", app.name, now)


def refuse_composes_own(
    parts: Parts, app: App, project: str, view: View, *, but: Collection[str]
) -> None:
    """Raise NapError where a host of a cluster runs a Compose project of that name with volumes:
    it is likely the same app, and here it would begin anew without its data. `but` are the ids of
    containers that the app left behind when it was moved in."""
    if parts.cluster.embedded or _has_begun(view, project):
        return
    for container in view.containers():
        named = container.labels.get(COMPOSE + "project")
        ours = container.identity or container.kept
        theirs = ours is None and named in (app.name, project) and container.id not in but
        if theirs and container.volumes:
            raise NapError(
                f"{container.name} on {container.host} is of a Compose project {named} with "
                f"volumes ({', '.join(container.volumes)}), which nap didn't start",
                host=container.host,
                hint=f"if it is this app, an admin moves it in with its data: nap adopt --host "
                f"{container.host}; --fresh begins it anew beside that one, without its data",
            )


def _has_begun(view: View, project: str) -> bool:
    """Whether the app stands in the cluster already, with data of its own if it has any."""
    whose = [each.identity for each in view.containers()]
    whose += [each.identity for host in view.hosts.values() for each in host.volumes]
    return any(identity is not None and identity.project == project for identity in whose)


@dataclass
class _Comparison:
    """One look at an app's containers, each image and the engine's info asked for once."""

    parts: Parts
    app: App
    view: View
    project: str
    _images: dict[str, Json] = field(default_factory=dict)

    def of_all(
        self,
        containers: Iterable[ContainerView],
        known: Mapping[str, str],
        hashes: Mapping[str, str],
    ) -> dict[str, tuple[str, ...]]:
        """What differs, by container; those that are known to be alike aren't asked about."""
        found: dict[str, tuple[str, ...]] = {}
        info: Json | None = None
        for container in containers:
            service = container.identity.service if container.identity else ""
            if known.get(container.id) == hashes[service]:
                found[container.id] = ()
                continue
            engine = self.parts.engines.on(container.host)
            info = info or engine.info()
            found[container.id] = self._of(engine, container, self.app.services[service], info)
        return found

    def _of(
        self, engine: Engine, container: ContainerView, service: Service, info: Json
    ) -> tuple[str, ...]:
        parents = self._parents(service, container.host)
        if parents is None:
            return ("namespace",)
        slot = Slot(service.name, container.identity.replica if container.identity else 1)
        making = Making(
            app=self.app,
            service=service,
            slot=slot,
            project=self.project,
            name=slot_name(service, "", self.project, slot),
            labels={},
            publish_ip=self.parts.cluster.hosts[container.host].publish_ip,
            containers=parents,
        )
        try:
            there = engine.inspect_container(container.id)
        except NotFound:
            return ("container",)
        return differences(
            Wanted(container_body(making), endpoints(making)),
            Standing(there, self._image(engine, str(there["Image"])), info, self._networks()),
        )

    def _parents(self, service: Service, host: str) -> dict[str, str] | None:
        """The containers whose namespaces or volumes it uses; None where one isn't there."""
        found = {}
        for name in namespace_of(service):
            there = [
                container.id
                for container in self.view.of_app("", self.app.name)
                if container.identity is not None
                and (container.identity.service, container.host) == (name, host)
                and not container.identity.oneoff
            ]
            if not there:
                return None
            found[name] = there[0]
        return found

    def _image(self, engine: Engine, image: str) -> Json:
        """The `Config` of an image, empty where it was removed since."""
        if image not in self._images:
            try:
                self._images[image] = engine.inspect_image(image).get("Config") or {}
            except NotFound:
                self._images[image] = {}
        return self._images[image]

    def _networks(self) -> list[str]:
        """The names of the networks that are the app's own."""
        return [
            network.name
            for host in self.view.hosts.values()
            for network in host.networks
            if network.identity is not None and network.identity.app == self.app.name
        ]
