"""The check-up, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Cancel, DoctorRequest, Finding


class LocalDoctor(Local):
    """See `border.Doctor`."""

    def check_up(self, wanted: DoctorRequest, cancel: Cancel) -> tuple[Finding, ...]:
        """Look at the cluster, as far as is wanted."""
        from nap_compose.control.doctor import check_up

        return check_up(self._parts, wanted, cancel)
