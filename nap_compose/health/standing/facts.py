"""What `nap status` was told, before anybody judges it. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from nap_compose.border import CollectedHost
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.members import Member
from nap_compose.cluster.view import View
from nap_compose.health.doctor.certificates import Certificate
from nap_compose.health.doctor.hosts import Disk
from nap_compose.health.records import Heartbeat, HostRecord
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Trouble:
    """Why something couldn't be told, and what to try."""

    text: str
    hint: str = ""


@dataclass(frozen=True)
class Replica:
    """A replica as its engine lists it. `state` is "unknown" where its host wasn't seen, `stopped`
    that somebody stopped it on purpose."""

    owner: str
    app: str
    slot: str
    host: str
    state: str
    health: str = "none"
    exit_code: int | None = None
    stopped: bool = False


@dataclass(frozen=True)
class Pooled:
    """The cluster storage: chunks without a copy, with one, with fewer than asked for, and the
    chunkservers that are away."""

    missing: int = 0
    endangered: int = 0
    undergoal: int = 0
    away: tuple[str, ...] = ()
    total: int = 0
    free: int = 0


@dataclass(frozen=True)
class Facts:
    """Each None where it wasn't asked for, or couldn't be told: then `troubles` has it by its
    field's name.

    `records` and `directory` are whether they answer. `disks` are those of this machine by folder;
    how full the hosts' are stands in `watched`, their health records. `backup` is when the last one
    was made (UTC text; empty: never).
    """

    now: datetime
    cluster: Cluster
    view: View | None = None
    replicas: tuple[Replica, ...] | None = None
    watched: Mapping[str, HostRecord] | None = None
    heartbeats: tuple[Heartbeat, ...] | None = None
    consul: Mapping[str, Member] | None = None
    store: bool | None = None
    records: bool | None = None
    directory: bool | None = None
    storage: Pooled | None = None
    certificates: tuple[Certificate, ...] | None = None
    disks: Mapping[str, Disk] | None = None
    collected: tuple[CollectedHost, ...] | None = None
    backup: str | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether there is the local engine alone."""
        return self.cluster.embedded

    @property
    def watching(self) -> bool:
        """Whether somebody is meant to keep watch and to act."""
        return self.cluster.failover is not None
