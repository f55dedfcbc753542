"""The health of containers and hosts: swept, kept, asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from nap_compose.border.words import Cancel, Target
from nap_compose.health.records import ContainerRecord, Happening, Heartbeat, HostRecord
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Checkup:
    """What came of one sweep: how many `hosts` were seen and `containers` of nap's on them, of
    which `unwell` don't do what they should, how many keys were `written`, and how long it `took`
    in seconds. `unseen` are the hosts that weren't seen, each with its reason."""

    hosts: int
    containers: int
    unwell: tuple[ContainerRecord, ...]
    written: int
    took: float
    unseen: tuple[HostRecord, ...] = ()


@dataclass(frozen=True)
class HealthReport:
    """What is on record. `stale`: nobody has looked for so long that it may be otherwise;
    `as_of` is when somebody last did (UTC; empty: never). What stands on a host that isn't up is
    not known either. `watchers` are those at work, the one that leads first."""

    containers: tuple[ContainerRecord, ...]
    hosts: tuple[HostRecord, ...]
    watchers: tuple[Heartbeat, ...] = ()
    stale: bool = False
    as_of: str = ""

    def known(self, record: ContainerRecord) -> bool:
        """Whether the container is still as the record says, as far as anybody can tell."""
        away = {host.name for host in self.hosts if host.state.value != "up"}
        return not self.stale and record.host not in away


@dataclass(frozen=True)
class HappeningRequest:
    """Events of an app, a service or a replica (none: all), from `since` on (UTC text; empty: from
    the first that is kept), at most the latest `limit`."""

    target: Target
    since: str = ""
    limit: int = 100


@dataclass(frozen=True)
class WatchRequest:
    """How to keep watch: `metrics` is the address, HOST:PORT, at which Prometheus finds what the
    watcher counts (empty: nowhere)."""

    metrics: str = ""


class Health(Protocol):
    """The calls about health. Every method raises NapError with its exit code."""

    def check_health(self) -> Checkup:
        """One sweep over all hosts; what changed is written."""

    def health(self, target: Target) -> HealthReport:
        """What is on record of the target's containers, and of all hosts."""

    def health_events(self, request: HappeningRequest) -> Sequence[Happening]:
        """What happened, the oldest first."""

    def watch_health(self, request: WatchRequest, say: Callable[[str], None], stop: Cancel) -> None:
        """Keep watch until `stop` says that it is enough: sweep, listen to the engines, and with
        `failover` in the cluster file act. `say` is told what happens, a sentence each."""
