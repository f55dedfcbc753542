"""Telling somebody, as a test, here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Listing, NotifyTest


class LocalNotifying(Local):
    """See `border.Notifying`."""

    def try_notify(self, request: NotifyTest) -> Listing:
        """Send each a test."""
        from nap_compose.control.notifying.trying import try_out

        with self._act("notify test"):
            return try_out(self._parts.cluster, request)
