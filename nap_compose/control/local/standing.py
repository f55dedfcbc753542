"""Whether all is well, looked at here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Listing


class LocalStanding(Local):
    """See `border.Standing`."""

    def standing(self) -> Listing:
        """Every part at once."""
        from nap_compose.control.overview import standing

        return standing(self._parts)
