"""The calls about quotas, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Listing, QuotaChange


class LocalQuotas(Local):
    """See `border.Quotas`."""

    def quotas(self, subject: str = "") -> Listing:
        """Limits as rows, with what is used of them."""
        from nap_compose.control.looking.quotas import rows

        return rows(self._parts, self._who, subject)

    def set_quota(self, change: QuotaChange) -> None:
        """Set limits, or take them back."""
        from nap_compose.control.quotas import limiting

        with self._act("quota set") as act:
            told = (
                f"{name}={'unset' if amount is None else amount}"
                for name, amount in change.limits.items()
            )
            act.detail = " ".join((change.subject, *told))
            limiting.change(self._parts, self._who, change)
