"""The calls about the records as a whole, carried out here and now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Migrated,
        Rebuilt,
        RecordsStatus,
        Rekeyed,
        RestoredRecords,
    )


class LocalRecords(Local):
    """See `border.RecordKeeping`."""

    def records_status(self) -> RecordsStatus:
        """How the records stand."""
        from nap_compose.control.keeping import status

        return status(self._parts)

    def migrate_records(self) -> Migrated:
        """Bring the tables to the version that this nap knows."""
        from nap_compose.control.keeping import migrate

        done = migrate(self._parts)
        with self._act("db migrate") as act:
            act.detail = f"from schema {done.before} to {done.after}"
        return done

    def backup_records(self) -> Iterator[bytes]:
        """A backup, in lines."""
        with self._act("db backup"):
            yield from self._parts.keeper.backup(self._parts.cluster.name)

    def restore_records(self, backup: Iterable[bytes], *, replace: bool = False) -> RestoredRecords:
        """Take a backup into a database that is empty, or in the place of the records there."""
        from nap_compose.control.keeping import replace as in_place_of
        from nap_compose.control.keeping import restore

        done = (in_place_of if replace else restore)(self._parts, backup)
        with self._act("db restore") as act:
            act.detail = f"the backup of {done.made}" + (f"; {done.fault}" if done.fault else "")
        return done

    def rekey_records(self) -> Rekeyed:
        """Seal all that rests sealed with the newest key."""
        from nap_compose.control.rekeying import rekey

        with self._act("db rekey") as act:
            done = rekey(self._parts, self._who)
            act.detail = f"{done.revisions} revisions, {done.files} files, {done.records} records"
        return done

    def rebuild_records(self) -> Rebuilt:
        """Make apps, revisions and deployments again that aren't on record."""
        from nap_compose.control.rebuilding import rebuild

        with self._act("db rebuild"):
            return rebuild(self._parts)
