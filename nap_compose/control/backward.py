"""The road of `nap rollback`: a revision that ran once is brought about again, from its model."""

from __future__ import annotations

from dataclasses import replace

from nap_compose.border import Cancel, Outcome, RollbackRequest, Target, UpRequest, Who
from nap_compose.cluster import pins
from nap_compose.control import upward
from nap_compose.control.history import Past, is_down, model, past
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.orchestration.events import OnEvent


def rollback(
    parts: Parts,
    who: Who,
    target: Target,
    request: RollbackRequest,
    on_event: OnEvent,
    cancel: Cancel,
) -> Outcome:
    """Bring the app back; see `Revisions.rollback`. The person's files are not asked.

    Its services run the very images that they ran then, whatever their names stand for by now.
    What the revision doesn't have goes, as it came after it. The model gets a new number, as
    every model that is deployed after another.
    """
    known = past(parts, target)
    number = request.revision or _what_ran_last(parts, target, known)
    if not number:
        raise NapError(
            f"{target.app} has no revision to go back to: it was deployed once",
            hint=f"nap history {target.app} lists its revisions",
        )
    wanted = UpRequest(
        app=model(parts, known, number),
        pins=pins.read(parts.store, target.owner, target.app, number),
        remove_orphans=True,
        timeout=request.timeout,
        grace=request.grace,
        dry_run=request.dry_run,
    )
    owner = replace(who, owner=target.owner)
    return upward.up(parts, owner, wanted, on_event, cancel, verb="rollback")


def _what_ran_last(parts: Parts, target: Target, known: Past) -> int:
    """The revision before the one that runs; after `down` the one that ran until then."""
    return known.current if is_down(parts, target, known) else known.previous
