"""A revision is written down before anything is done: in the state store, and in the records."""

from __future__ import annotations

from nap_compose.border import Who
from nap_compose.clock import utc_now
from nap_compose.cluster import pins, revisions
from nap_compose.cluster.pins import Pins
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.db.records import RevisionRecord


def write_down(parts: Parts, who: Who, app: App, project: str, images: Pins) -> int:
    """Keep the model, and which images it runs; gives its number. The same model as the latest,
    with the same images, keeps that one's.

    A new number is new to the records too: they keep history, and outlive the state store.
    """
    store, owner = parts.store, who.owner
    latest = revisions.latest_number(store, owner, app.name)
    same = latest and revisions.digest(store, owner, app.name, latest) == revisions.digest_of(app)
    if same and pins.agree(images, pins.read(store, owner, app.name, latest)):
        pins.add(store, owner, app.name, latest, images)
        return latest
    record = parts.records.ensure_app(owner, app.name, project)
    recorded = parts.records.last_revision(record.id)
    number = max(latest, recorded.number if recorded else 0) + 1
    revision = revisions.write(
        store, parts.keyring.cipher, owner, app.name, number=number, model=app
    )
    pins.add(store, owner, app.name, number, images)
    parts.records.add_revision(
        RevisionRecord(
            app_id=record.id,
            number=revision.number,
            digest=revision.digest,
            sealed=revision.sealed,
            author=who.name,
            created=utc_now(),
        )
    )
    return revision.number
