"""The View: what was seen of the cluster at one moment, and what was not.

Plain frozen data. Nothing that decides ever asks an engine: it reads a View, so that it can be
tested without one, and so that a plan can say what it was made from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

from nap_compose.cluster.demand import PortClaim
from nap_compose.cluster.holding import NO_MOST, NOTHING, Holding, Most
from nap_compose.cluster.labels import Identity
from nap_compose.plaindata import dataclass


class HostState(str, Enum):
    """What people want of a host (set by command, kept in the state store)."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    DRAINED = "drained"


class Absence(str, Enum):
    """Why a host was not seen.

    `refused` is a TLS or authorisation failure: it says nothing of the host's life, and is never
    taken for `lost`.
    """

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True)
class PublishedPort:
    """A port of a host that a container holds; `host_ip` "0.0.0.0" or "::" is every address."""

    port: int
    target: int
    protocol: str = "tcp"
    host_ip: str = "0.0.0.0"  # noqa: S104 - as the engine reports it, nothing is bound here


@dataclass(frozen=True)
class ContainerView:
    """One container as its engine lists it.

    `state` is the engine's word (created, running, paused, restarting, removing, exited, dead);
    `health` is none, starting, healthy or unhealthy; `exit_code` is None until it has ended;
    `created` is in seconds since 1970; `status` is the engine's own sentence. `identity` is what
    nap's labels say, None for a container that isn't nap's (or whose seal is not good); `kept`
    is that of one that failed, fills no slot any more and is kept for a look: its `identity` is
    None then. `holding` is what it was promised of its host, `most` what it may use,
    `publishes` the fixed ports that are its app's whether it runs or not. `exposed` are ports that
    no port of the host leads to (their own is 0), `mounts` what is mounted, by a
    volume's name or a path of
    the host, of which `local_volumes` are volumes of the driver `local`.
    """

    id: str
    name: str
    host: str
    state: str
    health: str = "none"
    exit_code: int | None = None
    status: str = ""
    created: int = 0
    image: str = ""
    image_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PublishedPort, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    identity: Identity | None = None
    kept: Identity | None = None
    holding: Holding = NOTHING
    most: Most = NO_MOST
    publishes: tuple[PortClaim, ...] = ()
    command: str = ""
    exposed: tuple[PublishedPort, ...] = ()
    mounts: tuple[str, ...] = ()
    local_volumes: int = 0


@dataclass(frozen=True)
class NetworkView:
    """One network as one host knows it; `scope` is local, global (cluster store) or swarm.

    `options` and `ipam` are in the engine's words. `identity` as in ContainerView: None for what
    isn't nap's.
    """

    id: str
    name: str
    host: str
    driver: str
    scope: str = "local"
    attachable: bool = False
    internal: bool = False
    ipv6: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    ipam: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None


@dataclass(frozen=True)
class VolumeView:
    """One volume on one host; `mountpoint` is where it lies there."""

    name: str
    host: str
    driver: str = "local"
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    mountpoint: str = ""
    scope: str = "local"


@dataclass(frozen=True)
class ImageView:
    """An image on a host: its id (the digest of its configuration) and the names it goes by.

    `size` is in bytes; `created` (when it was built) in seconds since 1970.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size: int = 0
    created: int = 0


@dataclass(frozen=True)
class SwarmView:
    """What an engine says of the swarm it is in; `cluster` is empty where it is in none.

    `control` is true on a manager that can reach a quorum of its peers.
    """

    cluster: str = ""
    node: str = ""
    control: bool = False
    managers: int = 0
    error: str = ""


@dataclass(frozen=True)
class HostView:
    """One host that answered.

    `address` is where its published ports are reached; `publish_ip` the one they are published on
    (empty: every address). `cpus` and `memory` (bytes) are its capacity less what the cluster file
    reserves, `cores` the engine's CPUs (0: not known), `devices` how many it has of each kind.
    `cluster_store` is the engine's own store ("consul://…") where it has one. `skew` is the
    engine's clock less control's, in seconds.
    """

    name: str
    address: str
    state: HostState = HostState.ACTIVE
    labels: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    api: str = ""
    os: str = "linux"
    arch: str = ""
    cpus: float = 0.0
    memory: int = 0
    cores: int = 0
    publish_ip: str = ""
    devices: Mapping[str, int] = field(default_factory=dict)
    skew: float = 0.0
    swarm: SwarmView = SwarmView()
    cluster_store: str = ""
    engine_labels: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[ContainerView, ...] = ()
    networks: tuple[NetworkView, ...] = ()
    volumes: tuple[VolumeView, ...] = ()
    images: tuple[ImageView, ...] = ()

    def has_image(self, reference: str) -> ImageView | None:
        """The image that goes by `reference` (a full name with tag, a digest or an id) here."""
        for image in self.images:
            if reference == image.id or reference in image.tags or reference in image.digests:
                return image
        return None


@dataclass(frozen=True)
class Unseen:
    """A host that didn't answer: why, in one word for nap and one sentence for a person."""

    name: str
    why: Absence
    text: str


@dataclass(frozen=True)
class View:
    """The cluster at `taken_at` (UTC): the hosts that answered and those that did not."""

    taken_at: datetime
    hosts: Mapping[str, HostView]
    unseen: tuple[Unseen, ...] = ()

    def containers(self) -> Iterator[ContainerView]:
        """Every container of every host that was seen."""
        for host in self.hosts.values():
            yield from host.containers

    def of_app(self, owner: str, app: str) -> tuple[ContainerView, ...]:
        """The containers of one app, in the order service, replica, fence (newest last)."""
        return self._apps.get((owner, app), ())

    @cached_property
    def _apps(self) -> Mapping[tuple[str, str], tuple[ContainerView, ...]]:
        """Every app's containers; who plans asks for them once a replica."""
        found: defaultdict[tuple[str, str], list[ContainerView]] = defaultdict(list)
        for container in self.containers():
            if container.identity is not None:
                found[container.identity.owner, container.identity.app].append(container)
        return {app: tuple(sorted(mine, key=_slot_order)) for app, mine in found.items()}

    def kept(self) -> Iterator[ContainerView]:
        """Every container that failed and is kept for a look."""
        return (container for container in self.containers() if container.kept is not None)

    def kept_of(self, owner: str, app: str) -> tuple[ContainerView, ...]:
        """Those of one app."""
        return tuple(
            container
            for container in self.kept()
            if container.kept and (container.kept.owner, container.kept.app) == (owner, app)
        )


def _slot_order(container: ContainerView) -> tuple[str, int, int, int, str]:
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} has no identity")
    return (identity.service, identity.replica, identity.fence, container.created, container.id)
