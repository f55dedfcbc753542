"""What only looks: the calls that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from nap_compose.border.digests import Digest, DigestRequest
from nap_compose.border.lines import AttendRequest, Lines, LogLine, LogRequest
from nap_compose.border.streaming import Ended
from nap_compose.border.words import Hold, Listing, Target


class Reading(Protocol):
    """The calls that change nothing. Every method raises NapError with its exit code."""

    def ps(self, target: Target, *, stopped: bool = False) -> Listing:
        """Rows of `Row`; with `stopped` also containers that don't run."""

    def apps(self, *, recorded: bool = False) -> Listing:
        """Rows of `AppRow`; with `recorded` also apps of a cluster that are but on record."""

    def hosts(self) -> Listing:
        """Rows of `HostRow`, hosts that don't answer included."""

    def digests(self, request: DigestRequest) -> Mapping[str, Digest]:
        """What the registries say of each image, asked by the first engine that answers."""

    def logs(self, request: LogRequest, warn: Callable[[str], None]) -> Iterator[Lines]:
        """Lines by time, many of one container at once where they came so; `warn(text)` is called
        for what could not be read."""

    def attend(
        self, request: AttendRequest, hold: Hold, warn: Callable[[str], None]
    ) -> Iterator[LogLine | Ended]:
        """What is printed from this call on, with the ends of containers between it.

        When it returns, nothing that is printed later is missed. It goes on while `hold` is held
        or a container that is awaited runs.
        """
