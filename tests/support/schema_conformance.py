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

from nap_compose.db.open import database_of
from nap_compose.db.schema import FOLDER, Migration, migrations
from nap_compose.db.store import SqlRecords
from nap_compose.errors import NapError

CHILD = """
import json, sys
from pathlib import Path
from nap_compose.db.open import database_of
from nap_compose.db.schema import migrations
from nap_compose.db.store import SqlRecords
from tests.support.records_conformance import cluster_of
print("at work", flush=True)
SqlRecords(database_of(cluster_of(json.loads(sys.argv[1]))), migrations(Path(sys.argv[2])))
print("done", flush=True)
"""


def with_one_more(folder: Path, text: str) -> tuple[Migration, ...]:
    """The migrations as a later nap has them."""
    shutil.copytree(FOLDER, folder)
    (folder / "0099_later.sql").write_text(text)
    return migrations(folder)


class SchemaConformance:
    """Inherited by `RecordsConformance`. `SLOW` is a query that takes minutes."""

    SLOW: str

    def opened(self, spec: dict[str, Any], known: tuple[Migration, ...]) -> SqlRecords:
        from tests.support.records_conformance import cluster_of

        return SqlRecords(database_of(cluster_of(spec)), known)

    @pytest.mark.parametrize("version", range(1, len(migrations())))
    def test_forward_from_each_older_version(self, spec: dict[str, Any], version: int) -> None:
        old = self.opened(spec, migrations()[:version])
        app = old.ensure_app("ada", "shop", "ada_shop")
        old.close()
        now = self.opened(spec, migrations())
        assert now.app("ada", "shop") == app
        assert now.audit() == [] and now.quotas() == []
        now.close()
        with pytest.raises(NapError, match=f"newer nap .*this one knows {version}"):
            self.opened(spec, migrations()[:version])

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
        assert after.app("ada", "shop") == app
        assert after.version() == 99
        after.close()
