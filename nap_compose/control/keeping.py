"""The records as a whole: how they stand, their version, and taking in a backup."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nap_compose.clock import utc_now
from nap_compose.cluster.private_files import drafted, make_private_dir, settle_on_disk
from nap_compose.control.border import Migrated, RecordsStatus, RestoredRecords
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError

BEFORE = "before-migrations"
"""Where backups go that were made before a migration, in the state directory."""
KEPT = 3
"""So many of them are kept."""

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
    keeper = parts.keeper
    saved = ""
    if 0 < keeper.version() < keeper.newest:
        saved = str(_saved(parts, keeper.version()))
    before, after = keeper.migrate()
    return Migrated(keeper.name, before, after, saved)


def _saved(parts: Parts, version: int) -> Path:
    """A backup of the records as they are; those of the last migrations are kept."""
    folder = parts.cluster.state_dir / BEFORE
    make_private_dir(folder)
    moment = utc_now().replace(":", "").replace("-", "").replace(".", "")
    path = folder / f"{moment}-schema-{version}.json"
    try:
        with drafted(path, path.with_suffix(".draft"), 0o600) as file:
            for line in parts.keeper.backup(parts.cluster.name):
                file.write(line)
            settle_on_disk(file)
    except OSError as error:
        raise NapError(
            f"the backup that goes before can't be written to {path}: {error.strerror}",
            hint="nothing was changed; make room there, or write one elsewhere with nap db backup",
        ) from None
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


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
