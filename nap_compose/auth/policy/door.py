"""The door that users' bodies go through: judged immediately before that same object is sent.

Whatever led to a body (a file, a saved plan, a rollback, a request made by hand), it comes past
here. The rest of an engine's calls pass as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from nap_compose.auth.policy import bodies
from nap_compose.auth.policy.images import is_naps, is_own
from nap_compose.auth.policy.owned import Named, Owned
from nap_compose.auth.policy.rules import Bounds, Verdict
from nap_compose.cluster import hostfs, labels, reach
from nap_compose.cluster.engine import Engine, Json, NotFound
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.seen import container_identity
from nap_compose.errors import NotAllowed

Query = Mapping[str, str | Sequence[str]]


class ImageDoor(Protocol):
    """What is known of images that came with somebody's login at a registry."""

    def why_not(self, engine: Engine, image: str, owner: str, app: str) -> str:
        """Why an app's container may not be made of an image; empty where it may."""

    def anothers(self, reference: str, owner: str) -> str:
        """Whose name an image goes by that is pulled from where anybody may take any name: another
        user's, or empty."""

    def may_make(self, reference: str, owner: str) -> bool:
        """Whether an image made for the app, which stands under `owner`, may be so called."""

    def foreign(self, engine: Engine) -> bool:
        """Whether a build there could begin from such an image without its registry's word."""


class Apart(Protocol):
    """What is known of things that bear one maker's name and are different owners'."""

    def concerns(self, owner: str) -> bool:
        """Whether there are any under that name."""

    def why_not(self, engine: Engine, named: Iterable[Named], owner: str, app: str) -> str:
        """Why an app may have none of these things; empty where it may have all."""


