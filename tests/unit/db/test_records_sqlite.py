"""The SQLite records do what every records database must do; and what is SQLite's alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nap_compose.db import schema
from nap_compose.db.before import Before, NotSaved
from nap_compose.db.keeper import Keeper
from nap_compose.db.records import OtherSchema, RecordsAway
from nap_compose.db.schema import Migration, migrations
from nap_compose.db.sqlite import SqliteDatabase
from nap_compose.db.store import SqlRecords
from nap_compose.db.trail import first_fault
from nap_compose.errors import NapError
from tests.support.records_conformance import RecordsConformance
from tests.support.schema_conformance import with_one_more
from tests.support.trail_conformance import entry, mark


class TestSqlite(RecordsConformance):
    SLOW = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
        " SELECT max(i) FROM n"
    )

    @pytest.fixture
    def spec(self, tmp_path: Path) -> dict[str, Any]:
        return {"state_dir": str(tmp_path / "state")}


def records(path: Path, known: tuple[Migration, ...] | None = None) -> SqlRecords:
    return SqlRecords(SqliteDatabase(path), known, before=Before(path.parent / "kept", "lab"))


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "records.sqlite"
    kept = records(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    kept.close()


def test_a_later_migration_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    first = records(path)
    app = first.ensure_app("ada", "shop", "ada_shop")
    first.close()
    text = "-- a comment; with a semicolon\nCREATE TABLE later (\n  a TEXT\n);\n"
    known = with_one_more(tmp_path / "migrations", text)
    later = records(path, known)
    assert later.app("ada", "shop") == app
    later.close()
    with sqlite3.connect(path) as sql:
        assert sql.execute("SELECT * FROM later").fetchall() == []
        rows = sql.execute("SELECT version, name FROM schema_version ORDER BY version").fetchall()
    assert rows == [(each.version, each.path.stem) for each in known]
    records(path, known).close()


def test_what_a_newer_schema_has_no_more_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    renamed = "ALTER TABLE quotas RENAME COLUMN amount TO most;\nDROP TABLE shares;\n"
    known = with_one_more(tmp_path / "migrations", renamed)
    records(path, known).close()
    kept = records(path)
    assert kept.apps() == []
    for question in (kept.quotas, lambda: kept.shares("x"), kept.check_writable):
        with pytest.raises(OtherSchema, match=r"newer nap \(schema 99, this one knows \d\)"):
            question()
    kept.close()


def test_without_a_backup_nothing_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    first = records(path, migrations()[:1])
    app = first.ensure_app("ada", "shop", "ada_shop")
    first.close()
    (tmp_path / "kept").write_text("a file where the folder should be")
    now = records(path)
    assert now.apps() == [app]
    with pytest.raises(OtherSchema, match="older nap"):
        now.check_writable()
    with pytest.raises(NotSaved, match="can't be written") as caught:
        Keeper(SqliteDatabase(path)).migrate(Before(tmp_path / "kept", "lab"))
    assert "nothing was changed" in str(caught.value.hint)
    (tmp_path / "kept").unlink()
    now.close()
    now = records(path)
    now.check_writable()
    now.close()


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    records(path).close()
    broken = "CREATE TABLE later (a TEXT);\nCREATE TABLE later (a TEXT);\n"
    known = with_one_more(tmp_path / "migrations", broken)
    with pytest.raises(NapError, match="already exists"):
        records(path, known)
    records(path).close()
    with sqlite3.connect(path) as sql:
        names = {row[0] for row in sql.execute("SELECT name FROM sqlite_master")}
    assert "later" not in names and "apps" in names


def test_migrations_are_numbered_without_a_gap() -> None:
    versions = [migration.version for migration in migrations()]
    assert versions == list(range(1, len(versions) + 1))
    for migration in migrations():
        assert list(migration.statements())


def test_a_migration_that_ends_in_a_statement_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "0001_x.sql").write_text("CREATE TABLE a (b TEXT)\n")
    with pytest.raises(ValueError, match="middle of a statement"):
        list(schema.migrations(tmp_path)[0].statements())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    path.write_text("not a database, not at all\n" * 100)
    with pytest.raises(
        RecordsAway, match=r"records file .*records\.sqlite can't be used"
    ) as caught:
        records(path)
    assert caught.value.hint


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordsAway, match="can't be used"):
        records(tmp_path / "file" / "state" / "records.sqlite")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE audit SET person = 'eve' WHERE seq = 2", "row 2 was changed"),
        ("UPDATE audit SET hosts = '', outcome = 'done' WHERE seq = 3", "row 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", "row 1 is missing"),
        ("DELETE FROM audit WHERE seq = 3", "ends with row 2, and its head says 3"),
        ("DELETE FROM audit", "ends with row 0, and its head says 3"),
        ("UPDATE audit_head SET mark = 'x'", "wasn't marked with this cluster's key"),
    ],
)
def test_a_trail_that_was_changed_is_found_out(tmp_path: Path, change: str, told: str) -> None:
    path = tmp_path / "records.sqlite"
    kept = records(path)
    for act in ("a", "b", "c"):
        kept.add_audit(entry(act), mark)
    assert first_fault(kept, mark) == ""
    with sqlite3.connect(path) as sql:
        sql.execute(change)
    assert told in first_fault(kept, mark)
    kept.close()
