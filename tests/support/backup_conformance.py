"""Backups: what every records database must do with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.clock import utc_now
from nap_compose.db.keeper import Keeper
from nap_compose.db.open import database_of, open_records
from nap_compose.db.people import QuotaRecord, ShareRecord, UserRecord
from nap_compose.db.records import DeploymentRecord, Records, RevisionRecord, StepRecord
from nap_compose.db.schema import migrations
from nap_compose.db.sqlite import SqliteDatabase
from nap_compose.db.store import SqlRecords
from nap_compose.db.tables import TABLES
from nap_compose.db.trail import first_fault
from nap_compose.errors import BadFile, NapError
from tests.support.trail_conformance import entry, mark

MANY = 45
"""More rows than are read at once."""


def filled(records: Records) -> None:
    """Something in every table, and in some of them more than is read at once."""
    records.see_user(UserRecord("id-1", "ada", "Ada ☂", "user", ("staff",), "then", "now"))
    records.set_quota(QuotaRecord("ada", "memory", 2**40, "root", "now"))
    for number in range(MANY):
        app = records.ensure_app("ada", f"app{number}", f"ada_app{number}")
        records.add_revision(RevisionRecord(app.id, 1, "d", "x" * 1000, "ada", utc_now()))
        records.add_audit(entry(str(number), detail="two\nlines"), mark)
    records.add_revision(RevisionRecord(app.id, 2, "d", "sealed\t%s?", "ada", utc_now()))
    records.share(ShareRecord(app.id, "bob", "view", "ada", "now"))
    records.begin(DeploymentRecord("d1", app.id, 2, "up", "ada", "here", utc_now()))
    records.add_steps([StepRecord("d1", f"s{n}", "h1", "web.1", "done", "", "") for n in range(50)])


def pieces(whole: bytes, size: int = 1000) -> Iterator[bytes]:
    """As it comes over a stream."""
    yield from (whole[at : at + size] for at in range(0, len(whole), size))


class BackupConformance:
    """Inherited by `RecordsConformance`, whose fixtures it uses."""

    @pytest.fixture
    def keeper(self, spec: dict[str, Any]) -> Iterator[Keeper]:
        from tests.support.records_conformance import cluster_of

        keeper = Keeper(database_of(cluster_of(spec)))
        yield keeper
        keeper.close()

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Iterator[Keeper]:
        """An empty database of another kind, or another file."""
        keeper = Keeper(SqliteDatabase(tmp_path / "elsewhere" / "records.sqlite"))
        yield keeper
        keeper.close()

    def test_every_table_is_in_a_backup(self, records: Records, keeper: Keeper) -> None:
        """A table that is new in the schema must be new in `db/tables.py`."""
        made = "".join(m.path.read_text() for m in migrations()).split(
            "CREATE TABLE IF NOT EXISTS "
        )
        assert {text.split(" ")[0] for text in made[1:]} == set(TABLES) == set(keeper.rows())

    def test_there_and_back(self, records: Records, keeper: Keeper, elsewhere: Keeper) -> None:
        filled(records)
        first = b"".join(keeper.backup("lab"))
        done = elsewhere.restore(pieces(first))
        assert (done.cluster, done.version) == ("lab", len(migrations()))
        assert done.rows == keeper.rows() == elsewhere.rows()
        assert done.rows["audit"] == MANY and done.rows["revisions"] == MANY + 1
        second = b"".join(elsewhere.backup("lab"))
        assert first.splitlines()[1:-1] == second.splitlines()[1:-1]

    def test_into_an_empty_server(
        self, spec: dict[str, Any], keeper: Keeper, elsewhere: Keeper
    ) -> None:
        """What was restored is worked with as what was there before."""
        from tests.support.records_conformance import cluster_of

        source = SqlRecords(elsewhere._database)
        filled(source)
        assert keeper.version() == 0
        keeper.restore(elsewhere.backup("lab"))
        now = open_records(cluster_of(spec))
        assert now.apps() == source.apps() and now.users() == source.users()
        assert now.audit() == source.audit() and first_fault(now, mark) == ""
        now.add_audit(entry("one more"), mark)
        assert first_fault(now, mark) == ""
        assert now.ensure_app("ada", "app0", "p") == source.app("ada", "app0")
        source.close()
        now.close()

    @pytest.mark.parametrize("version", range(1, len(migrations())))
    def test_a_backup_of_an_older_nap(
        self, elsewhere: Keeper, keeper: Keeper, version: int
    ) -> None:
        old = SqlRecords(elsewhere._database, migrations()[:version])
        app = old.ensure_app("ada", "shop", "ada_shop")
        keeper.migrate()  # the tables are there already, empty and newer
        done = keeper.restore(Keeper(elsewhere._database, migrations()[:version]).backup("lab"))
        assert done.version == version and keeper.version() == len(migrations())
        now = SqlRecords(keeper._database)
        assert now.app("ada", "shop") == app
        now.add_audit(entry("first"), mark)
        assert first_fault(now, mark) == ""
        now.close()
        old.close()

    def test_never_over_records(self, records: Records, keeper: Keeper) -> None:
        app = records.ensure_app("ada", "shop", "ada_shop")
        backup = list(keeper.backup("lab"))
        with pytest.raises(NapError, match=r"holds records already \(apps: 1\)") as caught:
            keeper.restore(backup)
        assert caught.value.hint
        assert records.app("ada", "shop") == app

    @pytest.mark.parametrize("how", ["cut", "cut in a line", "changed", "a row less", "no backup"])
    def test_a_damaged_backup_leaves_nothing(
        self, keeper: Keeper, elsewhere: Keeper, how: str
    ) -> None:
        source = SqlRecords(elsewhere._database)
        filled(source)
        source.close()
        lines = list(elsewhere.backup("lab"))
        damaged = {
            "cut": lines[:-1],
            "cut in a line": [*lines[:-5], lines[-5][:20]],
            "changed": [line.replace(b'"Ada ', b'"Eve ') for line in lines],
            "a row less": [*lines[:20], *lines[21:]],
            "no backup": [b'{"apps": []}\n'],
        }[how]
        with pytest.raises(BadFile):
            keeper.restore(damaged)
        assert sum(count for table, count in keeper.rows().items() if table != "audit_head") == 0
        keeper.restore(lines)
        assert keeper.rows()["apps"] == MANY

    def test_a_backup_of_a_newer_nap_is_refused(self, records: Records, keeper: Keeper) -> None:
        head, *rest = keeper.backup("lab")
        newer = json.dumps({**json.loads(head), "schema": 99}).encode() + b"\n"
        with pytest.raises(NapError, match="newer nap"):
            keeper.restore([newer, *rest])
        assert keeper.version() == len(migrations())
