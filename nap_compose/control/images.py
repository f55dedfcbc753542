"""What an app's images stand for on the hosts: found there, asked for afresh, or built first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import field

from nap_compose.cluster.images import Found, find, find_all, find_id
from nap_compose.cluster.pins import Pin, Pins
from nap_compose.cluster.view import View
from nap_compose.compose.model import Service
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.plaindata import dataclass

FRESH = ("always", "refresh")
"""Pull policies that want an image asked for at its registry each time."""


@dataclass
class Images:
    """How the images of a deployment are come by.

    `policy` wins over the services' own pull policies, and `building` says of builds: always, never
    or, empty, where the policy says so or the image is nowhere. `pull` brings a fresh image to a
    host (or tells what is done otherwise), `make` builds those of services and gives their ids by
    reference, and `look` looks again after either. Both are done once in a deployment: `pulled` and
    `built` remember. `pins` are services that run the very images which a revision ran.
    """

    policy: str
    building: str
    pull: Callable[[str, View, str], None]
    make: Callable[[tuple[str, ...], View], Mapping[str, str]]
    look: Callable[[], View]
    pins: Pins = field(default_factory=dict)
    pulled: set[str] = field(default_factory=set)
    built: dict[str, str] = field(default_factory=dict)

    def find(self, services: Mapping[str, Service], project: str, view: View) -> dict[str, Found]:
        """What each reference stands for; what is on no host is left out, so that hosts pull it.

        Raises NapError where an image can't be had at all.
        """
        wanted = {name: image_reference(service, project) for name, service in services.items()}
        found = find_all(wanted.values(), view.hosts)
        before = (len(self.pulled), len(self.built))
        buildable = {wanted[name] for name, service in services.items() if _builds(service)}
        pinned = {name for name in self.pins if name in services and "@" not in wanted[name]}
        to_build = [
            name
            for name, service in services.items()
            if name not in pinned and not self._had(service, wanted[name], found, buildable, view)
        ]
        if todo := tuple(name for name in to_build if wanted[name] not in self.built):
            self.built |= self.make(todo, view)
        if before != (len(self.pulled), len(self.built)):
            view = self.look()
            found = find_all(wanted.values(), view.hosts)
        for reference, image in self.built.items():
            # A host may have a younger image under that name: the one just built is meant.
            if meant := find(reference, view.hosts.values(), image):
                found[reference] = meant
        for name in pinned:
            found[wanted[name]] = self._pinned(name, wanted[name], self.pins[name], view)
        return found

    def _pinned(self, service: str, reference: str, pin: Pin, view: View) -> Found:
        """The very image that a revision ran. Raises NapError where it is gone everywhere."""
        found = find_id(reference, pin.id, view.hosts.values())
        if found is None and pin.digest:
            otherwise = "no registry has it any more"
            with contextlib.suppress(NapError):
                self.pull(pin.digest, view, otherwise)
                found = find_id(reference, pin.id, self.look().hosts.values())
        if found is None:
            raise NapError(
                f"the image that {service} ran is gone: no host has {reference} as it was then "
                f"({short(pin.id)})",
                hint="load it on one host, or bring up a file that builds or pulls it anew",
            )
        return found

    def _had(
        self,
        service: Service,
        reference: str,
        found: Mapping[str, Found],
        buildable: set[str],
        view: View,
    ) -> bool:
        """Whether the image needs no build: it is there, was pulled now, or hosts will pull it."""
        said = self.policy or str(service.spec.get("pull_policy") or "")
        builds = _builds(service)
        if builds and (self.building == "always" or (said == "build" and self.building != "never")):
            return False
        if said in FRESH and (service.image or not builds):
            if self._pulled(reference, view, lenient=builds):
                return True
            return reference in found or self._may_build(service, reference)
        if reference in found:
            return True
        if not builds:
            if reference not in buildable:
                _refuse_what_none_can_bring(reference, said)
            return True
        if service.image and said != "never" and self._pulled(reference, view, lenient=True):
            return True
        return self._may_build(service, reference)

    def _may_build(self, service: Service, reference: str) -> bool:
        """False: it has to be built. Raises NapError where nothing may be built."""
        if self.building == "never":
            raise NapError(
                f"{service.name} is to be built, and no host has its image {reference}",
                hint="build it first: nap build",
            )
        return False

    def _pulled(self, reference: str, view: View, *, lenient: bool) -> bool:
        """Whether it was pulled; one that can be built may fail to be."""
        if reference in self.pulled:
            return True
        try:
            self.pull(reference, view, "no registry has it: it can be built" if lenient else "")
        except NapError:
            if not lenient:
                raise
            return False
        self.pulled.add(reference)
        return True


def short(image: str) -> str:
    """The beginning of an image's id, as people know it."""
    return image.rpartition(":")[2][:12]


def as_they_are(services: Mapping[str, Service], project: str, view: View) -> dict[str, Found]:
    """What each service's image stands for, with nothing done about those that are nowhere."""
    references = (image_reference(service, project) for service in services.values())
    return find_all(references, view.hosts)


def _builds(service: Service) -> bool:
    return bool(service.spec.get("build"))


def _refuse_what_none_can_bring(reference: str, policy: str) -> None:
    if policy == "never":
        raise NapError(
            f"no host has image {reference}, and its pull policy is never",
            hint="load it on one host, or let it be pulled with --pull missing",
        )
