"""Collecting what containers print, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.lines import LogLine, LogRequest
    from nap_compose.border.words import Cancel, Listing, Target


@dataclass(frozen=True)
class CollectRequest:
    """`once`: read what there is and end; else go on until told to end."""

    once: bool = False


@dataclass(frozen=True)
class CollectedHost:
    """How the collecting of one host's lines goes.

    `collector` is who does it (empty: nobody), `at` when it last told (seconds since 1970, 0:
    never); `lines` and `size` (bytes) are what it keeps in a second; `behind` seconds pass until
    a line is kept; `problem` says why nothing can be read.
    """

    host: str
    collector: str = ""
    at: float = 0.0
    containers: int = 0
    lines: float = 0.0
    size: float = 0.0
    behind: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class CollectedReplica:
    """How far one replica's lines have been kept: until `to` (seconds since 1970, 0: none)."""

    owner: str
    app: str
    subject: str
    host: str
    collector: str
    at: float
    to: float
    lines: float = 0.0
    behind: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class SearchRequest:
    """Lines that are kept of an app: those of `lines` (its target, services, hosts, stream and
    times count) in which `text` stands; `any_case` for text of ASCII alone."""

    lines: LogRequest
    text: str = ""
    any_case: bool = False

    @property
    def target(self) -> Target:
        """The app."""
        return self.lines.target


@dataclass(frozen=True)
class LogCount:
    """What a service printed in an hour (`2024-05-01T13:00:00Z`): lines, bytes of text, how many
    of the lines went to stderr, and how many look like errors."""

    service: str
    hour: str
    lines: int
    size: int
    stderr: int
    errors: int


class Collecting(Protocol):
    """The calls about kept lines. Every method raises NapError with its exit code."""

    def collect(self, request: CollectRequest, tell: Callable[[str], None], cancel: Cancel) -> None:
        """Keep what containers print, until `cancel`; `tell(text)` says what goes wrong."""

    def search(self, request: SearchRequest, warn: Callable[[str], None]) -> Iterator[LogLine]:
        """Kept lines by time."""

    def count_lines(self, request: SearchRequest, warn: Callable[[str], None]) -> Listing:
        """Rows of `LogCount`, by hour and service; the request's text doesn't count."""

    def kept_services(self, target: Target) -> tuple[str, ...]:
        """The services of the app of which lines are kept, those that are gone included."""

    def collected(self, target: Target) -> Listing:
        """Rows of `CollectedReplica` for the app that is named; with none named, a row of
        `CollectedHost` for each host."""
