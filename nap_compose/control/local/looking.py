"""The calls that look closer, carried out here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Chosen, EventRequest, EventRow, Listing, Target


class LocalLooking(Local):
    """See `border.Looking`."""

    def images(self, chosen: Chosen) -> Listing:
        """The images of containers as rows."""
        from nap_compose.control.looking.images import list_images

        return list_images(self._parts, self._of_mine(chosen))

    def volumes(self, chosen: Chosen) -> Listing:
        """Volumes as rows."""
        from nap_compose.control.looking.volumes import list_volumes

        return list_volumes(self._parts, self._of_mine(chosen))

    def processes(self, chosen: Chosen) -> Listing:
        """The processes of containers that run."""
        from nap_compose.control.looking.processes import list_processes

        return list_processes(self._parts, self._of_mine(chosen))

    def port(self, target: Target, port: int, protocol: str) -> str:
        """Where a replica's own port is reached."""
        from nap_compose.control.looking.ports import reached_at

        return reached_at(self._parts, self._owned(target), port, protocol)

    def usage(self, chosen: Chosen) -> Iterator[Listing]:
        """What containers use, again and again."""
        from nap_compose.control.looking.usage import watch_usage

        return watch_usage(self._parts, self._of_mine(chosen))

    def happenings(self, request: EventRequest, warn: Callable[[str], None]) -> Iterator[EventRow]:
        """What happens, by time over all hosts."""
        from nap_compose.control.looking.happenings import watch_events

        mine = replace(request, chosen=self._of_mine(request.chosen))
        return watch_events(self._parts, mine, warn)

    def _of_mine(self, chosen: Chosen) -> Chosen:
        return replace(chosen, target=self._owned(chosen.target))
