"""Founding a cluster: before it there is no cluster file, and nobody to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from nap_compose.border.doctor import Finding

ETC = "/etc/nap"
"""Where a cluster's own files stand."""


class HostStep(str, Enum):
    """How far a host has come."""

    LISTENS = "listens"
    SET_UP = "set up"
    WAITS = "waits"
    FAILED = "failed"


@dataclass(frozen=True)
class FoundRequest:
    """Make a cluster called `name` of these hosts (name → IP address or DNS name).

    `folder` takes its files. With `ssh` ("" or "USER@" before each address) the hosts are set up
    over it, else the commands are given; `restart` lets their engines be restarted.
    """

    name: str
    hosts: Mapping[str, str]
    folder: str = ETC
    ssh: str | None = None
    restart: bool = False


@dataclass(frozen=True)
class FoundedHost:
    """How far a host has come, in one sentence, and the commands that bring it further."""

    name: str
    step: HostStep
    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Founded:
    """What there is now: the cluster `file`, what was `made` in its folder, the `hosts`, and what
    was done for their networks (`joined`, a sentence each)."""

    file: str
    made: tuple[str, ...] = ()
    hosts: tuple[FoundedHost, ...] = ()
    joined: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every host listens."""
        return all(host.step is HostStep.LISTENS for host in self.hosts)


@dataclass(frozen=True)
class AddRequest:
    """Have host `name` in the cluster of `file`. `via` (`ssh://USER@HOST`) is how it is reached to
    be set up, empty: it has been, by hand. `address` is where this machine and the other hosts
    reach it (empty: as in `via`); `labels` go into the cluster file. `stop` lets containers stop
    where its engine has to be restarted and they can't run on."""

    file: str
    name: str
    via: str = ""
    address: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    stop: bool = False


@dataclass(frozen=True)
class Survey:
    """A host before it joins: what was found, a fault being what it can't join with; what would be
    changed on it (`changes`, a sentence each; none: it listens already), which containers stop by
    that (`stops`) and which run on (`keeps`)."""

    findings: tuple[Finding, ...] = ()
    changes: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Added:
    """Whether the host listens and is `complete`: in the swarm and the cluster file; what is left
    to do where it isn't, as commands; and what remains to be done by hand all the same."""

    complete: bool
    commands: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoveRequest:
    """Have host `name` no longer in the cluster of `file`; `lost`: it is gone for good, and isn't
    asked to leave."""

    file: str
    name: str
    lost: bool = False


@dataclass(frozen=True)
class CertificateRow:
    """One certificate: whose it is (a host, `nap`, `CA`, a service), what for, when it ends (ISO
    8601, UTC; empty: none was seen), whole days left (negative: it has ended) and what is to be
    done about it (empty: nothing)."""

    subject: str
    what: str
    ends: str = ""
    days: int = 0
    remedy: str = ""


@dataclass(frozen=True)
class RenewRequest:
    """Renew what ends soon of the certificates that nap made for the cluster of `file`; those of
    `hosts` in any case, and with `ca` the CA's and with that all. With `restart` engines that
    still show an old one are restarted, host by host; without it theirs lie ready."""

    file: str
    hosts: tuple[str, ...] = ()
    ca: bool = False
    restart: bool = False


@dataclass(frozen=True)
class Renewed:
    """What came of it: hosts whose engines show the old one until they are restarted (`waiting`),
    what is left to do, as commands, by host, and whether nap's own and the CA's are as they should
    be (`complete`)."""

    waiting: tuple[str, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True


class Founding(Protocol):
    """The calls that found a cluster, and bring hosts in and out of it: by whoever has its keys, on
    the machine where they are. Raise NapError."""

    def survey(self, request: AddRequest) -> Survey:
        """Look at a host that is to join; nothing is changed."""

    def add(self, request: AddRequest, tell: Callable[[str], None]) -> Added:
        """Set the host up, have it in the swarm and in the cluster file. Can be repeated."""

    def by_hand(self, request: AddRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        """The commands that set the host up, for whoever has tools of their own; its certificate
        is made for them."""

    def certificates(self, file: str) -> tuple[CertificateRow, ...]:
        """Those of the engines, of nap, of the CA, and of the services that nap leans on, as they
        are shown now; the first to end stands first."""

    def to_restart(self, request: RenewRequest) -> Mapping[str, tuple[str, ...]]:
        """The hosts whose engines `renew` would restart for this request, and the containers that
        stop by that, as far as they can be seen."""

    def renew(self, request: RenewRequest, tell: Callable[[str], None]) -> Renewed:
        """Renew certificates. Can be repeated, and goes on where it was."""

    def remove(self, request: RemoveRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        """Take a host that runs nothing of nap's any more out of swarm, cluster file, state store
        and catalog. Gives what remains to be done by hand. Can be repeated."""

    def found(self, request: FoundRequest, tell: Callable[[str], None]) -> Founded:
        """`tell` gets a sentence for each thing as it is done."""
