"""Looking after the records as a whole: their version, backups, restoring. Nothing is migrated
unless it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nap_compose.db import backup, schema
from nap_compose.db.backup import Checked, Restored
from nap_compose.db.before import Before
from nap_compose.db.database import Database
from nap_compose.db.sql_trail import SqlTrail
from nap_compose.db.transactions import Clash
from nap_compose.errors import BadFile


class Keeper(SqlTrail):
    """One database, whatever its version, with its audit trail. Every method raises RecordsAway."""

    def __init__(
        self, database: Database, known: tuple[schema.Migration, ...] | None = None
    ) -> None:
        super().__init__(database)
        self._known = known or schema.migrations()

    @property
    def name(self) -> str:
        """The database's name for people."""
        return self._database.name

    @property
    def newest(self) -> int:
        """The version that this nap knows."""
        return self._known[-1].version

    def version(self) -> int:
        """The version of what is there, 0 for nothing. It may be newer than `newest`."""
        return self._attempt(lambda connection: schema.found(self._database, connection))

    def rows(self) -> dict[str, int]:
        """Table → how many rows it has."""
        return self._attempt(lambda connection: backup.counted(self._database, connection))

    def migrate(self, before: Before | None = None) -> tuple[int, int]:
        """Bring the tables to the newest version, once `before` has saved what they hold; gives the
        version before and the one after. Raises OtherSchema where they are newer, NotSaved."""
        version = self.version()
        self._attempt(
            lambda connection: schema.migrate(self._database, connection, self._known, before)
        )
        return version, self.version()

    def backup(self, cluster: str) -> Iterator[bytes]:
        """The lines of a backup."""
        with self._once() as connection:
            yield from backup.write(self._database, connection, self._known, cluster)

    def save(self, before: Before) -> None:
        """Write the records as they are now to a file that `before` names. Raises NotSaved."""
        with self._once() as connection:
            version = schema.version(self._database, connection, self._known)
            before.save(self._database, connection, self._known, version)

    def check(self, lines: Iterable[bytes]) -> Checked:
        """Read a backup to its end, and take nothing in; see `backup.check`."""
        return backup.check(self._known, lines)

    def restore(self, lines: Iterable[bytes], *, replace: bool = False) -> Restored:
        """Take in a backup; see `backup.restore`."""
        try:
            with self._once() as connection:
                return backup.restore(
                    self._database, connection, self._known, lines, replace=replace
                )
        except Clash as clash:
            raise BadFile(f"the backup is damaged, its rows don't fit together: {clash}") from None
