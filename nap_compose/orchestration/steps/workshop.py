"""The workshop: what the steps of one deployment work with, and what they remember."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nap_compose.cluster import labels
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import Engine, Engines
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.orchestration.plan import Plan, Step
from nap_compose.orchestration.steps.snapshots import Snapshots


class Report(Protocol):
    """How a running step tells how far it is."""

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None: ...


@dataclass
class Workshop:
    """The plan, what it is for, and the engines it acts on.

    `app` is None when an app is taken away. `containers` maps each slot to the id of the
    container that has it now; steps add to it as they make them. `made_ids` maps the step that
    made something to that thing's id: only what stands there was surely made now. `stopped` tells
    when the person wants an end; `deadline` is when waiting for health ends, `last_start` when a
    container was last started (both in monotonic seconds).
    """

    plan: Plan
    engines: Engines
    cluster: Cluster
    view: View
    snapshots: Snapshots
    seal: Seal | None
    app: App | None = None
    version: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    overlay: str = "bridge"
    deadline: float = float("inf")
    stopped: Callable[[], bool] = lambda: False
    containers: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    made_ids: dict[str, str] = field(default_factory=dict)
    image_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    last_start: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)

    def engine(self, step: Step) -> Engine:
        """The engine that a step acts on."""
        return self.engines.on(step.host)

    def cluster_index(self, host: str) -> int:
        """The number of a host in the cluster file, from 0: to share work out evenly."""
        return list(self.cluster.hosts).index(host)

    def the_app(self) -> App:
        """The app; only steps of an `up` ask."""
        if self.app is None:
            raise ValueError("this deployment takes an app away and has no model")
        return self.app

    def identity(self, *, service: str = "", replica: int = 0, fence: int = 0) -> Identity:
        """What the labels of something made now say."""
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
            config_hash=self.hashes.get(service, "") if service else "",
        )

    def made_now(self, identity: Identity | None) -> bool:
        """Whether something with that identity was made by this deployment."""
        return identity is not None and (
            (identity.owner, identity.app, identity.deployment)
            == (self.plan.owner, self.plan.app, self.plan.deployment)
        )

    def labels_of(
        self, identity: Identity, name: str, compose: Mapping[str, str]
    ) -> dict[str, str]:
        """Every label of something called `name`, sealed."""
        given = {"version": self.version, **compose}
        return labels.write(identity, name=name, seal=self.seal, compose=given)

    def container_of(self, step: Step) -> str:
        """The id of the container that a step about a slot means."""
        named = str(step.args.get("container") or "")
        if named:
            return named
        with self.lock:
            return self.containers[step.target]
