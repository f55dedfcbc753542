"""The calls that change nothing, carried out here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local
from nap_compose.control.parts import Parts

if TYPE_CHECKING:
    from nap_compose.border import (
        AttendRequest,
        Digest,
        DigestRequest,
        Ended,
        Hold,
        Lines,
        Listing,
        LogLine,
        LogRequest,
        Target,
        Who,
    )


class LocalReading(Local):
    """See `border.Reading`."""

    def __init__(self, parts: Parts, who: Who) -> None:
        super().__init__(parts, who)
        self._closers: list[Callable[[], None]] = []

    def ps(self, target: Target, *, stopped: bool = False) -> Listing:
        """Containers as rows."""
        from nap_compose.control.reading import list_containers

        return list_containers(self._parts, self._owned(target), stopped=stopped)

    def apps(self, *, recorded: bool = False) -> Listing:
        """Apps as rows."""
        from nap_compose.control.reading import list_apps

        return list_apps(self._parts, recorded=recorded)

    def hosts(self) -> Listing:
        """Hosts as rows."""
        from nap_compose.control.reading import list_hosts

        return list_hosts(self._parts)

    def digests(self, request: DigestRequest) -> Mapping[str, Digest]:
        """What the registries say, as the engines reach them."""
        from nap_compose.control.digests import ask_registries
        from nap_compose.control.registries.keeping import logins_of

        kept = {} if self._parts.cluster.embedded else logins_of(self._parts, self._who.owner)
        return ask_registries(self._parts.engines, request, kept)

    def logs(self, request: LogRequest, warn: Callable[[str], None]) -> Iterator[Lines]:
        """The lines of an app's containers and deployments, by time."""
        from nap_compose.control.logreading import app_lines

        owned = replace(request, target=self._owned(request.target))
        lines = app_lines(self._parts, owned, warn)
        self._closers.append(lines.close)
        return lines

    def attend(
        self, request: AttendRequest, hold: Hold, warn: Callable[[str], None]
    ) -> Iterator[LogLine | Ended]:
        """What is printed from now on, with the ends of containers between it."""
        from nap_compose.control.attending import attend

        target = self._owned(request.target)
        attending = attend(self._parts, replace(request, target=target), hold, warn)
        self._closers.append(attending.end)
        return attending.items()

    def close_streams(self) -> None:
        """End what is still read."""
        for close in self._closers:
            close()
