"""The records' tables: numbered migrations, each run once, by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.db.database import Database, Fault
from nap_compose.errors import NapError
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


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Every migration, in the order they are run."""
    found = sorted(folder.glob("[0-9]*.sql"))
    return tuple(Migration(int(path.name.partition("_")[0]), path) for path in found)


def migrate(database: Database, connection: Any, known: tuple[Migration, ...]) -> None:
    """Bring the tables to the newest of `known`. Raises NapError where they are newer already."""
    if version(database, connection, known) == known[-1].version:
        return
    with database.migrating(connection):
        database.run(connection, _VERSIONS)
        # Asked again: another process may have migrated while this one waited for its turn.
        there = version(database, connection, known)
        for migration in known:
            if migration.version > there:
                for statement in migration.statements():
                    database.run(connection, statement)
                database.run(
                    connection,
                    "INSERT INTO schema_version (version, name, applied) VALUES (?, ?, ?)",
                    (migration.version, migration.path.stem, utc_now()),
                )


def version(database: Database, connection: Any, known: tuple[Migration, ...]) -> int:
    """The version of the tables that are there, 0 where there are none.

    Raises NapError where it is newer than any of `known`.
    """
    there = found(database, connection)
    if there > known[-1].version:
        raise NapError(
            f"{database.name} was written by a newer nap "
            f"(schema {there}, this one knows {known[-1].version})",
            hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
        )
    return there


def found(database: Database, connection: Any) -> int:
    """The version of the tables that are there, whether this nap knows it or not."""
    try:
        rows = database.run(connection, "SELECT max(version) FROM schema_version")
    except database.errors as error:
        if database.fault(error) is Fault.NO_TABLE:
            return 0
        raise
    return int(rows[0][0] or 0)
