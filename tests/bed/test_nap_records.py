"""The records in MariaDB as people meet them: away, killed, emptied, restored; quotas; secrets."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, consul, mariadb
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster import app_lock, config
from nap_compose.cluster.stores import open_store
from nap_compose.exits import Exit
from tests.support import hosts, scanning
from tests.support.apps import Apps, sleeper
from tests.support.control_machine import ControlMachine
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.watching import AGAIN, FAILOVER, crash, known, watching

pytestmark = pytest.mark.bed

LOCK_GOES_WITHIN = 45.0
HEALTHY = {"condition": "service_healthy"}


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("nap-records", hosts=2, only=("hosts", "consul", "mariadb")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


def run(bed: Bed, *statements: str) -> list[tuple[Any, ...]]:
    with closing(mariadb.connect(bed)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return list(cursor.fetchall())


def emptied(bed: Bed) -> None:
    tables = [str(row[0]) for row in run(bed, "SHOW TABLES")]
    run(bed, "SET foreign_key_checks = 0", *(f"DROP TABLE {name}" for name in tables))


@contextmanager
def away(bed: Bed) -> Iterator[None]:
    mariadb.stop(bed)
    try:
        yield
    finally:
        mariadb.start(bed)


def listed(nap: Nap, *words: str) -> Any:
    return json.loads(nap(*words, "--format", "json").out)


def outcomes(bed: Bed, app: str) -> list[tuple[str, str]]:
    """Verb and outcome of an app's deployments, the newest first."""
    sql = (
        "SELECT verb, outcome FROM deployments d JOIN apps a ON a.id = d.app_id"
        f" WHERE a.name = '{app}' ORDER BY started DESC"
    )
    return [(str(verb), str(outcome)) for verb, outcome in run(bed, sql)]


def coloured(colour: str, **more: Any) -> dict[str, Any]:
    return {"web": sleeper(environment={"COLOUR": colour}, **more)}


def slow(seconds: int) -> dict[str, Any]:
    command = f"sh -c 'sleep {seconds}; touch /ready; exec sleep 1000000'"
    probe = {"test": ["CMD", "test", "-e", "/ready"], "interval": "1s", "retries": 120}
    return sleeper(command=command, healthcheck=probe)


