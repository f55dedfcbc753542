"""The calls about moving in, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Adoption, AdoptRequest, Cancel, MovedBack, Target
    from nap_compose.orchestration.events import OnEvent


class LocalAdopting(Local):
    """See `border.Adopting`."""

    def adopt(self, request: AdoptRequest, on_event: OnEvent, cancel: Cancel) -> Adoption:
        """Move an app in that a host's own Compose runs."""
        from nap_compose.control.adopting.moving_in import move_in

        app, kept = request.app.name, not request.dry_run
        with self._act("adopt", owner=request.owner, app=app, kept=kept) as act:
            act.on(request.host)
            adoption = move_in(self._parts, self._who, request, on_event, cancel)
            act.came_to(adoption.outcome)
        return adoption

    def move_back(self, target: Target, on_event: OnEvent, cancel: Cancel) -> MovedBack:
        """Give it back to its host's own Compose."""
        from nap_compose.control.adopting.moving_back import move_back

        mine = self._owned(target)
        with self._act("adopt --back", owner=mine.owner, app=mine.app) as act:
            moved = move_back(self._parts, self._who, mine, on_event, cancel)
            act.on(moved.host)
            act.came_to(moved.outcome)
        return moved

    def settle_in(self, target: Target) -> tuple[str, ...]:
        """Remove what it was before."""
        from nap_compose.control.adopting.moving_back import settle_in

        mine = self._owned(target)
        with self._act("adopt --done", owner=mine.owner, app=mine.app):
            return settle_in(self._parts, self._who, mine)
