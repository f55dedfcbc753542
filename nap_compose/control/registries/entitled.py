"""Who may have a private image that is on a host already: whom its registry lets.

A registry is asked when a person deploys an app, with its owner's login. What it said then stands
for failover and drain, which make the same app again.
"""

from __future__ import annotations

from collections.abc import Iterable

from nap_compose.cluster import private_images
from nap_compose.cluster.engine import Engine, EngineError
from nap_compose.cluster.images import familiar
from nap_compose.cluster.private_images import repository_of
from nap_compose.compose.references import parse
from nap_compose.control.image_names import may_make
from nap_compose.control.parts import Parts
from nap_compose.control.registries.pulling import OwnersLogins
from nap_compose.errors import NotAllowed
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.plan import Kind, Plan

PUBLIC = "docker.io"
"""The registry that is meant where none is named."""
_REFUSED = (401, 403, 404)
"""What an engine answers where a registry gives an image to nobody, or to others."""


def check(parts: Parts, wish: Wish, plan: Plan, *, admin: bool) -> None:
    """Raise NotAllowed for an image that the plan makes a container of, which came with somebody's
    login and which its registry doesn't let the app's owner have; an admin may have every one."""
    if parts.cluster.embedded or not any(step.kind is Kind.CREATE for step in plan.steps):
        return
    private = private_images.read_all(parts.store)
    if not private.names:
        return
    logins = OwnersLogins(parts, wish.owner, wish.app.name)
    for name in wish.services:
        found = wish.images.get(image_reference(wish.app.services[name], wish.project))
        if found is None or not found.id:
            continue
        called = _called(wish, found.id)
        names = private.of(found.id, called)
        if names:
            if admin:
                private_images.show(parts.store, wish.owner, wish.app.name, found.id)
                continue
            engine = parts.engines.on(found.anywhere[0])
            _ask(parts, engine, logins, wish, found.id, names)


def _called(wish: Wish, image: str) -> list[str]:
    """All names of an image on the hosts."""
    there = [host.has_image(image) for host in wish.view.hosts.values()]
    return [name for each in there if each for name in (*each.digests, *each.tags)]


def _ask(
    parts: Parts, engine: Engine, logins: OwnersLogins, wish: Wish, image: str, names: Iterable[str]
) -> None:
    owner, app, said = wish.owner, wish.app.name, ""
    for name in names:
        login = logins.to(name)
        try:
            engine.registry_digest(str(parse(familiar(name))), auth=login or {})
        except EngineError as error:
            away = bool(login) and error.status not in _REFUSED
            if away and private_images.is_shown(parts.store, owner, app, image):
                return  # it let the app have it before
            said = said or f"{name}: {error.message}"
        else:
            private_images.show(parts.store, owner, app, image)
            return
    registry = repository_of(said.partition(": ")[0]).partition("/")[0]
    raise NotAllowed(
        f"an image on the hosts came with somebody's login, and its registry doesn't let the "
        f"owner of {app} have it: {said}",
        hint=f"log in with an account that may: nap registry login {registry}",
    )


class ImageDoor:
    """At the engines' door: what was shown for an app, whatever led to the body."""

    def __init__(self, parts: Parts, app: str = "") -> None:
        self._parts = parts
        self._app = app

    def may_make(self, reference: str, owner: str) -> bool:
        """Whether an image of the app's making may go by that name."""
        return may_make(self._parts, owner, self._app, reference)

    def why_not(self, engine: Engine, image: str, owner: str, app: str) -> str:
        """Why a container of an app may not be made of that image; empty where it may."""
        private = private_images.read_all(self._parts.store)
        if not private.names:
            return ""
        there = engine.inspect_image(image)
        id_ = str(there["Id"])
        called = [*(there.get("RepoDigests") or ()), *(there.get("RepoTags") or ())]
        if not private.of(id_, called):
            return ""
        if private_images.is_shown(self._parts.store, owner, app, id_):
            return ""
        return "its image came with somebody's login, and was not shown to be this app's to have"

    def anothers(self, reference: str, owner: str) -> str:
        """Whose name an image goes by that is pulled from the public registry, where anybody may
        have taken it: a user's of this cluster, other than the owner's."""
        owner = self._parts.given(now=False).owner(owner, self._app)
        registry, _, path = private_images.repository_of(reference).partition("/")
        name, more, _ = path.partition("/")
        if registry != PUBLIC or not more or name == owner:
            return ""
        return name if any(each.owner == name for each in self._parts.records.users()) else ""

    def foreign(self, engine: Engine) -> bool:
        """Whether the host has private images, which a build could begin from without its
        registry's word."""
        private = private_images.read_all(self._parts.store)
        return bool(private.names) and any(
            private.of(
                str(each["Id"]), [*(each.get("RepoDigests") or ()), *(each.get("RepoTags") or ())]
            )
            for each in engine.images()
        )
