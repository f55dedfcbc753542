"""The cluster's hosts: a closer look at one, and what is set for it by command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from nap_compose.border.rows import HostRow, Row
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.deploying import Outcome
    from nap_compose.border.words import Cancel
    from nap_compose.orchestration.events import OnEvent


@dataclass(frozen=True)
class HostChange:
    """What is to be set for a host: its `state` (active or cordoned; empty: as it is) and
    `labels` to add to those of the cluster file (None takes one away); how far its `upgrade` is
    (begun, ran, empty: over; None: as it was). A dry run only sees whether there is such a host."""

    name: str
    state: str = ""
    labels: Mapping[str, str | None] = field(default_factory=dict)
    dry_run: bool = False
    upgrade: str | None = None


@dataclass(frozen=True)
class HostDetail:
    """One host: its row, what runs there, and how much else there is.

    `skew` is its clock less control's, in seconds; `foreign` the containers that aren't nap's;
    `images_size` in bytes, layers that images share counted once an image; `failed` are the names
    of containers that failed and are kept for a look. `upgrade` as in `HostChange`.
    """

    row: HostRow
    containers: tuple[Row, ...] = ()
    api: str = ""
    skew: float = 0.0
    reserved_cpus: float = 0.0
    reserved_memory: int = 0
    foreign: int = 0
    networks: int = 0
    volumes: tuple[str, ...] = ()
    images: int = 0
    images_size: int = 0
    failed: tuple[str, ...] = ()
    upgrade: str = ""


@dataclass(frozen=True)
class DrainRequest:
    """Move what can be moved off host `name`; times in seconds, as in `UpRequest`."""

    name: str
    timeout: float = 600.0
    grace: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Drained:
    """What came of it: the `outcomes` of the apps that had something there, those whose
    deployment could not begin (`failed`: app → why), what still runs there (`stays`: app/replica)
    and how many containers there aren't nap's."""

    host: str
    outcomes: tuple[Outcome, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    stays: tuple[str, ...] = ()
    foreign: int = 0


@dataclass(frozen=True)
class RebalanceRequest:
    """Spread what runs evenly over the hosts; times in seconds, as in `UpRequest`."""

    timeout: float = 600.0
    grace: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Rebalanced:
    """What came of it: the `outcomes` of the apps of which something moved, those whose deployment
    could not begin (`failed`: app → why) or that are left alone, since more than a move would
    come of it (`skipped`), and replicas that would be better off on another host but stay
    (`stays`: app/replica → why)."""

    outcomes: tuple[Outcome, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    stays: Mapping[str, str] = field(default_factory=dict)


class Hosts(Protocol):
    """The calls about one host. Every method raises NapError with its exit code."""

    def host(self, name: str) -> HostDetail: ...

    def change_host(self, change: HostChange) -> None: ...

    def confirm_lost(self, name: str) -> None:
        """A person says that the host is gone: nothing on it runs any more.

        Raises NapError where it answers.
        """

    def rebalance(self, request: RebalanceRequest, on_event: OnEvent, cancel: Cancel) -> Rebalanced:
        """Move what is better off on another host. What is even already isn't touched."""

    def drain(self, request: DrainRequest, on_event: OnEvent, cancel: Cancel) -> Drained: ...
