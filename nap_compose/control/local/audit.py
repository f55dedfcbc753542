"""The calls about the audit trail, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import AuditCheck, AuditRequest, Listing


class LocalAudit(Local):
    """See `border.Auditing`."""

    def audit(self, request: AuditRequest) -> Listing:
        """Acts as rows."""
        from nap_compose.control.looking.audit import list_acts

        return list_acts(self._parts, self._who, request)

    def verify_audit(self) -> AuditCheck:
        """Whether the trail is whole."""
        from nap_compose.control.looking.audit import verify

        return verify(self._parts)
