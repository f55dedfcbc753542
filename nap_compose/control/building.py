"""The road of `build`: a host is chosen, and BuildKit or its engine's classic builder builds there.

All images of one build are made on one host, so that one can be made from another, and so that
their layers are there the next time.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import field
from functools import cached_property

from nap_compose import __version__
from nap_compose.border import BuildRequest, Built, BuiltImage, Cancel, UpRequest, Who
from nap_compose.cluster import private_images
from nap_compose.cluster.buildx import Buildx, find_buildx
from nap_compose.cluster.images import familiar
from nap_compose.cluster.names import project_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.private_images import PrivateImages
from nap_compose.cluster.view import HostState, View
from nap_compose.compose import bake
from nap_compose.compose.model import Service
from nap_compose.control import pinning
from nap_compose.control.crew import Crew, id_of
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.policing import (
    build_time,
    check_image_name,
    check_policy,
    may_lend_folders,
)
from nap_compose.control.pushing import push_names
from nap_compose.control.reading import set_by_command
from nap_compose.control.registries.pulling import OwnersLogins, registry_logins
from nap_compose.errors import BadFiles, NapError, WrongUse
from nap_compose.orchestration.bodies.building import not_classic
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Event, OnEvent, Phase
from nap_compose.orchestration.masking import masker
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.plaindata import dataclass


def build(
    parts: Parts, who: Who, request: BuildRequest, on_event: OnEvent, cancel: Cancel
) -> Built:
    """Build the images; see `border.Imaging.build`."""
    app, named = request.app, request.services
    for name in named:
        if name not in app.services:
            known = ", ".join(app.services) or "none"
            raise WrongUse(f"no such service: {name}", hint=f"the app has: {known}")
    chosen = bake.grouped(app, named, dependencies=request.dependencies)
    check_policy(parts, who, app)
    if not chosen:
        return Built(notes=("no service that was named has a `build:`",))
    return Job(parts, who, request, on_event, cancel).build(chosen)


def build_for(
    parts: Parts,
    who: Who,
    request: UpRequest,
    services: tuple[str, ...],
    view: View,
    deployment: str,
    on_event: OnEvent,
    cancel: Cancel,
) -> dict[str, str]:
    """Build the images of services that are about to be brought up; their ids by reference."""
    asked = BuildRequest(app=request.app, contexts=request.contexts)
    heard = _silent if request.quiet_build else on_event
    job = Job(parts, who, asked, heard, cancel, view, deployment)
    built = job.build(bake.grouped(request.app, services, dependencies=False))
    return {image.names[0]: image.id for image in built.images}


def _silent(_: Event) -> None:
    """Nobody wants to hear it."""


@dataclass
class Job:
    """One build: what is asked for, and who hears of it."""

    parts: Parts
    who: Who
    request: BuildRequest
    on_event: OnEvent
    cancel: Cancel
    view: View | None = None
    deployment: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def project(self) -> str:
        """What the engines call the app."""
        return project_of(self.who.owner, self.request.app.name)

    def build(self, services: tuple[str, ...]) -> Built:
        """Build these services' images, needs first."""
        view = self.view or self._look()
        host = self._host(view, services)
        for name in services:
            for called in self.image(name, "").names:
                check_image_name(self.parts, self.who, called, self.request.app.name)
        lends = may_lend_folders(self.parts, self.who)
        program = find_buildx(os.environ) if lends else None
        if self.request.dry_run:
            builder = "buildx" if program else "classic"
            return Built(tuple(self.image(name, host) for name in services), builder)
        if program:
            buildx = Buildx(program, self.parts.cluster.hosts[host], os.environ)
            built = self._with_buildx(buildx, host, services)
        else:
            self._refuse_what_only_buildkit_does(services)
            built = self._classic(host, services)
        for image in built.images if not self.parts.cluster.embedded else ():
            for name in image.names if image.id else ():
                pinning.rename_others(self.parts, view, name, image.id, image.host)
        return built

    def _look(self) -> View:
        states, _ = set_by_command(self.parts)
        return seen_at_all(self.parts.look(only=frozenset({Part.IMAGES}), states=states))

    def _host(self, view: View, services: tuple[str, ...]) -> str:
        """The host to build on: one without private images, where most of these were built before,
        so that their layers are there; else the first in the cluster file that may be used."""
        names = [familiar(image_reference(self.service(name), self.project)) for name in services]
        wanted = {arch for name in services if (arch := _architecture(self.service(name)))}
        known = list(self.parts.cluster.hosts)
        private = self._private()
        fitting = [
            host
            for host in view.hosts.values()
            if host.state is HostState.ACTIVE and (not wanted or wanted == {host.arch})
        ] or [host for host in view.hosts.values() if host.state is HostState.ACTIVE]
        if not fitting:
            raise NapError(
                "no host may be built on: all are cordoned or drained",
                hint="nap host ls shows them; nap host activate HOST takes one back",
            )
        best = max(
            fitting,
            key=lambda host: (
                not any(private.of(each.id, (*each.tags, *each.digests)) for each in host.images),
                sum(1 for name in names if host.has_image(name)),
                -known.index(host.name),
            ),
        )
        return best.name

    @cached_property
    def logins(self) -> OwnersLogins | None:
        """What pulls and pushes log in with."""
        return registry_logins(self.parts, self.who.owner, self.request.app.name)

    def _private(self) -> PrivateImages:
        """Images that came with somebody's login. Beside them a user's build has to pull what it
        begins from, even what is in no registry."""
        if self.parts.cluster.embedded or self.who.role == "admin":
            return PrivateImages({})
        return private_images.read_all(self.parts.store)

    def service(self, name: str) -> Service:
        """A service of the app."""
        return self.request.app.services[name]

    def image(self, name: str, host: str, id_: str = "") -> BuiltImage:
        """A service's image under all its names."""
        service = self.service(name)
        own = image_reference(service, self.project)
        more = service.spec["build"].get("tags") or ()
        return BuiltImage(name, tuple(dict.fromkeys([own, *more])), host, id_)

    def labels(self, name: str) -> dict[str, str]:
        """What a service's image says of whose it is."""
        return bake.image_labels(self.project, name, __version__)

    def stopped(self) -> bool:
        """Whether the person wants an end."""
        return self.cancel.level > 0

    def step(self, what: str, host: str) -> Step:
        """What events of an image's build are about."""
        return Step(f"build:{what}", Kind.BRING_IMAGE, host, what, f"image {what}")

    # -- BuildKit

    def _with_buildx(self, buildx: Buildx, host: str, services: tuple[str, ...]) -> Built:
        app, wishes = self.request.app, self.request.wishes
        names = {name: image_reference(self.service(name), self.project)
                 for name in bake.around(app, services)}  # fmt: skip
        labels = {name: self.labels(name) for name in names}
        file = bake.bake(app, services, names, labels, wishes)
        words = [word for path in bake.reads(app, names) for word in ("--allow", f"fs.read={path}")]
        if bake.insecure(app, services):
            words += ["--allow", "security.insecure"]
        for flag in ("builder", "provenance", "sbom"):
            if value := getattr(wishes, flag):
                words.append(f"--{flag}={value}")
        emitter = Emitter(self.deployment, [self.on_event])
        steps = {name: self.step(names[name], host) for name in services}
        mask = masker(app)

        told: dict[str, Step] = {}

        def say(line: str) -> None:
            number = line.partition(" ")[0]  # of a step; only its first line names the image
            for name in services:
                if f"[{bake.target(name)} " in line:
                    told[number] = steps[name]
            emitter.step(told.get(number, steps[services[0]]), Phase.RUNNING, mask(line))

        for step in steps.values():
            emitter.step(step, Phase.RUNNING, "building")
        try:
            buildx.bake(file, words, say, self.stopped)
        except NapError as error:
            error.message = mask(f"the build failed: {error.message}")
            for step in steps.values():
                emitter.step(step, Phase.FAILED, error=error.message.splitlines()[0])
            raise
        engine = self.parts.engines.on(host)
        images = []
        for name in services:
            pushed = wishes.push and bool(self.service(name).image)
            id_ = "" if pushed or wishes.check else id_of(engine, names[name])
            images.append(self.image(name, host, id_))
            done = "checked" if wishes.check else "pushed" if pushed else "built"
            emitter.step(steps[name], Phase.DONE, done)
        return Built(tuple(images), "buildx")

    # -- the classic builder

    def _refuse_what_only_buildkit_does(self, services: tuple[str, ...]) -> None:
        wishes = self.request.wishes
        faults = [fault for name in services for fault in not_classic(self.service(name), wishes)]
        if faults:
            raise BadFiles.of(faults)

    def _classic(self, host: str, services: tuple[str, ...]) -> Built:
        engine = self.parts.engines.on(host)
        emitter = Emitter(self.deployment, [self.on_event])
        within = build_time(self.parts, self.who)
        images = Crew(self, engine, emitter, within).build(services)
        if self.request.wishes.push:
            for image in images:
                if self.service(image.service).image:
                    push_names(self.parts, image.host, image.names, emitter, self.logins)
        return Built(images, "classic")


def _architecture(service: Service) -> str:
    """The architecture that a service's image is built for, where it is a single one."""
    platforms = service.spec["build"].get("platforms") or [service.spec.get("platform") or ""]
    return str(platforms[0]).partition("/")[2].partition("/")[0] if len(platforms) == 1 else ""