def test_without_the_database_looks_work_and_changes_do_not_begin(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    nap("up", "-d", "-f", apps("stays", coloured("red")))
    before = nap.ids("stays")
    changed = apps("stays", coloured("blue"))
    new = apps("never", {"web": sleeper()})
    with away(bed):
        assert nap.ids("stays") == before
        assert "stays" in nap("ls").out
        nap("logs", "stays")
        nap("host", "ls")
        changes: list[tuple[str | Path, ...]] = [
            ("up", "-d", "-f", changed),
            ("up", "-d", "-f", new),
            ("stop", "stays"),
            ("down", "stays"),
            ("host", "cordon", "h1"),
            ("exec", "stays/web", "true"),
        ]
        for words in changes:
            began = time.monotonic()
            told = nap(*words, code=Exit.NO_ANSWER if words[0] == "exec" else Exit.PARTIAL)
            assert time.monotonic() - began < 30, words
            assert "the database at" in told.errors[0] and "can't be used" in told.errors[0]
            assert "changes wait until the records are back" in told.err
        assert nap.ids("stays") == before and apps.left("never") == []
    assert all(row["State"] == "running" for row in nap.rows("stays").values())
    assert "cordoned" not in nap("host", "ls").out
    nap("up", "-d", "-f", changed)
    assert outcomes(bed, "stays") == [("up", "done"), ("up", "done")]


def test_the_database_goes_in_mid_deployment(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = apps("midway", {"web": slow(6)})
    with nap.start("up", "-d", "--wait", "-f", file) as call:
        call.until("health: starting")
        with away(bed):
            ended = call.ended()
            assert ended.code == Exit.DONE, ended.err
            assert "recorded later" in ended.err
            assert nap.rows("midway")["web.1"]["State"] == "running"
    assert outcomes(bed, "midway") == [("up", "running")]
    assert listed(nap, "db", "status")["late"] >= 1
    nap("stop", "-t", "1", "midway")
    assert outcomes(bed, "midway") == [("stop", "done"), ("up", "done")]
    acts = [(row["verb"], row["outcome"]) for row in listed(nap, "audit", "--app", "midway")]
    assert acts == [("up", "done"), ("stop", "done")]
    assert listed(nap, "db", "status")["late"] == 0


def race(nap: Nap, apps: Apps) -> None:
    """Ten apps of one container begin at once, and four more containers are allowed: four are up,
    and six are refused whole."""
    there = next(r for r in listed(nap, "quota", "show", nap.me) if r["resource"] == "containers")
    most = there["used"] + 4
    nap("quota", "set", nap.me, f"containers={most}")
    try:
        names = [f"race{number}" for number in range(10)]
        files = [apps(name, {"web": sleeper()}) for name in names]

        def up(file: Path) -> tuple[int, str]:
            done = subprocess.run(
                [PROGRAM, "up", "-d", "-f", file],
                env=nap.env,
                cwd=nap.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            return done.returncode, done.stderr

        with ThreadPoolExecutor(10) as pool:
            ended = list(pool.map(up, files))
        assert sorted(code for code, _ in ended) == [Exit.DONE] * 4 + [Exit.NO_ROOM] * 6, ended
        refused = next(err for code, err in ended if code == Exit.NO_ROOM)
        assert f"over the quota of {nap.owner} for containers: {most} is the most" in refused
        assert sum(len(apps.left(name)) > 0 for name in names) == 4
        (row,) = [r for r in listed(nap, "quota", "show", nap.me) if r["resource"] == "containers"]
        assert (row["used"], row["most"]) == (most, most)
    finally:
        nap("quota", "unset", nap.me, "containers")


def test_killed_in_mid_deployment_and_ten_at_once(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = apps("killed", {"db": slow(5), "web": sleeper(depends_on={"db": HEALTHY})})
    with nap.start("up", "-d", "--wait", "-f", file) as call:
        call.until("health: starting")
        time.sleep(1.5)
        call.signal(signal.SIGKILL)
        assert call.ended().code == -signal.SIGKILL
    assert outcomes(bed, "killed") == [("up", "running")]
    sql = (
        "SELECT step FROM steps s JOIN deployments d ON d.id = s.deployment"
        " JOIN apps a ON a.id = d.app_id WHERE a.name = 'killed' AND s.phase = 'done'"
    )
    assert any("create" in str(step) for (step,) in run(bed, sql))
    assert listed(nap, "audit", "--app", "killed")[-1]["outcome"] == "begun"
    race(nap, apps)  # while the lock of the dead goes
    with closing(open_store(config.read(bed.cluster_file))) as store:
        free: Callable[[], bool] = lambda: app_lock.holder(store, nap.owner, "killed") is None  # noqa: E731
        eventually(free, "the lock of the dead to go", within=LOCK_GOES_WITHIN)
    nap("up", "-d", "--wait", "-f", file)
    assert outcomes(bed, "killed") == [("up", "done"), ("up", "abandoned")]


def test_emptied_and_rebuilt(nap: Nap, bed: Bed, apps: Apps) -> None:
    for colour in ("red", "green"):
        nap("up", "-d", "-f", apps("again", coloured(colour)))
    ids = nap.ids("again")
    changed = listed(nap, "history", "again")[0]["changed"]
    emptied(bed)
    status = nap("db", "status", code=Exit.FAILED)
    assert "none yet" in status.out
    assert f"{nap.owner}/again" in nap("db", "rebuild").out
    assert nap.ids("again") == ids and "again" in nap("ls").out
    history = listed(nap, "history", "again")
    assert [(row["revision"], row["current"]) for row in history] == [(2, True), (1, False)]
    assert history[0]["changed"] == changed
    assert "nothing to do" in nap("up", "-d", "-f", apps.files["again"]).out
    nap("rollback", "again", "1")
    assert nap.rows("again").keys() == ids.keys() and nap.ids("again") != ids
    nap("down", "again")
    assert apps.left("again") == []


def test_restored_on_an_empty_server(nap: Nap, bed: Bed, apps: Apps, tmp_path: Path) -> None:
    nap("up", "-d", "-f", apps("saved", coloured("red")))
    nap("quota", "set", "eve", "containers=3")
    backup = tmp_path / "backup.json"
    nap("db", "backup", backup)
    trail = len(listed(nap, "audit", "-n", "10000"))
    history = listed(nap, "history", "saved")
    emptied(bed)
    nap("history", "saved", code=Exit.WRONG_USE)
    said = nap("db", "restore", backup).out
    assert f"of {bed.name} of 20" in said
    assert listed(nap, "history", "saved") == history
    assert nap("audit", "verify").code == 0
    assert len(listed(nap, "audit", "-n", "10000")) >= trail
    assert listed(nap, "quota", "show", "eve")[0]["most"] == 3
    assert "holds records already" in nap("db", "restore", backup, code=Exit.FAILED).err
    nap("up", "-d", "-f", apps("saved", coloured("blue")))
    assert listed(nap, "history", "saved")[0]["revision"] == 2
    assert "as they were: " in nap("db", "restore", "--replace", "-y", backup).out
    assert listed(nap, "history", "saved") == history
    assert nap("audit", "verify").code == 0
    assert len(listed(nap, "audit", "-n", "10000")) > trail
    nap("quota", "unset", "eve", "containers")


SECRETS = {
    "file": "f1le-s3cret-9d1",
    "environment": "env-s3cret-8c2",
    "granted": "granted-s3cret-7b3",
    "short": "zq9x",
    "url": "url-s3cret-6a4",
    "config": "c0nfig-s3cret-5f5",
}


def test_a_scan_of_all_that_nap_prints_logs_and_stores(
    nap: Nap, bed: Bed, apps: Apps, tmp_path: Path
) -> None:
    """None of the secrets that were put in is found: on outputs, the watcher's too, in nap's own
    files, in Consul's and MariaDB's data as they lie on the disk, in labels, in a backup of the
    records, and in an archive of all, also once it is open. Nor are the cluster's own anywhere but
    in that archive, where they must be, for who has its key."""
    control = ControlMachine(tmp_path / "control")
    control.make(bed, failover=FAILOVER)
    nap = nap.on(control.file)
    (tmp_path / "pw.txt").write_text(SECRETS["file"])

    def file(colour: str, image: str = "busybox:1") -> Path:
        environment = {
            "PASSWORD": SECRETS["environment"],
            "PIN": SECRETS["short"],
            "DATABASE_URL": f"postgres://shop:{SECRETS['url']}@db/shop",
            "COLOUR": colour,
        }
        more = {"secrets": ["pw", "granted"], "configs": ["settings"], **AGAIN}
        service = sleeper(environment=environment, **more)
        return apps(
            "hidden",
            {"web": {**service, "image": image, "x-nap": {"secret_env": ["PIN"]}}},
            secrets={"pw": {"file": "./pw.txt"}, "granted": {"environment": "GRANTED"}},
            configs={"settings": {"content": f"key = {SECRETS['config']}\n"}},
        )

    env = {"GRANTED": SECRETS["granted"]}
    said: list[str] = []

    def call(*words: str | Path, code: int = 0) -> None:
        ended = nap(*words, code=code, env=env)
        said.append(ended.out + ended.err)

    for colour in ("red", "green"):
        call("plan", "-f", file(colour))
        call("--debug", "--progress", "json", "up", "-d", "-f", file(colour))
    call("plan", "-f", file("blue"), "-o", tmp_path / "plan.json")
    call("up", "-d", "-f", file("blue", f"nowhere.invalid/{'x' * 8}:1"), code=Exit.FAILED)
    call("up", "-d", "-f", file(f"{SECRETS['environment']} again"))
    with watching(nap) as watcher:
        known(nap, "hidden", 1)
        crash(bed, nap.rows("hidden")["web.1"])
        watcher.until("web.1 on", "was started again")
    said.append(watcher.said)
    archive, key = tmp_path / "hidden.napbackup", tmp_path / "backup.key"
    key.write_text("the key of this one backup")
    key.chmod(0o600)
    for words in (
        *(("history", "hidden"), ("history", "hidden", "--format", "json")),
        *(("diff", "hidden", "1", "2"), ("ps", "hidden", "--format", "json"), ("ls", "-a")),
        *(("audit", "--format", "json"), ("app", "show", "hidden"), ("images", "hidden")),
        *(("logs", "hidden"), ("volumes",), ("host", "inspect", "h1"), ("quota", "show")),
        ("rollback", "hidden", "1"),
        ("logs", "collect", "--once"),
        ("health", "events"),
        ("stop", "-t", "1", "hidden"),
        ("db", "backup", tmp_path / "backup.json"),
        ("backup", "create", archive, "--container-logs", "--key-file", key),
        ("backup", "verify", archive, "--key-file", key),
        ("db", "status"),
    ):
        call(*words)
    for whole in (("status",), ("health",), ("doctor",)):  # what else they find here is their own
        with nap.start(*whole) as looking:
            ended = looking.ended()
        said.append(ended.out + ended.err)
    with closing(mariadb.connect(bed)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM revisions")
        assert len(cursor.fetchall()) >= 3
    inspected = [hosts.inspect(bed, row) for row in nap.rows("hidden").values()]
    said.append(json.dumps([each["Config"]["Labels"] for each in inspected]))
    # What was put in is really there, in the container itself, so the scan looked for the right.
    assert SECRETS["environment"] in json.dumps(inspected)
    held = scanning.unpacked(archive, key.read_text())
    own = {
        path.name: path.read_text().strip()
        for path in (control.etc / name for name in control.secrets())
    }
    assert len(own) == 3 and all(len(secret) > 8 for secret in own.values())
    inside = {name for name, _ in scanning.in_archive(own, held)}
    assert inside == own.keys(), "without them nothing of a backup could be opened"
    assert {name.partition("/")[0] for name in held} >= {"files", "state", "records", "logs"}
    assert scanning.in_archive(SECRETS, held) == set()

    every = {**SECRETS, **own}
    printed = "\n".join(said).encode()
    assert set(scanning.in_bytes(every, printed)) == set()
    written = [control.folder / "state", control.folder / "logs"]
    written += [tmp_path / "plan.json", tmp_path / "backup.json", archive]
    kept = [bed.directory / mariadb.NAME, *(host.directory / consul.NAME for host in bed.hosts)]
    assert [place for place in (*written, *kept) if not any(scanning.files(place))] == []
    # What may be empty: the person's own, and that of the nap which the other tests call.
    written += [tmp_path / "state", bed.directory / "nap" / "state"]
    assert scanning.in_files(every, written) == set()
    # A server knows the password or the token that it is asked with, but nothing of the key.
    (key_file, *_) = control.secrets()
    assert scanning.in_files({**SECRETS, "key": own[Path(key_file).name]}, kept) == set()
