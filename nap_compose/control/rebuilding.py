"""Making the records again: from the labels on the hosts, and the revisions in the state store.

What is on record stays as it is. Users, shares, quotas and the audit trail stand nowhere else:
those only a backup brings back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timezone

from nap_compose.border import Rebuilt
from nap_compose.clock import written
from nap_compose.cluster import revisions
from nap_compose.cluster.names import project_of
from nap_compose.cluster.observe import Whose
from nap_compose.cluster.view import ContainerView, View
from nap_compose.control.parts import Parts
from nap_compose.control.reading import CONTAINERS, warnings_of
from nap_compose.db.records import DeploymentRecord, RevisionRecord
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called

ORIGIN = "rebuilt from the hosts"
"""Stands in a deployment's record for the machine that it came from, which no label tells."""


@dataclass
class _Found:
    """What is known of one app: its project, its revisions with what is kept of them, and one
    container of each deployment that made any."""

    project: str = ""
    kept: Mapping[int, revisions.Kept] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    made: dict[str, ContainerView] = field(default_factory=dict)


def rebuild(parts: Parts) -> Rebuilt:
    """Enter the apps, revisions and deployments that aren't on record."""
    view = parts.look(only=CONTAINERS, whose=Whose())
    apps = _from_labels(view)
    for owner, app in revisions.apps(parts.store):
        found = apps.setdefault((owner, app), _Found(project_of(owner, app)))
        found.kept = revisions.kept(parts.store, owner, app)
        found.numbers |= set(found.kept)
    revised = deployed = 0
    bare: list[str] = []
    for (owner, app), found in sorted(apps.items()):
        record = parts.records.ensure_app(owner, app, found.project)
        there = {each.number for each in parts.records.revisions(record.id)}
        for number in sorted(found.numbers - there):
            kept = found.kept.get(number)
            parts.records.add_revision(_revision(record.id, number, kept, found))
            revised += 1
            if kept is None:
                bare.append(f"{app_called(owner, app)} {number}")
        known = {each.id for each in parts.records.deployments(record.id, 1000)}
        for place, container in enumerate(_in_order(found)):
            deployment = _deployment(record.id, container, place)
            if deployment.id not in known:
                parts.records.begin(deployment)
                deployed += 1
    names = tuple(app_called(owner, app) for owner, app in sorted(apps))
    return Rebuilt(names, revised, deployed, tuple(bare), warnings_of(view))


def _from_labels(view: View) -> dict[tuple[str, str], _Found]:
    apps: dict[tuple[str, str], _Found] = {}
    for container in view.containers():
        identity = container.identity
        if identity is None or not identity.by_nap or identity.oneoff:
            continue
        found = apps.setdefault((identity.owner, identity.app), _Found(identity.project))
        if identity.revision:
            found.numbers.add(identity.revision)
            found.made.setdefault(identity.deployment, container)
    return apps


def _revision(
    app_id: str, number: int, kept: revisions.Kept | None, found: _Found
) -> RevisionRecord:
    """The record; without a model where the state store hasn't got it any more."""
    if kept is not None:
        return RevisionRecord(app_id, number, kept.digest, kept.sealed, "", kept.created)
    first = min(
        each.created
        for each in found.made.values()
        if each.identity and each.identity.revision == number
    )
    return RevisionRecord(app_id, number, "", "", "", _utc(first))


def _in_order(found: _Found) -> list[ContainerView]:
    """A container of each deployment, the oldest first."""
    return sorted(
        found.made.values(),
        key=lambda each: (each.created, each.identity.revision if each.identity else 0),
    )


def _deployment(app_id: str, container: ContainerView, place: int) -> DeploymentRecord:
    """The deployment that made this container, which is there: so it went well.

    Hosts tell whole seconds; `place` keeps those of one second in their order.
    """
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    made = _utc(container.created, min(place, 999))
    return DeploymentRecord(
        id=identity.deployment,
        app_id=app_id,
        revision=identity.revision,
        verb="up",
        author="",
        origin=ORIGIN,
        started=made,
        ended=made,
        outcome="done",
    )


def _utc(seconds: int, milliseconds: int = 0) -> str:
    at = datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=milliseconds * 1000)
    return written(at)
