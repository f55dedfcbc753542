"""`nap up`, and a plan that was saved for it."""

from __future__ import annotations

from dataclasses import replace

from nap_compose.border import Cancel, Outcome, UpRequest, Who
from nap_compose.control import planned
from nap_compose.control.parts import Parts, site_of
from nap_compose.control.road.road import Road, travel
from nap_compose.errors import WrongUse
from nap_compose.orchestration.checks import check
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.saved import SavedPlan
from nap_compose.orchestration.wanted import scaled


def up(
    parts: Parts,
    who: Who,
    request: UpRequest,
    on_event: OnEvent,
    cancel: Cancel,
    *,
    verb: str = "up",
) -> Outcome:
    """Bring the app to what its model says; see `Control.up`. `verb` goes into the books."""
    app = scaled(request.app, request.scale)
    check(app, site_of(parts), parts.cluster.storage)
    return travel(Road(parts, who, replace(request, app=app), on_event, cancel, verb))


def run_saved(
    parts: Parts, who: Who, saved: SavedPlan, on_event: OnEvent, cancel: Cancel
) -> Outcome:
    """Do what the saved plan says; see `Control.run_plan`."""
    if saved.owner != who.owner:
        raise WrongUse(f"the saved plan is for an app of {saved.owner or 'nobody'}'s")
    request = planned.request_of(parts, saved)
    app = scaled(request.app, request.scale)
    check(app, site_of(parts), parts.cluster.storage)
    road = Road(parts, who, replace(request, app=app), on_event, cancel, "up", expected=saved)
    return travel(road)