class PolicedEngine:
    """An engine as somebody who isn't an admin may use it; see `engine.Engine`."""

    def __init__(
        self,
        engine: Engine,
        bounds: Bounds,
        owner: str,
        cluster: str,
        seal: Seal | None,
        *,
        pool: str = "",
        pool_mount: str = "",
        addresses: str = "",
        images: ImageDoor | None = None,
        in_place: Callable[[str], bool] = lambda _: False,
        apart: Apart | None = None,
        publish_ip: str = "",
    ) -> None:
        self._engine = engine
        self._bounds = bounds
        self._cluster = cluster
        self._seal = seal
        self._images = images
        self._apart = apart
        self._owned = Owned(
            owner, self._is_theirs, pool, pool_mount, addresses, in_place, publish_ip
        )
        self._made: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        """Calls that carry no body."""
        return getattr(self._engine, name)

    def create_container(self, name: str, body: Json, *, platform: str = "") -> str:
        """As the engine's. Raises NotAllowed."""
        body = copy.deepcopy(dict(body))
        if _is_naps_own(body):
            self._refuse(name, bodies.helper(body, self._owned))
        elif (body.get("Labels") or {}).get(labels.ROLE) == reach.ROLE:
            self._check_reach(name, body)
        else:
            if not self._owned.name(name):
                raise NotAllowed(f"the container {name} wouldn't be {self._owned.owner}'s")
            body = bodies.with_ends(body, self._bounds, self._log_driver)
            self._refuse(name, bodies.container(body, self._bounds, self._owned))
            self._check_what_it_is_of(name, body)
            self._check_labels(str(body.get("Image") or ""))
        made = self._engine.create_container(name, body, platform=platform)
        self._made.add(made)
        return made

    def create_exec(self, container: str, body: Json) -> str:
        """As the engine's. Raises NotAllowed, also for a container that the caller's role couldn't
        have made."""
        body = copy.deepcopy(dict(body))
        self._get_in(container)
        self._refuse(container, bodies.process(body, self._bounds))
        return self._engine.create_exec(container, body)

    def attach_container(self, container: str, **how: Any) -> Any:
        """As the engine's; checked as `create_exec` is."""
        self._get_in(container)
        return self._engine.attach_container(container, **how)

    def commit_container(self, container: str, **how: Any) -> str:
        """As the engine's; checked as `create_exec` is."""
        self._get_in(container)
        return self._engine.commit_container(container, **how)

    def export_container(self, container: str) -> Iterator[bytes]:
        """As the engine's; checked as `create_exec` is."""
        self._get_in(container)
        return self._engine.export_container(container)

    def path_stat(self, container: str, path: str) -> Json:
        """As the engine's; checked as `create_exec` is: an engine follows paths into all that is
        mounted."""
        self._get_in(container)
        return self._engine.path_stat(container, path)

    def get_archive(self, container: str, path: str) -> Iterator[bytes]:
        """As the engine's; checked as `path_stat` is."""
        self._get_in(container)
        return self._engine.get_archive(container, path)

    def put_archive(self, container: str, path: str, tar: Iterable[bytes], **how: Any) -> None:
        """As the engine's; checked as `path_stat` is."""
        self._get_in(container)
        self._engine.put_archive(container, path, tar, **how)

    def build_image(
        self, query: Query, context: Iterable[bytes] | None, **how: Any
    ) -> Iterator[Json]:
        """As the engine's. Raises NotAllowed."""
        query = copy.deepcopy(dict(query))
        names = query.get("t") or ()
        for name in [names] if isinstance(names, str) else names:
            if not self._may_make(name):
                raise NotAllowed(f"the image {name} wouldn't be {self._owned.owner}'s")
        self._refuse("a build", bodies.build(query, self._bounds))
        limits = bodies.limits_of_a_build(query, self._bounds)
        if self._images and self._images.foreign(self._engine):
            # What the build begins from is to be had from its registry, with the owner's login; and
            # layers that lie here are nobody's to take for the steps that made them.
            limits = {**limits, "pull": "1"}
            query = {key: value for key, value in query.items() if key != "cachefrom"}
        return self._engine.build_image({**query, **limits}, context, **how)

    def pull_image(self, image: str, **how: Any) -> Iterator[Json]:
        """As the engine's. Raises NotAllowed: what is pulled takes the place of what went by that
        name, and would be run for whoever built it here."""
        if is_naps(image):
            raise NotAllowed(
                f"the image {image} goes by a name of nap's own", host=self._engine.host
            )
        whose = self._images.anothers(image, self._owned.owner) if self._images else ""
        if whose:
            raise NotAllowed(
                f"the image {image} goes by the name of {whose}, whose images are built here",
                host=self._engine.host,
                hint=f"{whose} or an admin pulls it; or name its registry in full",
            )
        return self._engine.pull_image(image, **how)

    def push_image(self, image: str, **how: Any) -> Iterator[Json]:
        """As the engine's. Raises NotAllowed."""
        if not self._may_make(image):
            raise NotAllowed(f"the image {image} isn't {self._owned.owner}'s to push")
        return self._engine.push_image(image, **how)

    def create_network(self, body: Json) -> str:
        """As the engine's. Raises NotAllowed."""
        body = copy.deepcopy(dict(body))
        name = str(body.get("Name"))
        self._refuse(name, bodies.network(body, self._bounds, self._owned))
        return self._engine.create_network(body)

    def connect_network(self, network: str, body: Json) -> None:
        """As the engine's. Raises NotAllowed."""
        body = copy.deepcopy(dict(body))
        called = network
        if not self._owned.name(network):
            called = str(self._engine.inspect_network(network).get("Name"))
        self._refuse(called, bodies.attachment(called, body.get("EndpointConfig"), self._owned))
        if self._apart and self._apart.concerns(self._owned.owner):
            app = self._app_of(str(body.get("Container")))
            why = self._apart.why_not(self._engine, [("network", called)], self._owned.owner, app)
            if why:
                raise NotAllowed(why, host=self._engine.host)
        self._engine.connect_network(network, body)

    def create_volume(self, body: Json) -> Json:
        """As the engine's. Raises NotAllowed."""
        body = copy.deepcopy(dict(body))
        name = str(body.get("Name"))
        self._refuse(name, bodies.volume(body, self._bounds, self._owned))
        return self._engine.create_volume(body)

    def _check_what_it_is_of(self, name: str, body: Json) -> None:
        """Refuse an image, volume or network that isn't the app's to have."""
        told = body.get("Labels") or {}
        app = str(told.get(labels.APP) or "")
        image = str(body.get("Image") or "")
        owner, why = self._owned.owner, ""
        if self._images:
            why = self._images.why_not(self._engine, image, owner, app)
        if self._apart:
            why = why or self._apart.why_not(self._engine, bodies.things_of(body), owner, app)
        if why:
            raise NotAllowed(f"{name}: {why}", host=self._engine.host)

    def _check_labels(self, image: str) -> None:
        """Refuse an image whose labels the container couldn't have from its file."""
        try:
            found = self._engine.inspect_image(image)
        except NotFound:
            return  # the engine says so itself
        told = (found.get("Config") or {}).get("Labels") or {}
        self._refuse(f"the image {image}", bodies.labels_of_image(told, self._bounds))

    def _check_reach(self, name: str, body: Json) -> None:
        """Refuse what isn't just what nap makes to reach into the network of a container that the
        caller may get into."""
        mode = str((body.get("HostConfig") or {}).get("NetworkMode"))
        target = mode.removeprefix("container:")
        image = str(body.get("Image"))
        known = image in reach.image_names()
        if not known or body != reach.body(image, target, body["Labels"]):
            raise NotAllowed(f"{name} isn't as nap makes it", host=self._engine.host)
        if not self._is_theirs(target):
            raise NotAllowed(
                f"the container {target[:12]} isn't {self._owned.owner}'s", host=self._engine.host
            )
        self._get_in(target)

    def _get_in(self, container: str) -> None:
        """Refuse a container that isn't the caller's to make as it is; what was made through this
        door has been judged."""
        if container in self._made:
            return
        inspected = self._engine.inspect_container(container)
        self._refuse(container[:12], bodies.running(inspected, self._bounds, self._owned))

    def _refuse(self, subject: str, verdicts: Iterator[Verdict]) -> None:
        found = next(verdicts, None)
        if found is None:
            return
        hint = f"`policy.{found.rule}` in the cluster file says what users may ask for"
        raise NotAllowed(
            f"{subject}: {found.why}", host=self._engine.host, hint=hint if found.rule else None
        )

    def _may_make(self, image: str) -> bool:
        owner = self._owned.owner
        return self._images.may_make(image, owner) if self._images else is_own(image, owner)

    def _log_driver(self) -> str:
        return str(self._engine.info().get("LoggingDriver") or "")

    def _is_theirs(self, container: str) -> bool:
        """Whether that container is the owner's, by its labels and their seal."""
        identity = self._identity(container)
        return identity is not None and identity.owner == self._owned.owner

    def _app_of(self, container: str) -> str:
        identity = self._identity(container)
        return identity.app if identity is not None else ""

    def _identity(self, container: str) -> Identity | None:
        inspected = self._engine.inspect_container(container)
        name = str(inspected.get("Name") or "").lstrip("/")
        told = (inspected.get("Config") or {}).get("Labels") or {}
        return container_identity(told, name, cluster=self._cluster, seal=self._seal)


def _is_naps_own(body: Json) -> bool:
    """Whether it is the container that nap reaches a host's files through: of an image with nothing
    in it, never started, and with a label that no file can set."""
    role = (body.get("Labels") or {}).get(labels.ROLE)
    return role == hostfs.ROLE and body.get("Image") == hostfs.IMAGE and set(body) == _HELPER


_HELPER = {"Image", "Cmd", "NetworkDisabled", "Labels", "HostConfig"}
