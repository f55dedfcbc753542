"""The records over any database: all groups of tables together."""

from __future__ import annotations

import contextlib
from typing import Any

from nap_compose.db import schema
from nap_compose.db.before import Before, NotSaved
from nap_compose.db.database import Database, Fault
from nap_compose.db.records import OtherSchema
from nap_compose.db.sql_apps import SqlApps
from nap_compose.db.sql_people import SqlPeople
from nap_compose.db.sql_trail import SqlTrail
from nap_compose.errors import NapError


class SqlRecords(SqlApps, SqlPeople, SqlTrail):
    """The Records in a database. Tables that aren't there are made at once.

    Those of an older nap are brought up to date where `before` keeps what they hold, and wait for
    somebody to do it where it is None. Until then, and where they are a newer nap's, what is there
    is read as far as this nap understands it, and each write raises OtherSchema.
    """

    def __init__(
        self,
        database: Database,
        known: tuple[schema.Migration, ...] | None = None,
        *,
        before: Before | None = None,
    ) -> None:
        super().__init__(database)
        self._known = known or schema.migrations()
        there = self._attempt(lambda connection: schema.found(database, connection))
        newest = self._known[-1].version
        if there == 0 or (before is not None and there < newest):
            # Where the disk has no room for the backup, what is there can still be read.
            with contextlib.suppress(NotSaved):
                self._attempt(
                    lambda connection: schema.migrate(database, connection, self._known, before)
                )

    def version(self) -> int:
        """The schema's version."""
        return self._attempt(
            lambda connection: schema.version(self._database, connection, self._known)
        )

    def check_writable(self) -> None:
        self._attempt(self._before_writing)

    def _before_writing(self, connection: Any) -> None:
        """Asked each time: another machine's nap may have migrated a moment ago."""
        there = schema.found(self._database, connection)
        if there != self._known[-1].version:
            raise schema.other(self._database, there, self._known)

    def _told(self, fault: Fault, error: BaseException) -> NapError:
        """A table or column that isn't there is no riddle where the schema is another."""
        if fault in (Fault.OTHER, Fault.NO_TABLE):
            try:
                self._before_writing(self._connection())
            except OtherSchema as told:
                return told
            except self._database.errors:
                pass
        return super()._told(fault, error)
