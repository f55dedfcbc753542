"""`nap db`: what it says, and what it ends with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Who
from nap_compose.cluster.cluster import Cluster, Logs
from nap_compose.control.local import LocalControl
from nap_compose.control.parts import Parts
from nap_compose.db.keeper import Keeper
from nap_compose.db.schema import migrations
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Result, nap

NEWEST = len(migrations())


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster("", {}, tmp_path / "state", Logs(tmp_path / "logs"))


def control_of(cluster: Cluster) -> Any:
    return LocalControl(cluster, Who("ada", ""))


def run(cluster: Cluster, *words: str, width: int = 0) -> Result:
    return nap("db", *words, control=control_of(cluster), width=width)


def test_status_changes_nothing(cluster: Cluster) -> None:
    told = run(cluster, "status")
    assert told.code == 1 and "none yet" in told.out
    assert run(cluster, "migrate").out.endswith(f"schema {NEWEST}, made new\n")
    assert run(cluster, "migrate").out.endswith(f": schema {NEWEST}\n")
    told = run(cluster, "status", "--format", "json")
    assert told.code == 0
    found = json.loads(told.out)
    assert (found["version"], found["known"], found["late"]) == (NEWEST, NEWEST, 0)
    assert found["rows"]["apps"] == 0


def test_status_of_an_older_and_of_a_newer_schema(cluster: Cluster) -> None:
    parts = Parts(cluster)
    older = Keeper(parts.keeper._database, migrations()[:1])
    older.migrate()
    told = run(cluster, "status")
    assert told.code == 1
    assert f"schema    1, this nap knows {NEWEST}: nap db migrate" in told.out
    told = run(cluster, "migrate")
    assert f"schema {NEWEST}, it was 1\nas they were: " in told.out
    (saved,) = (cluster.state_dir / "before-migrations").glob("*-schema-1.json")
    assert str(saved) in told.out and saved.stat().st_mode & 0o777 == 0o600
    assert json.loads(saved.read_text().splitlines()[0])["schema"] == 1
    assert "as they were" not in run(cluster, "migrate").out
    with older._once() as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, 'later', '')")
        connection.commit()
    told = run(cluster, "status")
    assert told.code == 1 and "bring nap up to date" in told.out
    told = run(cluster, "migrate")
    assert told.code == 1 and "newer nap" in told.err
    # What is there is read, and nothing written; also on the local engine, with its one person.
    control = LocalControl(cluster, Who("ada", ""))
    told = nap("audit", control=control)
    assert told.code == 0 and "db migrate" in told.out
    told = run(cluster, "rebuild")
    assert told.code == 1 and "so this one only reads" in told.err and "pip install" in told.err
    older.close()


def test_a_file_of_an_older_nap_is_brought_up_to_date_after_a_backup(cluster: Cluster) -> None:
    parts = Parts(cluster)
    older = Keeper(parts.keeper._database, migrations()[:1])
    older.migrate()
    older.close()
    assert nap("audit", control=LocalControl(cluster, Who("ada", ""))).code == 0
    (saved,) = (cluster.state_dir / "before-migrations").glob("*-schema-1.json")
    assert json.loads(saved.read_text().splitlines()[0])["schema"] == 1
    told = run(cluster, "status")
    assert told.code == 0 and f"schema    {NEWEST}" in told.out


def test_a_backup_goes_to_a_file_and_back(cluster: Cluster, tmp_path: Path) -> None:
    parts = Parts(cluster)
    parts.records.ensure_app("", "shop", "shop")
    file = tmp_path / "backup.json"
    told = run(cluster, "backup", str(file))
    assert told.code == 0 and told.out == "" and "nap db restore" in told.err
    assert file.stat().st_mode & 0o777 == 0o600
    told = run(cluster, "restore", str(file))
    assert told.code == 1 and "holds records already (apps: 1)" in told.err
    elsewhere = Cluster("", {}, tmp_path / "elsewhere", Logs(tmp_path / "logs"))
    run(elsewhere, "migrate")
    told = run(elsewhere, "restore", str(file))
    assert told.code == 0 and "apps 1" in told.out
    assert [app.name for app in Parts(elsewhere).records.apps()] == ["shop"]
    # The backup holds the beginning of its own act, which ended after it was taken.
    rows = nap("audit", "--format", "json", control=LocalControl(elsewhere, Who("ada", "")))  # type: ignore[arg-type]
    acts = [(row["verb"], row["outcome"]) for row in json.loads(rows.out)]
    assert acts == [("db backup", "begun"), ("db migrate", "done"), ("db restore", "done")]
    parts.close()


def test_what_can_not_be_read_or_written(cluster: Cluster, tmp_path: Path) -> None:
    run(cluster, "migrate")
    told = run(cluster, "restore", str(tmp_path / "none"))
    assert told.code == 2 and "No such file" in told.err
    told = run(cluster, "backup", str(tmp_path / "none" / "backup"))
    assert told.code == 1 and "can't be written" in told.err
    told = run(cluster, "backup", "-", width=80)
    assert told.code == 2 and "terminal" in told.err
    (tmp_path / "text").write_text("hello\n")
    told = run(cluster, "restore", str(tmp_path / "text"))
    assert told.code == 2 and "no backup" in told.err
    # Whatever became of it, the trail of before is there.
    rows = nap("audit", control=LocalControl(cluster, Who("ada", ""))).out
    assert "db migrate" in rows


def test_a_backup_takes_the_place_of_records_once_these_are_saved(
    cluster: Cluster, tmp_path: Path
) -> None:
    parts = Parts(cluster)
    parts.records.ensure_app("", "shop", "shop")
    file = tmp_path / "backup.json"
    run(cluster, "backup", str(file))
    parts.records.ensure_app("", "later", "later")
    told = run(cluster, "restore", "--replace", str(file))
    assert told.code == Exit.UNANSWERED and "holds apps 2" in told.err and "With -y" in told.err
    told = run(cluster, "restore", "--replace", "-y", str(file))
    assert told.code == 0 and "apps 1" in told.out and "nap db rebuild" in told.err
    assert [each.name for each in parts.records.apps()] == ["shop"]
    (saved,) = (cluster.state_dir / "before-restores").iterdir()
    assert f"as they were: {saved}" in told.out and saved.stat().st_mode & 0o777 == 0o600
    rows = json.loads(nap("audit", "--format", "json", control=control_of(cluster)).out)
    acts = [(row["verb"], row["outcome"]) for row in rows]
    assert acts == [("db backup", "done"), ("db restore", "done")]
    assert nap("audit", "verify", control=control_of(cluster)).code == 0
    told = run(cluster, "restore", "--replace", "-y", str(saved))
    assert told.code == 0 and len(parts.records.apps()) == 2
    parts.close()


def test_by_a_backup_nobody_brings_in_another_audit_trail(cluster: Cluster, tmp_path: Path) -> None:
    run(cluster, "migrate")
    run(cluster, "backup", str(tmp_path / "real"))
    lines = (tmp_path / "real").read_bytes().splitlines(keepends=True)
    forged = [each.replace(b'"db migrate"', b'"nothing bad"') for each in lines[:-1]]
    last = json.loads(lines[-1]) | {"sha256": hashlib.sha256(b"".join(forged)).hexdigest()}
    (tmp_path / "forged").write_bytes(b"".join(forged) + json.dumps(last).encode() + b"\n")
    told = run(cluster, "restore", "--replace", "-y", str(tmp_path / "forged"))
    assert "nothing bad" not in nap("audit", control=control_of(cluster)).out
    assert told.code == 2 and "the backup's audit trail was changed: row 1" in told.err
    elsewhere = Cluster("", {}, tmp_path / "elsewhere", Logs(tmp_path / "logs"))
    run(elsewhere, "migrate")
    before = nap("audit", control=control_of(elsewhere)).out
    told = run(elsewhere, "restore", "--replace", "-y", str(tmp_path / "real"))
    assert told.code == 1 and "isn't the beginning of the one that is there" in told.err
    assert nap("audit", control=control_of(elsewhere)).out == before
    told = run(elsewhere, "restore", str(tmp_path / "forged"))
    assert told.code == 0 and "the backup's audit trail isn't whole" in told.err
    assert "isn't whole: row 1 was changed" in nap("audit", control=control_of(elsewhere)).out


def test_a_damaged_backup_takes_no_place(cluster: Cluster, tmp_path: Path) -> None:
    parts = Parts(cluster)
    parts.records.ensure_app("", "shop", "shop")
    run(cluster, "backup", str(tmp_path / "whole"))
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    for bad in (lines[:-1], [*lines[:2], *lines[3:]], [b"hello\n"]):
        (tmp_path / "bad").write_bytes(b"".join(bad))
        assert run(cluster, "restore", "--replace", "-y", str(tmp_path / "bad")).code == 2
    assert [each.name for each in parts.records.apps()] == ["shop"]
    assert not (cluster.state_dir / "before-restores").exists()
    parts.close()
