"""The MySQL records do what every records database must do, on a real MariaDB; and TLS."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import mariadb, proc
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster.cluster import Database
from nap_compose.db.mysql import MysqlDatabase
from nap_compose.db.open import database_of, open_records
from nap_compose.db.records import OtherSchema, RecordsAway
from nap_compose.db.schema import migrations
from nap_compose.db.store import SqlRecords
from nap_compose.errors import BadFile
from tests.support.records_conformance import RecordsConformance, cluster_of

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("db-mysql", hosts=1, only=("hosts", "mariadb")) as bed:
        yield bed


@pytest.fixture
def spec(bed: Bed, tmp_path: Path) -> dict[str, Any]:
    """The database as the cluster file says, without tables."""
    run(bed, "SET foreign_key_checks = 0", *(f"DROP TABLE {name}" for name in tables(bed)))
    said: dict[str, Any] = yaml.safe_load(bed.cluster_file.read_text())["database"]
    for key in ("ca", "password_file"):
        said[key] = str(bed.directory / said[key])
    return {**said, "state_dir": str(tmp_path)}


def run(bed: Bed, *statements: str) -> list[tuple[Any, ...]]:
    with closing(mariadb.connect(bed)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return list(cursor.fetchall())


def tables(bed: Bed) -> list[str]:
    return [str(row[0]) for row in run(bed, "SHOW TABLES")]


class TestMysql(RecordsConformance):
    SLOW = "SELECT SLEEP(300)"


def test_the_tables_compare_bytes(bed: Bed, spec: dict[str, Any]) -> None:
    open_records(cluster_of(spec)).close()
    rows = run(bed, "SHOW TABLE STATUS")
    found = {str(row[0]): (row[1], row[14]) for row in rows if row[0] != "schema_version"}
    assert found == dict.fromkeys(
        (
            *("apps", "revisions", "deployments", "steps"),
            *("users", "shares", "given", "quotas", "audit", "audit_head", "credentials"),
        ),
        ("InnoDB", "utf8mb4_bin"),
    )


def test_a_lost_connection_is_made_again(bed: Bed, spec: dict[str, Any]) -> None:
    records = open_records(cluster_of(spec))
    app = records.ensure_app("ada", "shop", "ada_shop")
    for turn in range(3):
        kill_sleeping(bed)
        assert records.app("ada", "shop") == app
        kill_sleeping(bed)
        assert records.ensure_app("ada", f"app{turn}", "p").owner == "ada"
    assert len(records.apps()) == 4
    records.close()


def kill_sleeping(bed: Bed) -> None:
    """End every connection that waits for its client; there must be one."""
    found = run(bed, "SELECT id FROM information_schema.processlist WHERE command = 'Sleep'")
    assert found
    run(bed, *(f"KILL {row[0]}" for row in found))


def test_the_server_away_and_back(bed: Bed, spec: dict[str, Any]) -> None:
    records = open_records(cluster_of(spec))
    app = records.ensure_app("ada", "shop", "ada_shop")
    mariadb.stop(bed)
    try:
        started = time.monotonic()
        with pytest.raises(RecordsAway, match=r"the database at .* can't be used") as caught:
            records.app("ada", "shop")
        assert time.monotonic() - started < 15
        assert caught.value.hint
        with pytest.raises(RecordsAway):
            open_records(cluster_of(spec))
    finally:
        mariadb.start(bed)
    assert records.app("ada", "shop") == app
    records.close()


def test_a_server_that_hangs(bed: Bed, spec: dict[str, Any], monkeypatch: Any) -> None:
    """A stopped process still takes connections: only the client's own clock ends the wait."""
    monkeypatch.setattr("nap_compose.db.mysql.ANSWER_TIMEOUT", 2)
    records = open_records(cluster_of(spec))
    pid = proc.pid_of(bed, mariadb.NAME)
    assert pid is not None
    with proc.suspended(pid):
        started = time.monotonic()
        with pytest.raises(RecordsAway):
            records.apps()
        assert time.monotonic() - started < 20
    assert records.apps() == []
    records.close()


