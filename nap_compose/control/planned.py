"""Plans that are kept for later: making one, and running it just as it was shown."""

from __future__ import annotations

from typing import Any

from nap_compose.border import Target, UpRequest
from nap_compose.cluster import revisions
from nap_compose.compose.model import App
from nap_compose.control.history import model, past
from nap_compose.control.parts import Parts
from nap_compose.errors import Away, BadFile, NapError, WrongUse
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.plan import Plan
from nap_compose.orchestration.saved import (
    SavedPlan,
    StalePlan,
    digest_of_steps,
    lines_of,
    what_was_seen,
)

_NOT_KEPT = (
    "app",
    "careful",
    "dry_run",
    "keep",
    "why",
    "without",
    "moves",
    "as_if",
    "supply",
    "contexts",
    "pins",
)
"""What of a request has no meaning when its plan is run."""


def saved_plan(parts: Parts, wish: Wish, plan: Plan, request: UpRequest) -> SavedPlan:
    """What is kept of a plan, whose `revision` is written down already."""
    options = {key: value for key, value in vars(request).items() if key not in _NOT_KEPT}
    return SavedPlan(
        cluster=parts.cluster.name,
        owner=plan.owner,
        app=plan.app,
        revision=plan.revision,
        digest=revisions.digest_of(request.app),
        options=options,
        seen=what_was_seen(wish.view, plan.owner, plan.app),
        steps=digest_of_steps(plan),
        lines=lines_of(plan),
    )


def request_of(parts: Parts, saved: SavedPlan) -> UpRequest:
    """What the saved plan's maker asked for, with the revision's model.

    Raises WrongUse where it is another cluster's, StalePlan where its revision isn't what it was,
    BadFile where its options are none.
    """
    if saved.cluster != parts.cluster.name:
        theirs, ours = (name or "the local engine" for name in (saved.cluster, parts.cluster.name))
        raise WrongUse(
            f"the saved plan is for {theirs}, and this is {ours}",
            hint="name its cluster file with --cluster",
        )
    try:
        request = UpRequest(app=_model(parts, saved), **_options(saved.options))
    except TypeError:
        raise BadFile("the saved plan asks for what no nap plan does") from None
    return request


def _model(parts: Parts, saved: SavedPlan) -> App:
    stale = StalePlan(
        f"revision {saved.revision} of {saved.app} isn't the one that the saved plan leads to",
        hint="make a new one: nap plan -o FILE",
    )
    try:
        known = past(parts, Target(saved.app, saved.owner))
        found = model(parts, known, saved.revision)
    except Away:
        raise
    except NapError:
        raise stale from None
    if revisions.digest_of(found) != saved.digest:
        raise stale
    return found


def _options(options: Any) -> dict[str, Any]:
    """The options with JSON's lists as the tuples that they were."""
    return {
        str(key): tuple(value) if isinstance(value, list) else value
        for key, value in dict(options).items()
        if key not in _NOT_KEPT
    }
