"""Apps that are on record and have no containers: how each of them is."""

from __future__ import annotations

from collections.abc import Collection

from nap_compose.border import AppRow
from nap_compose.db.records import DeploymentRecord, Records


def without_containers(
    records: Records, found: Collection[tuple[str, str]], *, all_seen: bool
) -> list[AppRow]:
    """A row for each app on record that isn't among those `found`, by (owner, app); `all_seen`:
    every host answered. Raises RecordsAway."""
    last = records.last_deployments()
    rows = []
    for app in records.apps():
        if (app.owner, app.name) in found:
            continue
        deployment = last.get(app.id)
        rows.append(
            AppRow(
                app.owner,
                app.name,
                services=0,
                running=0,
                containers=0,
                revision=deployment.revision if deployment else 0,
                standing=standing(deployment, all_seen=all_seen),
            )
        )
    return rows


def standing(last: DeploymentRecord | None, *, all_seen: bool) -> str:
    """How an app without containers is, after its last deployment (None: there was none)."""
    if last is None:
        return "never deployed"
    if last.outcome == "running":
        return "deploying"
    if last.outcome == "done":
        if last.verb == "down":
            return "down"
        return "no containers" if all_seen else "not seen"
    return last.outcome
