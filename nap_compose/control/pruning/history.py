"""The history of apps: deployments and revisions that are older than anybody asks after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from nap_compose.border import PrunedRow, Target
from nap_compose.clock import written
from nap_compose.control.history import past
from nap_compose.control.parts import Parts
from nap_compose.db.records import AppRecord
from nap_compose.text import app_called

HISTORY = 20
"""So many of an app's last revisions and deployments stay on record, however old they are."""


def prune_history(parts: Parts, older_than: float, *, dry_run: bool) -> Iterator[PrunedRow]:
    """Forget what ended more than so many seconds ago. Raises RecordsAway."""
    limit = moment_before(older_than)
    for app in parts.records.apps():
        yield from _of(parts, app, limit, dry_run)


def moment_before(seconds: float) -> str:
    """The moment so long ago, as the records write moments."""
    return written(datetime.now(timezone.utc) - timedelta(seconds=seconds))


def _of(parts: Parts, app: AppRecord, limit: str, dry_run: bool) -> Iterator[PrunedRow]:
    """The old deployments and revisions of an app, but for the last ones and for what runs."""
    known = past(parts, Target(app.name, app.owner))
    running = known.last_deployment(known.current)
    deployments = [
        each.id
        for each in known.deployments[HISTORY:]
        if each.ended and each.ended < limit and each != running
    ]
    kept = {each.revision for each in known.deployments if each.id not in set(deployments)}
    revisions = [
        each.number
        for each in known.revisions[HISTORY:]
        if each.created < limit and each.number not in kept
    ]
    for kind, gone in (("deployments", deployments), ("revisions", revisions)):
        if gone:
            yield PrunedRow(kind, f"{len(gone)} of {app_called(app.owner, app.name)}")
    if (deployments or revisions) and not dry_run:
        parts.records.forget(app.id, deployments, revisions)
