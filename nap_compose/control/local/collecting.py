"""The calls about kept lines, carried out here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Cancel,
        CollectRequest,
        Listing,
        LogLine,
        SearchRequest,
        Target,
    )


class LocalCollecting(Local):
    """See `border.Collecting`."""

    def collect(self, request: CollectRequest, tell: Callable[[str], None], cancel: Cancel) -> None:
        """Keep what containers print."""
        from nap_compose.control.collecting import collect

        collect(self._parts, self._who, request, tell, cancel)

    def search(self, request: SearchRequest, warn: Callable[[str], None]) -> Iterator[LogLine]:
        """Kept lines by time."""
        from nap_compose.control.searching import search_kept

        return search_kept(self._parts, self._owned_lines(request), warn)

    def count_lines(self, request: SearchRequest, warn: Callable[[str], None]) -> Listing:
        """Counts by hour and service."""
        from nap_compose.control.searching import count_kept

        return count_kept(self._parts, self._owned_lines(request), warn)

    def _owned_lines(self, request: SearchRequest) -> SearchRequest:
        lines = replace(request.lines, target=self._owned(request.lines.target))
        return replace(request, lines=lines)

    def kept_services(self, target: Target) -> tuple[str, ...]:
        """Services of which lines are kept."""
        from nap_compose.control.logreading import kept_services

        return kept_services(self._parts, self._owned(target))

    def collected(self, target: Target) -> Listing:
        """How the collecting goes."""
        from nap_compose.control.collecting import collected_hosts, collected_replicas

        if target.app:
            return collected_replicas(self._parts, self._owned(target))
        return collected_hosts(self._parts)
