"""The calls that change an app, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nap_compose.border import (
        ActRequest,
        Cancel,
        DownRequest,
        Ended,
        Outcome,
        Target,
        UpRequest,
    )
    from nap_compose.orchestration.events import OnEvent
    from nap_compose.orchestration.saved import SavedPlan


class LocalDeploying(Local):
    """See `border.Deploying`."""

    def up(self, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Bring an app to what its file says."""
        from nap_compose.control.upward import up

        with self._act("up", app=request.app.name, kept=not request.dry_run) as act:
            outcome = up(self._parts, self._who, request, on_event, cancel)
            act.came_to(outcome)
        return outcome

    def run_plan(self, saved: SavedPlan, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Do what a saved plan says."""
        from nap_compose.control.upward import run_saved

        with self._act("up --plan", owner=saved.owner, app=saved.app) as act:
            outcome = run_saved(self._parts, self._who, saved, on_event, cancel)
            act.came_to(outcome)
        return outcome

    def down(self, request: DownRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Take an app away."""
        from nap_compose.control.downward import down

        kept = not request.dry_run
        with self._act("down", owner=request.owner, app=request.app, kept=kept) as act:
            outcome = down(self._parts, self._who, request, on_event, cancel)
            act.came_to(outcome)
        return outcome

    def act(self, request: ActRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Do something with containers that are there."""
        from nap_compose.control.acting import act

        verb, kept = request.verb.value, not request.dry_run
        with self._act(verb, owner=request.owner, app=request.app, kept=kept) as told:
            outcome = act(self._parts, self._who, request, on_event, cancel)
            told.came_to(outcome)
        return outcome

    def wait(self, app: Target, targets: tuple[Target, ...]) -> Iterator[Ended]:
        """Each end of containers, as it comes."""
        from nap_compose.control.ends import ends

        return ends(self._parts, self._owned(app), targets)
