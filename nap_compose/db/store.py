"""The records over any database: all groups of tables together."""

from __future__ import annotations

from nap_compose.db import schema
from nap_compose.db.database import Database
from nap_compose.db.sql_apps import SqlApps
from nap_compose.db.sql_people import SqlPeople
from nap_compose.db.sql_trail import SqlTrail


class SqlRecords(SqlApps, SqlPeople, SqlTrail):
    """The Records in a database, whose tables are made or brought up to date at once."""

    def __init__(
        self, database: Database, known: tuple[schema.Migration, ...] | None = None
    ) -> None:
        super().__init__(database)
        known = known or schema.migrations()
        self._known = known
        self._attempt(lambda connection: schema.migrate(database, connection, known))

    def version(self) -> int:
        """The schema's version."""
        return self._attempt(
            lambda connection: schema.version(self._database, connection, self._known)
        )
