"""The records as a whole: how they stand, their version, and taking in a backup."""

from __future__ import annotations

from collections.abc import Iterable

from nap_compose.border import Migrated, RecordsStatus, RestoredRecords
from nap_compose.control.parts import Parts
from nap_compose.db.open import before_of

MOST = 10_000
"""Rows of the audit trail that an otherwise empty database may have before a restore."""


def status(parts: Parts) -> RecordsStatus:
    """How the records stand; nothing is changed, also where the tables are of another version."""
    keeper = parts.keeper
    return RecordsStatus(
        database=keeper.name,
        version=keeper.version(),
        known=keeper.newest,
        rows=keeper.rows(),
        late=parts.late_records.count(),
    )


def migrate(parts: Parts) -> Migrated:
    """Bring the tables to the version that this nap knows, once a backup of what they hold is on
    this machine's disk."""
    before = before_of(parts.cluster)
    was, now = parts.keeper.migrate(before)
    return Migrated(parts.keeper.name, was, now, str(before.path or ""))


def restore(parts: Parts, backup: Iterable[bytes], *, in_place_since: str = "") -> RestoredRecords:
    """Take in a backup; see `db.backup.restore`. What the audit trail has of the time before goes
    on after that of the backup.

    `in_place_since` says that it takes the place of the records that are there; what their trail
    has since then goes on as well.
    """
    keeper = parts.keeper
    there = keeper.rows().get("audit")
    before = keeper.audit(after=0, since=in_place_since, limit=MOST) if there else ()
    try:
        found = keeper.restore(backup, replace=bool(in_place_since))
    finally:
        # Also where the backup was damaged: the tables were emptied for it.
        if before:
            keeper.migrate()
        for row in before:
            keeper.add_audit(row, parts.mark)
    return RestoredRecords(keeper.name, found.cluster, found.made, found.version, found.rows)
