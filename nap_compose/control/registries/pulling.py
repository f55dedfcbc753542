"""Pulling with the login of an app's owner, and remembering what came with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from nap_compose.cluster import private_images
from nap_compose.cluster.engine import Engine, EngineError
from nap_compose.cluster.images import familiar
from nap_compose.compose.references import parse
from nap_compose.compose.shortforms import BadForm
from nap_compose.control.parts import Parts
from nap_compose.control.registries.keeping import Login, logins_of
from nap_compose.orchestration.steps.workshop import Logins, NoLogins


def logins_for(parts: Parts, owner: str, app: str) -> Logins:
    """What pulls for an app log in with; it stands under `owner` on the hosts."""
    return NoLogins() if parts.cluster.embedded else OwnersLogins(parts, owner, app)


def registry_logins(parts: Parts, owner: str, app: str) -> OwnersLogins | None:
    """The same for what needs no more than the logins; None on the local engine, where they are
    those of `docker login`."""
    return None if parts.cluster.embedded else OwnersLogins(parts, owner, app)


class OwnersLogins:
    """The logins of whoever has the app now."""

    def __init__(self, parts: Parts, owner: str, app: str) -> None:
        self._parts = parts
        self._owner = owner
        self._app = app

    @cached_property
    def all(self) -> Mapping[str, Login]:
        """By registry."""
        owner = self._parts.given(now=False).owner(self._owner, self._app)
        return logins_of(self._parts, owner)

    def to(self, image: str) -> Login | None:
        """The login at the image's registry."""
        try:
            return self.all.get(parse(familiar(image)).registry)
        except BadForm:
            return None

    @contextmanager
    def pulling(self, engine: Engine, image: str) -> Iterator[Login | None]:
        """What to pull with. What only a login brings is remembered as private: its repository
        before it is there, so that nobody is faster, and then the image itself."""
        login = self.to(image)
        if not login or may_have(engine, image, {}):
            yield login
            return
        store = self._parts.store
        private_images.mark(store, private_images.repository_of(image), image)
        yield login
        there = engine.inspect_image(familiar(image))
        digests = [
            name
            for name in there.get("RepoDigests") or ()
            if private_images.repository_of(name) == private_images.repository_of(image)
        ]
        private_images.mark(store, str(there["Id"]), digests[0] if digests else image)
        private_images.show(store, self._owner, self._app, str(there["Id"]))


def may_have(engine: Engine, image: str, login: Login | None) -> bool:
    """Whether its registry lets that login have the image. Raises EngineAway."""
    try:
        engine.registry_digest(str(parse(familiar(image))), auth=login or {})
    except (BadForm, EngineError):
        return False
    return True
