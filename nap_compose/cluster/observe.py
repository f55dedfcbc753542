"""Looking at the cluster: all hosts at once, each for as long as it is given, into one View."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import TypeVar

from nap_compose.cluster import labels as label
from nap_compose.cluster import seen
from nap_compose.cluster.asking import AT_ONCE, Asked, ask_each
from nap_compose.cluster.cluster import Cluster, Host
from nap_compose.cluster.engine import Engine, EngineAway, EngineError, Engines, Filters, Json
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import (
    Absence,
    ContainerView,
    HostState,
    HostView,
    Unseen,
    View,
)
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

T = TypeVar("T")

DEADLINE = 10.0

BEGINNING = 1.0
"""Seconds in which connections are begun before anybody is asked."""


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

    def filters(self, *, embedded: bool) -> Filters | None:
        """What the engines are asked to leave out."""
        if self.foreign:
            return None
        if embedded:
            project = label.COMPOSE + "project"
            return {"label": [f"{project}={self.app}" if self.app else project]}
        wanted = {label.APP: self.app, label.OWNER: self.owner if self.app else ""}
        return {"label": [f"{key}={value}" if value else key for key, value in wanted.items()]}

    def wants(self, container: ContainerView) -> bool:
        """Whether it is among them: labels alone, which an image can carry, are no proof."""
        if self.foreign:
            return True
        identity = container.identity or container.kept
        if identity is None:
            return False
        return not self.app or (identity.owner, identity.app) == (self.owner, self.app)


OURS = Whose()
ANYBODY = Whose(foreign=True)


FEW = 10
"""So many hosts are each asked all questions at once, over a connection for each, where that is
made in no time. More hosts keep this machine busy as it is; and to shake hands for TLS takes two
waits more, and both sides more work than the questions are."""


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
    filters = whose.filters(embedded=cluster.embedded)
    beside = {name for name in names if len(names) <= FEW and cluster.hosts[name].tls is None}
    questions = {
        name: _question(engines, name, only, filters, deadline if name in beside else None)
        for name in names
    }
    _begin(engines, names[AT_ONCE:])  # the first ones are asked at once anyway
    views: dict[str, HostView] = {}
    infos: dict[str, Json] = {}
    silent: dict[str, Unseen] = {}
    for name, asked, ends in ask_each(questions, deadline=deadline):
        try:
            answer = asked.answer(ends)
            infos[name] = {"Swarm": answer.info.get("Swarm")}
            # Read at once, so that it needn't be held, and while others are waited for.
            views[name] = _Reader(engines.on(name), cluster, seal, whose).host(
                answer, (states or {}).get(name, HostState.ACTIVE), (labels or {}).get(name, {})
            )
        except TimeoutError:
            text = f"no answer within {deadline:g} s"
            silent[name] = Unseen(name, Absence.TIMEOUT, text)
        except (EngineAway, EngineError) as error:
            why = error.why if isinstance(error, EngineAway) else Absence.BROKEN
            silent[name] = Unseen(name, why, error.message)
        except NapError as error:  # its certificates can't be read, its endpoint can't be used
            silent[name] = Unseen(name, Absence.REFUSED, error.message)
        except (KeyError, TypeError, ValueError, AttributeError):
            text = "its engine's answer can't be understood"
            silent[name] = Unseen(name, Absence.BROKEN, text)
    swarms = seen.swarms({name: infos[name] for name in views})
    return View(
        taken_at,
        {name: replace(views[name], swarm=swarms[name]) for name in names if name in views},
        tuple(silent[name] for name in names if name in silent),
    )


@dataclass(frozen=True)
class _Reader:
    """Reads one engine's answers."""

    engine: Engine
    cluster: Cluster
    seal: Seal | None
    whose: Whose

    def host(self, answer: _Answers, state: HostState, labels: Mapping[str, str]) -> HostView:
        """The host with everything on it that was asked for, but its swarm: what one host says of
        that isn't enough."""
        name, info = self.engine.host, answer.info
        host = self.cluster.hosts.get(name) or Host(name, "")
        return HostView(
            name=name,
            address=self.engine.address,
            publish_ip=host.publish_ip,
            state=state,
            labels={**host.labels, **labels},
            engine=info.get("ServerVersion") or "",
            api=answer.api,
            os=info.get("OSType") or "linux",
            arch=seen.architecture(info),
            cpus=max(0.0, float(info.get("NCPU") or 0) - host.reserve.cpus),
            memory=max(0, int(info.get("MemTotal") or 0) - host.reserve.memory),
            cores=int(info.get("NCPU") or 0),
            devices={**seen.devices(info), **host.devices},
            skew=answer.skew,
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


def _begin(engines: Engines, hosts: Sequence[str]) -> None:
    """Begin to connect to those who have to wait for their turn."""
    if hosts:
        with contextlib.suppress(TimeoutError):  # a name that can't be looked up hangs
            Asked(lambda: engines.begin(hosts)).answer(time.monotonic() + BEGINNING)


def _question(
    engines: Engines,
    name: str,
    only: Collection[Part],
    filters: Filters | None,
    patience: float | None,
) -> Callable[[], _Answers]:
    """What one host is asked: all at once, for so many seconds, or (None) one after the other."""

    def ask() -> _Answers:
        engine = engines.on(name)
        lists = {
            Part.CONTAINERS: lambda: engine.containers(filters),
            Part.NETWORKS: engine.networks,
            Part.VOLUMES: engine.volumes,
            Part.IMAGES: engine.images,
        }
        wanted = {part: lists[part] for part in lists if part in only}
        beside = _beside(wanted, patience) if patience else wanted
        skew, info = _told_of_itself(engine) if Part.INFO in only else (0.0, {})
        found = {part: answer() for part, answer in beside.items()}
        return _Answers(
            api=engine.api,
            skew=skew,
            info=info,
            containers=found.get(Part.CONTAINERS, []),
            networks=found.get(Part.NETWORKS, []),
            volumes=found.get(Part.VOLUMES, []),
            images=found.get(Part.IMAGES, []),
        )

    return ask


def _beside(
    questions: Mapping[Part, Callable[[], T]], patience: float
) -> Mapping[Part, Callable[[], T]]:
    """The questions as they are being asked in threads of their own; a lone one is left as it is.
    Their answers raise TimeoutError after `patience` seconds."""
    if len(questions) < 2:
        return questions
    ends = time.monotonic() + patience
    return {part: partial(Asked(ask).answer, ends) for part, ask in questions.items()}


def _told_of_itself(engine: Engine) -> tuple[float, Json]:
    """How far its clock is off, and the rest of what it says of itself."""
    before = seen.now()
    info = engine.info()
    halfway = before + (seen.now() - before) / 2  # its clock was read about then
    return seen.clock_skew(info, halfway), info
