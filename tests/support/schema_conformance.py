"""Migrations: what every records database must do with them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nap_compose.db.before import KEPT, Before
from nap_compose.db.database import Database
from nap_compose.db.keeper import Keeper
from nap_compose.db.open import database_of
from nap_compose.db.records import OtherSchema
from nap_compose.db.schema import FOLDER, Migration, migrations
from nap_compose.db.sqlite import SqliteDatabase
from nap_compose.db.store import SqlRecords
from nap_compose.exits import Exit

CHILD = """
import json, sys
from pathlib import Path
from nap_compose.db.before import Before
from nap_compose.db.schema import migrations
from nap_compose.db.store import SqlRecords
from tests.support.schema_conformance import database_for, kept_in
spec = json.loads(sys.argv[1])
(kept_in(spec) / "left.draft").write_text("by one that was killed earlier")
print("at work", flush=True)
SqlRecords(database_for(spec), migrations(Path(sys.argv[2])), before=Before(kept_in(spec), "lab"))
print("done", flush=True)
"""


def database_for(spec: dict[str, Any]) -> Database:
    """The database of the suite that is run."""
    from tests.support.records_conformance import cluster_of

    return database_of(cluster_of(spec))


def kept_in(spec: dict[str, Any]) -> Path:
    """Where backups go that are made before a migration."""
    folder = Path(spec["state_dir"]) / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def with_one_more(folder: Path, text: str) -> tuple[Migration, ...]:
    """The migrations as a later nap has them."""
    shutil.copytree(FOLDER, folder)
    (folder / "0099_later.sql").write_text(text)
    return migrations(folder)


class SchemaConformance:
    """Inherited by `RecordsConformance`. `SLOW` is a query that takes minutes."""

    SLOW: str

    def opened(self, spec: dict[str, Any], known: tuple[Migration, ...]) -> SqlRecords:
        """As a nap that knows these migrations opens what is its own, with backups in `kept`."""
        return SqlRecords(database_for(spec), known, before=Before(kept_in(spec), "lab"))

    @pytest.mark.parametrize("version", range(1, len(migrations())))
    def test_forward_from_each_older_version(self, spec: dict[str, Any], version: int) -> None:
        known = migrations()[:version]
        old = self.opened(spec, known)
        app = old.ensure_app("ada", "shop", "ada_shop")
        now = self.opened(spec, migrations())
        assert now.app("ada", "shop") == app
        assert now.audit() == [] and now.quotas() == []
        now.ensure_app("ada", "later", "ada_later")
        # The older nap reads, also what the newer one wrote, and writes nothing.
        for each in (old, self.opened(spec, known)):
            assert [found.name for found in each.apps()] == ["later", "shop"]
            with pytest.raises(OtherSchema, match=f"newer nap .*this one knows {version}") as no:
                each.ensure_app("ada", "third", "ada_third")
            assert no.value.hint and no.value.exit_code == Exit.FAILED
            with pytest.raises(OtherSchema):
                each.check_writable()
            each.close()
        assert len(now.apps()) == 2
        now.close()

    def test_what_others_share_waits_for_an_admin(self, spec: dict[str, Any]) -> None:
        old = self.opened(spec, migrations()[:1])
        app = old.ensure_app("ada", "shop", "ada_shop")
        database = database_for(spec)
        now = SqlRecords(database)
        assert now.apps() == [app]
        for question in (now.quotas, now.check_writable):  # of a table that isn't there, and any
            with pytest.raises(OtherSchema, match=r"older nap \(schema 1, ") as no:
                question()
            assert "nap db migrate" in str(no.value.hint)
        with pytest.raises(OtherSchema):
            now.ensure_app("ada", "later", "ada_later")
        old.ensure_app("ada", "second", "ada_second")  # for the older nap all is as it was
        keeper = Keeper(database)
        assert keeper.migrate(Before(kept_in(spec), "lab")) == (1, len(migrations()))
        now.check_writable()
        now.ensure_app("ada", "later", "ada_later")
        with pytest.raises(OtherSchema, match="newer nap"):
            old.ensure_app("ada", "fourth", "ada_fourth")
        for each in (old, now, keeper):
            each.close()

    def test_back_to_the_nap_before(self, spec: dict[str, Any], tmp_path: Path) -> None:
        """What a migration keeps is what was there, for the nap that wrote it."""
        known = migrations()[:-1]
        old = self.opened(spec, known)
        app = old.ensure_app("ada", "shop", "ada_shop")
        old.close()
        now = self.opened(spec, migrations())
        now.ensure_app("ada", "later", "ada_later")
        now.close()
        (kept,) = kept_in(spec).iterdir()
        assert kept.name.endswith(f"-schema-{len(known)}.json")
        assert kept.stat().st_mode & 0o777 == 0o600
        elsewhere = SqliteDatabase(tmp_path / "elsewhere" / "records.sqlite")
        keeper = Keeper(elsewhere, known)
        keeper.restore([kept.read_bytes()])
        back = SqlRecords(elsewhere, known)
        assert back.apps() == [app]
        back.ensure_app("ada", "another", "ada_another")
        for each in (keeper, back):
            each.close()

    def test_the_last_migrations_are_kept(self, spec: dict[str, Any], tmp_path: Path) -> None:
        self.opened(spec, migrations()).close()
        folder = tmp_path / "later"
        known = with_one_more(folder, "CREATE TABLE IF NOT EXISTS later (a INTEGER);\n")
        for number in range(100, 100 + KEPT):
            self.opened(spec, known).close()
            text = f"CREATE TABLE IF NOT EXISTS later{number} (a INTEGER);\n"
            (folder / f"0{number}_later.sql").write_text(text)
            known = migrations(folder)
        self.opened(spec, known).close()
        kept = sorted(each.name.partition("-")[2] for each in kept_in(spec).iterdir())
        assert kept == [f"schema-{n}.json" for n in (100, 101, 99)]

    def test_killed_in_mid_migration(self, spec: dict[str, Any], tmp_path: Path) -> None:
        """Whoever comes next isn't kept waiting, and goes on."""
        first = self.opened(spec, migrations())
        app = first.ensure_app("ada", "shop", "ada_shop")
        first.close()
        text = "CREATE TABLE IF NOT EXISTS later (a INTEGER);\n"
        known = with_one_more(tmp_path / "later", f"{text}{self.SLOW};\n")
        argv = [sys.executable, "-c", CHILD, json.dumps(spec), str(tmp_path / "later")]
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline() == "at work\n"
        time.sleep(1.5)
        assert child.poll() is None
        child.kill()
        assert child.communicate()[0] == ""
        known[-1].path.write_text(text)
        before = time.monotonic()
        after = self.opened(spec, known)
        assert time.monotonic() - before < 15
        # Each had its own backup; one that a killed process didn't end is gone.
        kept = [each.name.partition("-")[2] for each in kept_in(spec).iterdir()]
        assert kept == [f"schema-{len(migrations())}.json"] * 2
        assert after.app("ada", "shop") == app
        assert after.version() == 99
        after.close()
