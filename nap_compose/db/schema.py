"""The records' tables: numbered migrations, each run once, by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from nap_compose.clock import utc_now
from nap_compose.db.database import Database, Fault
from nap_compose.db.records import OtherSchema
from nap_compose.plaindata import dataclass

FOLDER = Path(__file__).with_name("migrations")

_VERSIONS = """CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, applied VARCHAR(24) NOT NULL
)"""


@dataclass(frozen=True)
class Migration:
    """One file: its number, which is the schema's version afterwards, and its name."""

    version: int
    path: Path

    def statements(self) -> Iterator[str]:
        """The file's statements. Each ends with the line that ends with a semicolon."""
        lines: list[str] = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith("--") or not line.strip():
                continue
            lines.append(line)
            if line.rstrip().endswith(";"):
                yield "\n".join(lines).rstrip().removesuffix(";")
                lines = []
        if lines:
            raise ValueError(f"{self.path.name} ends in the middle of a statement")


class Saving(Protocol):
    """Who keeps the records as they were; see `db.before`."""

    def save(
        self, database: Database, connection: Any, known: tuple[Migration, ...], version: int
    ) -> None: ...


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Every migration, in the order they are run."""
    found = sorted(folder.glob("[0-9]*.sql"))
    return tuple(Migration(int(path.name.partition("_")[0]), path) for path in found)


def migrate(
    database: Database,
    connection: Any,
    known: tuple[Migration, ...],
    before: Saving | None = None,
) -> None:
    """Bring the tables to the newest of `known`. `before` saves what older ones hold, while nobody
    else migrates; what it raises is the end of it.

    Raises OtherSchema where they are newer already.
    """
    if version(database, connection, known) == known[-1].version:
        return
    with database.migrating(connection):
        database.run(connection, _VERSIONS)
        # Asked again: another process may have migrated while this one waited for its turn.
        there = version(database, connection, known)
        if before is not None and 0 < there < known[-1].version:
            before.save(database, connection, known, there)
        missing = [migration for migration in known if migration.version > there]
        for migration in missing:
            for statement in migration.statements():
                database.run(connection, statement)
            if there:
                _note(database, connection, migration)
        # New tables have no version until all are there: who comes meanwhile waits for its turn,
        # and doesn't take them for those of an older nap. With the newest it is complete.
        for migration in () if there else reversed(missing):
            _note(database, connection, migration)


def _note(database: Database, connection: Any, done: Migration) -> None:
    database.run(
        connection,
        "INSERT INTO schema_version (version, name, applied) VALUES (?, ?, ?)",
        (done.version, done.path.stem, utc_now()),
    )


def version(database: Database, connection: Any, known: tuple[Migration, ...]) -> int:
    """The version of the tables that are there, 0 where there are none.

    Raises OtherSchema where it is newer than any of `known`.
    """
    there = found(database, connection)
    if there > known[-1].version:
        raise other(database, there, known)
    return there


def other(database: Database, there: int, known: tuple[Migration, ...]) -> OtherSchema:
    """What is to be said of tables that aren't of the newest version."""
    newest = known[-1].version
    if not there:
        return OtherSchema(
            f"{database.name} has no tables any more: they were taken away, or are being restored",
            hint="nap db status shows what is there",
        )
    if there > newest:
        return OtherSchema(
            f"{database.name} was written by a newer nap (schema {there}, this one knows "
            f"{newest}), so this one only reads",
            hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
        )
    return OtherSchema(
        f"{database.name} was written by an older nap (schema {there}, this one writes {newest}), "
        "and is only read until it is brought up to date",
        hint="once every machine has the new nap, an admin does that: nap db migrate",
    )


def found(database: Database, connection: Any) -> int:
    """The version of the tables that are there, whether this nap knows it or not."""
    try:
        rows = database.run(connection, "SELECT max(version) FROM schema_version")
    except database.errors as error:
        if database.fault(error) is Fault.NO_TABLE:
            return 0
        raise
    return int(rows[0][0] or 0)