def test_a_wrong_password(spec: dict[str, Any], tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not the password\n")
    wrong.chmod(0o600)
    with pytest.raises(RecordsAway, match="Access denied") as caught:
        open_records(cluster_of({**spec, "password_file": str(wrong)}))
    assert "not the password" not in str(caught.value)


def test_a_password_that_others_may_read(spec: dict[str, Any], tmp_path: Path) -> None:
    shown = tmp_path / "password"
    shown.write_text(Path(spec["password_file"]).read_text())
    shown.chmod(0o644)
    with pytest.raises(BadFile, match="read by others"):
        open_records(cluster_of({**spec, "password_file": str(shown)}))


def test_only_the_clusters_ca_is_trusted(bed: Bed, spec: dict[str, Any], tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    make_ca(tmp_path, stranger)
    with pytest.raises(RecordsAway, match="certificate verify failed"):
        open_records(cluster_of({**spec, "ca": str(stranger)}))
    with pytest.raises(BadFile, match="can't be read"):
        open_records(cluster_of({**spec, "ca": str(tmp_path / "none.pem")}))


def test_without_a_ca_only_where_the_cluster_file_says_so(spec: dict[str, Any]) -> None:
    section = Database(spec["url"], Path(spec["password_file"]))
    with pytest.raises(BadFile, match="no ca"):
        MysqlDatabase(section)
    # This server takes nobody in clear, so nap goes in clear where it may, and is refused.
    with pytest.raises(RecordsAway, match=r"Access denied|secure.transport"):
        SqlRecords(MysqlDatabase(section, insecure=True))


def test_a_server_without_tls_gets_no_password(
    bed: Bed, spec: dict[str, Any], tmp_path: Path
) -> None:
    """Somebody in the middle who takes TLS from the server's offer learns nothing."""
    with PlainServer(tmp_path) as port:
        url = f"mysql://nap@127.0.0.1:{port}/mysql"
        with pytest.raises(RecordsAway, match=r"doesn't support it|offers no TLS"):
            open_records(cluster_of({**spec, "url": url}))


def test_a_newer_schema_is_only_read(bed: Bed, spec: dict[str, Any]) -> None:
    open_records(cluster_of(spec)).close()
    run(bed, "INSERT INTO schema_version VALUES (99, 'later', '')")
    records = open_records(cluster_of(spec))
    assert records.apps() == []
    with pytest.raises(OtherSchema, match="schema 99, this one knows"):
        records.ensure_app("ada", "shop", "p")
    records.close()


def test_nobody_migrates_in_passing(bed: Bed, spec: dict[str, Any]) -> None:
    database = database_of(cluster_of(spec))
    SqlRecords(database, migrations()[:-1]).close()
    records = open_records(cluster_of(spec))
    assert records.apps() == []
    with pytest.raises(OtherSchema, match="older nap"):
        records.ensure_app("ada", "shop", "p")
    records.close()
    assert run(bed, "SELECT max(version) FROM schema_version") == [(len(migrations()) - 1,)]


def test_a_migration_that_was_interrupted_is_run_again(bed: Bed, spec: dict[str, Any]) -> None:
    first = open_records(cluster_of(spec))
    app = first.ensure_app("ada", "shop", "p")
    first.close()
    run(bed, "DROP TABLE steps", "DELETE FROM schema_version")
    again = open_records(cluster_of(spec))
    assert again.app("ada", "shop") == app
    again.close()
    assert run(bed, "SELECT max(version) FROM schema_version") == [(len(migrations()),)]
    assert "steps" in tables(bed)


def make_ca(folder: Path, certificate: Path) -> None:
    """A certificate authority that nobody knows."""
    key = folder / "stranger.key"
    what = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger"]
    subprocess.run(
        ["openssl", "req", *what, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )


class PlainServer:
    """A MariaDB on loopback that offers no TLS and lets everybody in."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "plain"

    def __enter__(self) -> int:
        options = ["--no-defaults", "--user=root", f"--datadir={self.data}"]
        subprocess.run(
            ["mariadb-install-db", *options, "--skip-test-db"], check=True, capture_output=True
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        where = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={self.data}/s"]
        self.server = subprocess.Popen(
            [
                "mariadbd",
                *options,
                *where,
                "--skip-ssl",
                "--skip-grant-tables",
                "--skip-networking=0",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return port
            except OSError:
                assert time.monotonic() < deadline and self.server.poll() is None
                time.sleep(0.1)

    def __exit__(self, *exc: object) -> None:
        self.server.kill()
        self.server.wait()
