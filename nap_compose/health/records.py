"""What is kept of containers and hosts in the state store: their last known health. Plain data.

Times are UTC, ISO 8601 with milliseconds, empty where they aren't known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Copy:
    """Another container of the same slot, which the fence says is not the right one."""

    host: str
    container: str
    state: str
    fence: int


@dataclass(frozen=True)
class ContainerRecord:
    """One slot's container as it was last seen on `host`.

    `state`, `health` and `exit_code` as in ContainerView; `probe` is what its last health check
    printed, `restarts` how often the engine or the watcher started it again, `started` when it
    last began, `since` how long it has been in this state and health, `policy` the engine's own
    restart policy. `others` are containers of the same slot with a lower fence.
    """

    owner: str
    app: str
    service: str
    replica: int
    host: str
    container: str
    state: str
    health: str = "none"
    probe: str = ""
    exit_code: int | None = None
    restarts: int = 0
    started: str = ""
    since: str = ""
    revision: int = 0
    fence: int = 0
    policy: str = ""
    others: tuple[Copy, ...] = ()

    @property
    def slot(self) -> str:
        """The replica as people write it: `web.2`."""
        return f"{self.service}.{self.replica}"

    @property
    def text(self) -> str:
        """Its state for a person: `running, unhealthy`, `exited (3)`."""
        if self.exit_code is not None and self.state in ("exited", "dead"):
            return f"{self.state} ({self.exit_code})"
        return self.state if self.health == "none" else f"{self.state}, {self.health}"

    def as_json(self) -> dict[str, Any]:
        """What is kept under the slot's key, which tells whose it is."""
        kept = _fields_of(self)
        for named in ("owner", "app", "service", "replica"):
            del kept[named]
        return {**kept, "others": [_fields_of(copy) for copy in self.others]}

    @classmethod
    def of(
        cls, owner: str, app: str, service: str, replica: int, value: Mapping[str, Any]
    ) -> ContainerRecord:
        """Read what `as_json` gave; keys of a newer nap are passed over."""
        known = _known(cls, value)
        known["others"] = tuple(Copy(**_known(Copy, each)) for each in value.get("others") or ())
        return cls(owner, app, service, replica, **known)


class HostHealth(str, Enum):
    """How a host is, as far as the watcher can tell."""

    UP = "up"
    SILENT = "silent"
    """Its engine doesn't answer; nothing more is known yet."""
    REFUSED = "refused"
    """A TLS or authorisation failure, which says nothing of the host's life."""
    ENGINE_DOWN = "engine down"
    """Its engine doesn't answer, and Consul says that the host is alive."""
    LEFT = "left"
    """Its engine doesn't answer, and Consul knows no such host: that is left to people."""
    LOST = "lost"
    """Its engine has been silent for long enough, and Consul says that the host failed."""


@dataclass(frozen=True)
class HostRecord:
    """One host as it was last seen; `why` says what is wrong, `since` when that began.

    `cpus` and `memory` (bytes) are its capacity for replicas, `reserved_cpus` and
    `reserved_memory` what its containers were promised of that; `disk` is what images, containers
    and volumes take there, in bytes (None: not asked), `full` how full the file system is that its
    engine keeps them on (0 to 1, to a hundredth; None: not known), `storage` why it doesn't reach
    the cluster storage (empty: it does, or there is none). `server`: its Consul agent is, or was
    when it was last known, one of Consul's servers.
    """

    name: str
    state: HostHealth = HostHealth.UP
    why: str = ""
    since: str = ""
    engine: str = ""
    cpus: float = 0.0
    memory: int = 0
    reserved_cpus: float = 0.0
    reserved_memory: int = 0
    containers: int = 0
    disk: int | None = None
    storage: str = ""
    full: float | None = None
    server: bool = False

    def as_json(self) -> dict[str, Any]:
        """What is kept under the host's key."""
        kept = _fields_of(self)
        del kept["name"]
        return {**kept, "state": self.state.value}

    @classmethod
    def of(cls, name: str, value: Mapping[str, Any]) -> HostRecord:
        """Read what `as_json` gave."""
        known = _known(cls, value)
        known["state"] = HostHealth(value.get("state", "up"))
        return cls(name, **known)


@dataclass(frozen=True)
class Heartbeat:
    """A watcher's sign of life: `at` the end of its last sweep, which took `took` seconds and saw
    `hosts` hosts and `containers` containers; `unseen` are the hosts that it didn't see. It means
    to sweep every `every` seconds (0: it was asked for one sweep alone). `leads`: it is the one
    that acts; `origin` is from where it works."""

    watcher: str
    at: str
    took: float = 0.0
    every: float = 0.0
    hosts: int = 0
    containers: int = 0
    unseen: tuple[str, ...] = ()
    leads: bool = False
    origin: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is kept under the watcher's key."""
        kept = _fields_of(self)
        del kept["watcher"]
        return {**kept, "unseen": list(self.unseen)}

    @classmethod
    def of(cls, watcher: str, value: Mapping[str, Any]) -> Heartbeat:
        """Read what `as_json` gave."""
        known = _known(cls, value)
        known["unseen"] = tuple(value.get("unseen") or ())
        return cls(watcher, **known)


@dataclass(frozen=True)
class Happening:
    """Something that happened to a container (`owner`, `app`, `slot`), a host, or the watcher
    itself (no host), `at` a moment; `kind` is one word for programs, `text` a sentence."""

    at: str
    kind: str
    text: str
    host: str = ""
    owner: str = ""
    app: str = ""
    slot: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is kept, and shown with `--format json`."""
        return _fields_of(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Happening:
        """Read what `as_json` gave."""
        return cls(**_known(cls, value))


def _fields_of(record: object) -> dict[str, Any]:
    """The record's fields, which are plain values: `asdict` would look into each and copy it, ten
    times as long, for each container of a thousand hosts."""
    return dict(vars(record))


def _known(cls: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(cls)}
    return {key: found for key, found in value.items() if key in names}
