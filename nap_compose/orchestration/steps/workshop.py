"""The workshop: what the steps of one deployment work with, and what they remember."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from nap_compose.cluster import labels
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import Engine, Engines
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.orchestration.plan import Plan, Step
from nap_compose.orchestration.steps.convoys import Convoy
from nap_compose.orchestration.steps.gates import Gate, OpenGate
from nap_compose.orchestration.steps.image_ids import ImageIds
from nap_compose.orchestration.steps.snapshots import Snapshots
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.cluster.asking import Asked
    from nap_compose.storage.pool import Pool


class Report(Protocol):
    """How a running step tells how far it is."""

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None: ...


class Stock(Protocol):
    """The bytes of what lies beside an app's file, by its key in `App.content`."""

    def tar(self, key: str) -> bytes:
        """The parcel; empty for a folder that isn't there. Raises NapError."""

    def size(self, key: str) -> int:
        """How large it is, in bytes."""

    def filled(self, volume: str) -> None:
        """A volume, `KEY@HOST`, is filled and must never be filled again."""


class Logins(Protocol):
    """What pulls log in to registries with."""

    def pulling(
        self, engine: Engine, image: str
    ) -> AbstractContextManager[Mapping[str, str] | None]:
        """A block in which an engine pulls an image, with the login for it; None: nobody's."""


class NoLogins:
    """Those of the engine's own, or nobody's."""

    def pulling(self, engine: Engine, image: str) -> AbstractContextManager[None]:
        del engine, image
        return nullcontext()


class EmptyStock:
    """That of a deployment which brings nothing."""

    def tar(self, key: str) -> bytes:
        raise ValueError(f"this deployment brings no {key}")

    def size(self, key: str) -> int:
        raise ValueError(f"this deployment brings no {key}")

    def filled(self, volume: str) -> None:
        raise ValueError(f"this deployment fills no {volume}")


@dataclass
class Workshop:
    """The plan, what it is for, and the engines it acts on.

    `app` is None when an app is taken away; `former` is then its last revision, where its
    containers have something left to do before they stop. `containers` maps each slot to the id
    of the container that has it now; steps add to it as they make them. `made_ids` maps the step
    that made something to that thing's id: only what stands there was surely made now; `before` a
    step to what it needs to take itself back, `shipped` one to the folders it filled.
    `pool` is the cluster storage, None where there is none.
    `stopped` tells when the person wants an end; `deadline` is when waiting for health ends,
    `last_start` when a container was last started, `started` when each was (all in monotonic
    seconds). `unwell` are the containers that failed, `kept` the names under which those among them
    go that are kept for a look. `turn` gives a block in which no other deployment brings a network
    to that host; `unlist` takes a container (host, id) out of the catalog, before it stops.
    """

    plan: Plan
    engines: Engines
    cluster: Cluster
    view: View
    snapshots: Snapshots
    seal: Seal | None
    app: App | None = None
    former: App | None = None
    stock: Stock = field(default_factory=EmptyStock)
    logins: Logins = field(default_factory=NoLogins)
    pool: Pool | None = None
    version: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    overlay: str = "bridge"
    deadline: float = float("inf")
    stopped: Callable[[], bool] = lambda: False
    reserve_subnet: Callable[[int], str] = lambda _: ""
    turn: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
    unlist: Callable[[str, str], None] = lambda _host, _container: None
    containers: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    made_ids: dict[str, str] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    shipped: dict[str, list[str]] = field(default_factory=dict)
    image_ids: ImageIds = field(default_factory=ImageIds)
    last_start: float = float("-inf")
    started: dict[str, float] = field(default_factory=dict)
    unwell: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    forgiven: set[str] = field(default_factory=set)
    stopping: dict[str, Asked[None]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    gates: dict[str, Gate] = field(default_factory=dict)
    convoys: dict[str, Convoy] = field(default_factory=dict)

    def engine(self, step: Step) -> Engine:
        """The engine that a step acts on."""
        return self.engines.on(step.host)

    def gate(self, host: str) -> Gate:
        """Who may start and stop containers there at the same time."""
        with self.lock:
            made = Gate() if self.overlay == "swarm" else OpenGate()
            return self.gates.setdefault(host, made)

    def convoy(self, step: Step, sources: Sequence[str], *, alone: bool = False) -> Convoy:
        """The reading of an image that the step's host goes along with: one for all hosts that
        lack it, or where it came too late, or is to go `alone`, one of its own."""
        source = self.engines.on(sources[0])
        image = str(step.args["id"]) if step.args.get("unnamed") else step.target
        hosts = [each.host for each in self.plan.steps if _same_image(each, step)]
        if not alone:
            with self.lock:
                convoy = self.convoys.setdefault(step.target, Convoy(source, image, hosts))
            if convoy.join(step.host):
                return convoy
        own = Convoy(source, image, [step.host])
        own.join(step.host)
        return own

    def the_app(self) -> App:
        """The app; only steps of an `up` ask."""
        if self.app is None:
            raise ValueError("this deployment takes an app away and has no model")
        return self.app

    def identity(
        self,
        *,
        service: str = "",
        replica: int = 0,
        fence: int = 0,
        hash_: str = "",
        oneoff: bool = False,
    ) -> Identity:
        """What the labels of something made now say; `hash_` is a network's or a volume's."""
        return Identity(
            cluster=self.cluster.name,
            owner=self.plan.owner,
            app=self.plan.app,
            service=service,
            replica=replica,
            revision=self.plan.revision,
            deployment=self.plan.deployment,
            fence=fence,
            project=self.plan.project,
            config_hash=self.hashes.get(service, "") if service else hash_,
            oneoff=oneoff,
        )

    def made_now(self, identity: Identity | None) -> bool:
        """Whether something with that identity was made by this deployment."""
        return identity is not None and (
            (identity.owner, identity.app, identity.deployment)
            == (self.plan.owner, self.plan.app, self.plan.deployment)
        )

    def labels_of(
        self,
        identity: Identity,
        name: str,
        compose: Mapping[str, str],
        *,
        holds: str = "",
        hooks: str = "",
    ) -> dict[str, str]:
        """Every label of something called `name`, sealed."""
        given = {"version": self.version, **compose}
        return labels.write(
            identity, name=name, seal=self.seal, compose=given, holds=holds, hooks=hooks
        )

    def container_of(self, step: Step) -> str:
        """The id of the container that a step about a slot means."""
        named = str(step.args.get("container") or "")
        if named:
            return named
        with self.lock:
            return self.containers[step.target]


def _same_image(one: Step, other: Step) -> bool:
    """Whether both bring the same image from another host."""
    return (
        one.kind is other.kind
        and one.target == other.target
        and one.host not in (one.args.get("from") or ())
    )
