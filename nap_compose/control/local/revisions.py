"""The calls about an app's revisions, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Cancel,
        Diff,
        DiffRequest,
        Listing,
        Outcome,
        RollbackRequest,
        Target,
    )
    from nap_compose.orchestration.events import OnEvent


class LocalRevisions(Local):
    """See `border.Revisions`."""

    def history(self, target: Target, *, limit: int = 20) -> Listing:
        """Revisions as rows."""
        from nap_compose.control.history import history

        return history(self._parts, self._owned(target), limit)

    def diff(self, request: DiffRequest) -> Diff:
        """What one revision changes against another."""
        from nap_compose.control.history import diff

        return diff(self._parts, self._owned(request.target), request)

    def rollback(self, request: RollbackRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Bring an app back to a revision."""
        from nap_compose.control.backward import rollback

        target = self._owned(request.target)
        kept = not request.dry_run
        with self._act("rollback", owner=target.owner, app=target.app, kept=kept) as act:
            outcome = rollback(self._parts, self._who, target, request, on_event, cancel)
            act.came_to(outcome)
        return outcome
