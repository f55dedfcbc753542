"""What looks closer: images, volumes, processes, usage and events as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Protocol

from nap_compose.border.words import Listing, Target
from nap_compose.plaindata import dataclass

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """Which containers are looked at: the target's, and of its services only those named (none
    named: all); with `stopped` also those that don't run."""

    target: Target
    services: tuple[str, ...] = ()
    stopped: bool = False


@dataclass(frozen=True)
class Whereabouts:
    """Which container a row is about, and on which host it is."""

    owner: str
    app: str
    service: str
    replica: int
    host: str
    name: str
    id: str


@dataclass(frozen=True)
class ImageRow:
    """The image of one container: `size` in bytes, `tagged` when it got its name here (ISO 8601),
    `platform` as `linux/amd64`; what isn't known is empty."""

    of: Whereabouts
    id: str
    repository: str = ""
    tag: str = ""
    platform: str = ""
    size: int = 0
    tagged: str = ""


@dataclass(frozen=True)
class VolumeRow:
    """A volume of an app on one host; `key` is its name in the file."""

    owner: str
    app: str
    key: str
    host: str
    name: str
    driver: str
    scope: str
    mountpoint: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessesRow:
    """The processes of one container: `titles` name the columns of each of `processes`."""

    of: Whereabouts
    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class UsageRow:
    """What a container uses at one moment. `cpu` in percent of one CPU (None: not known yet),
    the others in bytes, added up since its start but for `memory`; `limit` is the memory that it
    may take. `running` is false for one that doesn't run: then nothing is known."""

    of: Whereabouts
    running: bool = True
    cpu: float | None = None
    memory: int = 0
    limit: int = 0
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0
    processes: int = 0


@dataclass(frozen=True)
class EventRow:
    """Something that happened to a container: `at` in nanoseconds since 1970 by its host's clock,
    `action` in the engine's words, `attributes` without the labels that say whose it is."""

    of: Whereabouts
    at: int
    action: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EventRequest:
    """Events of the chosen containers; `since` and `until` in seconds since 1970 (None: from now
    on, for ever)."""

    chosen: Chosen
    since: float | None = None
    until: float | None = None


class Looking(Protocol):
    """The calls that look closer. Every method raises NapError with its exit code."""

    def images(self, chosen: Chosen) -> Listing:
        """Rows of `ImageRow`."""

    def volumes(self, chosen: Chosen) -> Listing:
        """Rows of `VolumeRow`; with services named, those that their containers mount."""

    def processes(self, chosen: Chosen) -> Listing:
        """Rows of `ProcessesRow`, of containers that run."""

    def port(self, target: Target, port: int, protocol: str) -> str:
        """Where a replica's own port is reached, as `ADDRESS:PORT`."""

    def usage(self, chosen: Chosen) -> Iterator[Listing]:
        """Rows of `UsageRow`, again and again, about once a second; containers that come are
        taken in, those that go are left out."""

    def happenings(self, request: EventRequest, warn: Warn) -> Iterator[EventRow]:
        """What happens, by time over all hosts; `warn(text)` is called for a host that is away."""
