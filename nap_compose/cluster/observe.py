"""Looking at the cluster: all hosts at once, each for as long as it is given, into one View."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from nap_compose.cluster import labels as label
from nap_compose.cluster import seen
from nap_compose.cluster.asking import Asked
from nap_compose.cluster.cluster import Cluster, Host
from nap_compose.cluster.engine import Engine, EngineAway, EngineError, Engines, Filters, Json
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import (
    Absence,
    ContainerView,
    HostState,
    HostView,
    SwarmView,
    Unseen,
    View,
)
from nap_compose.errors import NapError

DEADLINE = 10.0


class Part(str, Enum):
    """What of a host is asked for; what isn't is empty in the View."""

    CONTAINERS = "containers"
    NETWORKS = "networks"
    VOLUMES = "volumes"
    IMAGES = "images"
    INFO = "info"


EVERYTHING = frozenset(Part)


@dataclass(frozen=True)
class Whose:
    """Which containers are asked for: those of one app, else all of the cluster's own.

    `foreign` brings every container of every host, of other tools and with a bad seal too: what
    holds a port matters, whoever started it. Those have no identity.
    """

    owner: str = ""
    app: str = ""
    foreign: bool = False

    def filters(self) -> Filters | None:
        """What the engines are asked to leave out."""
        if self.foreign:
            return None
        wanted = {label.APP: self.app, label.OWNER: self.owner if self.app else ""}
        return {"label": [f"{key}={value}" if value else key for key, value in wanted.items()]}

    def wants(self, container: ContainerView) -> bool:
        """Whether it is among them: labels alone, which an image can carry, are no proof."""
        if self.foreign:
            return True
        identity = container.identity
        if identity is None:
            return False
        return not self.app or (identity.owner, identity.app) == (self.owner, self.app)


OURS = Whose()
ANYBODY = Whose(foreign=True)


@dataclass(frozen=True)
class _Answers:
    """What one engine said, as it said it."""

    api: str
    skew: float
    info: Json
    containers: list[Json]
    networks: list[Json]
    volumes: list[Json]
    images: list[Json]


def observe(
    engines: Engines,
    cluster: Cluster,
    *,
    states: Mapping[str, HostState] | None = None,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    seal: Seal | None = None,
    only: Collection[Part] = EVERYTHING,
    whose: Whose = ANYBODY,
    hosts: Collection[str] | None = None,
    deadline: float = DEADLINE,
) -> View:
    """The cluster as it is now.

    `states` and `labels` are what the state store holds of hosts; labels set by command win over
    the cluster file's. `hosts` limits it to some. A host that hasn't answered after `deadline`
    seconds, or answered with an error, stands in `unseen` with the reason; nothing is raised.
    """
    taken_at = seen.now()
    names = [name for name in engines.names if hosts is None or name in hosts]
    asked = {name: Asked(_question(engines, name, only, whose)) for name in names}
    ends = time.monotonic() + deadline
    answers: dict[str, _Answers] = {}
    unseen: list[Unseen] = []
    for name, ask in asked.items():
        try:
            answers[name] = ask.answer(ends)
        except TimeoutError:
            unseen.append(Unseen(name, Absence.TIMEOUT, f"no answer within {deadline:g} s"))
        except (EngineAway, EngineError) as error:
            why = error.why if isinstance(error, EngineAway) else Absence.BROKEN
            unseen.append(Unseen(name, why, error.message))
        except NapError as error:  # its certificates can't be read, its endpoint can't be used
            unseen.append(Unseen(name, Absence.REFUSED, error.message))
    swarms = seen.swarms({name: answer.info for name, answer in answers.items()})
    views: dict[str, HostView] = {}
    for name, answer in answers.items():
        read = _Reader(engines.on(name), cluster, seal, whose)
        state = (states or {}).get(name, HostState.ACTIVE)
        try:
            views[name] = read.host(answer, swarms[name], state, (labels or {}).get(name, {}))
        except (KeyError, TypeError, ValueError, AttributeError):
            unseen.append(Unseen(name, Absence.BROKEN, "its engine's answer can't be understood"))
    return View(taken_at, views, tuple(sorted(unseen, key=lambda each: names.index(each.name))))


@dataclass(frozen=True)
class _Reader:
    """Reads one engine's answers."""

    engine: Engine
    cluster: Cluster
    seal: Seal | None
    whose: Whose

    def host(
        self, answer: _Answers, swarm: SwarmView, state: HostState, labels: Mapping[str, str]
    ) -> HostView:
        """The host with everything on it that was asked for."""
        name, info = self.engine.host, answer.info
        host = self.cluster.hosts.get(name) or Host(name, "")
        return HostView(
            name=name,
            address=self.engine.address,
            state=state,
            labels={**host.labels, **labels},
            engine=info.get("ServerVersion") or "",
            api=answer.api,
            os=info.get("OSType") or "linux",
            arch=seen.architecture(info),
            cpus=max(0.0, float(info.get("NCPU") or 0) - host.reserve.cpus),
            memory=max(0, int(info.get("MemTotal") or 0) - host.reserve.memory),
            skew=answer.skew,
            swarm=swarm,
            cluster_store=info.get("ClusterStore") or "",
            engine_labels=seen.engine_labels(info),
            containers=self._containers(answer),
            networks=tuple(
                seen.network_view(raw, name, cluster=self.cluster.name, seal=self.seal)
                for raw in answer.networks
            ),
            volumes=tuple(
                seen.volume_view(raw, name, cluster=self.cluster.name, seal=self.seal)
                for raw in answer.volumes
            ),
            images=tuple(seen.image_view(raw) for raw in answer.images),
        )

    def _containers(self, answer: _Answers) -> tuple[ContainerView, ...]:
        read = (
            seen.container_view(raw, self.engine.host, cluster=self.cluster.name, seal=self.seal)
            for raw in answer.containers
        )
        return tuple(container for container in read if self.whose.wants(container))


def _question(
    engines: Engines, name: str, only: Collection[Part], whose: Whose
) -> Callable[[], _Answers]:
    def ask() -> _Answers:
        engine = engines.on(name)
        api = engine.api
        before = seen.now()
        info = engine.info() if Part.INFO in only else {}
        halfway = before + (seen.now() - before) / 2  # its clock was read about then
        return _Answers(
            api=api,
            skew=seen.clock_skew(info, halfway),
            info=info,
            containers=engine.containers(whose.filters()) if Part.CONTAINERS in only else [],
            networks=engine.networks() if Part.NETWORKS in only else [],
            volumes=engine.volumes() if Part.VOLUMES in only else [],
            images=engine.images() if Part.IMAGES in only else [],
        )

    return ask
