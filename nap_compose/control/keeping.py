"""The records as a whole: how they stand, their version, and taking in a backup."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace as with_
from typing import IO

from nap_compose.border import Migrated, RecordsStatus, RestoredRecords
from nap_compose.cluster.private_files import make_private_dir
from nap_compose.control.parts import Parts
from nap_compose.db.backup import Checked
from nap_compose.db.open import before_of
from nap_compose.db.trail import AuditRecord, first_fault
from nap_compose.errors import NapError

BEFORE_RESTORES = "before-restores"
"""Where the records are saved whose place a backup takes, in the state directory."""
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
    fault = ""
    try:
        found = keeper.restore(backup, replace=bool(in_place_since))
        fault = _fault_of_its_trail(parts)
    finally:
        # Also where the backup was damaged: the tables were emptied for it.
        if before:
            keeper.migrate()
        for row in before:
            keeper.add_audit(row, parts.mark)
    return RestoredRecords(
        keeper.name, found.cluster, found.made, found.version, found.rows, fault=fault
    )


def replace(parts: Parts, backup: Iterable[bytes]) -> RestoredRecords:
    """Take in a backup in the place of the records that are there.

    It is read to its end first, so that a damaged one changes nothing, and the records are saved
    on this machine's disk. Raises NapError where the audit trail that is there didn't begin as the
    backup's: nobody brings in another one.
    """
    keeper = parts.keeper
    if not keeper.version():
        return restore(parts, backup)
    make_private_dir(parts.cluster.state_dir)
    with tempfile.TemporaryFile(dir=parts.cluster.state_dir) as whole:
        for piece in backup:
            whole.write(piece)
        checked = keeper.check(_read(whole))
        since = _since(parts, checked)
        before = before_of(parts.cluster, BEFORE_RESTORES)
        keeper.save(before)
        try:
            found = keeper.restore(_read(whole), replace=True)
            for row in since:
                keeper.add_audit(row, parts.mark)
        except BaseException as error:
            raise NapError(
                f"the records couldn't be put in place: {error}",
                hint=f"as they were: {before.path}; nap db restore --replace takes it in",
            ) from error
    return RestoredRecords(
        *(keeper.name, found.cluster, found.made, found.version, found.rows),
        saved=str(before.path or ""),
    )


def _since(parts: Parts, backup: Checked) -> list[AuditRecord]:
    """What the audit trail has that the backup's hasn't yet."""
    keeper = parts.keeper
    if backup.trail is not None:
        seq, hash_ = backup.trail
        there = keeper.audit(after=seq - 1, limit=1)
        if not there or (there[0].seq, there[0].hash) != (seq, hash_):
            raise NapError(
                "the backup's audit trail isn't the beginning of the one that is there, which "
                "would be lost",
                hint="a backup of other records is restored into an empty database: make another "
                "one, and name it in the cluster file",
            )
    found: list[AuditRecord] = []
    after = backup.trail[0] if backup.trail else 0
    while rows := keeper.audit(after=after, limit=MOST):
        found += [with_(row, seq=0, hash="") for row in rows]
        after = rows[-1].seq
    return found


def _fault_of_its_trail(parts: Parts) -> str:
    fault = first_fault(parts.keeper, parts.mark) if parts.keeper.rows().get("audit") else ""
    return f"the backup's audit trail isn't whole: {fault}" if fault else ""


def _read(whole: IO[bytes]) -> Iterator[bytes]:
    whole.seek(0)
    while piece := whole.read(1 << 20):
        yield piece
