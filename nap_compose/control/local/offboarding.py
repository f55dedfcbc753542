"""The call about somebody who leaves, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Offboarded, OffboardRequest


class LocalOffboarding(Local):
    """See `border.Offboarding`."""

    def offboard(self, request: OffboardRequest) -> Offboarded:
        """End what somebody has here, or show what that would be."""
        from nap_compose.control.leaving import offboard

        with self._act("user offboard", kept=request.changes) as act:
            how = f"to {request.to}" if request.to else "stop" if request.stop else "keep"
            act.detail = f"{request.user}: {how}"
            return offboard(self._parts, self._who, request)
