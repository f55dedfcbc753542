"""Cluster volumes on real hosts with a real MooseFS: data follows its app, and what it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import busybox, images, moosefs, proc
from bed import hosts as bed_hosts
from bed.fixture import bring_up
from bed.layout import Bed
from bed.namespaces import at, run_in
from nap_compose.exits import Exit
from nap_compose.logs.kept.series import Series, series_of
from tests.support import hosts
from tests.support.apps import Apps, on_zone, sleeper, write_app
from tests.support.collecting import collecting, engine_s_own, kept_lines, log_file
from tests.support.figures import Figure
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.settling import settled
from tests.support.watching import FAILOVER, known, unlocked, watching

pytestmark = pytest.mark.bed

JSON_FILE = {"driver": "json-file", "options": {"max-size": "1g"}}
PRINTS = "n=0; while n=$$((n + 1)); do echo $$n; [ $$((n % 100)) != 0 ] || usleep 200000; done"
SQL = ("mariadb", "-uroot", "-psecret", "-N")


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("storage", only=("hosts", "consul", "moosefs")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        cluster = yaml.safe_load(bed.cluster_file.read_text())
        bed.cluster_file.write_text(yaml.safe_dump({**cluster, "failover": FAILOVER}))
        yield bed


def on_storage(**options: Any) -> dict[str, Any]:
    """The volume `data` of an app, on cluster storage."""
    return {"volumes": {"data": {"driver": "moosefs", "driver_opts": options}}}


def folder(bed: Bed, nap: Nap, app: str, key: str = "data") -> Path:
    """Where a volume's files are, as the control side sees them."""
    return moosefs.control_mount(bed) / moosefs.ROOT / nap.owner / app / key


def host_of(nap: Nap, app: str, slot: str) -> str:
    return str(nap.rows(app)[slot]["Host"])


def database(bed: Bed, **more: Any) -> dict[str, Any]:
    """MariaDB on a cluster volume, on one of the two hosts that have its image."""
    for host in bed.hosts[:2]:
        images.load(host, ["mariadb:10.11"])
    return {
        "image": "mariadb:10.11",
        "environment": {"MARIADB_ROOT_PASSWORD": "secret"},
        "volumes": ["data:/var/lib/mysql"],
        # Over TCP: the server that makes the first settings listens on the socket alone, and ends.
        "healthcheck": {
            "test": ["CMD", "healthcheck.sh", "--connect"],
            "interval": "1s",
            "retries": 60,
        },
        "stop_grace_period": "20s",
        "deploy": {"placement": {"constraints": ["node.labels.zone != c"]}},
        **more,
    }


def test_rows_in_a_database_follow_it_off_a_drained_host(bed: Bed, nap: Nap, apps: Apps) -> None:
    file = apps("shop", {"db": database(bed)}, **on_storage(quota="2g", goal=2))
    nap("up", "-f", file)
    assert folder(bed, nap, "shop").stat().st_uid == 999, "the owner of the image's mount point"
    nap("exec", "shop/db", *SQL, "-e", "create database s; create table s.t (n int)")
    nap("exec", "shop/db", *SQL, "-e", "insert into s.t values (1), (2), (3)")
    first = host_of(nap, "shop", "db.1")
    try:
        nap("host", "drain", first)
        assert host_of(nap, "shop", "db.1") != first
        assert nap("exec", "shop/db", *SQL, "-e", "select sum(n) from s.t").out.strip() == "6"
    finally:
        nap("host", "uncordon", first)
    told = nap("down", "shop", "-v").err
    assert "`nap storage restore shop/data --removed`" in told
    assert not folder(bed, nap, "shop").exists()
    nap("storage", "restore", "shop/data", "--removed")
    nap("up", "-f", file)
    assert nap("exec", "shop/db", *SQL, "-e", "select sum(n) from s.t").out.strip() == "6"


def test_rows_in_a_database_are_there_after_its_host_was_killed(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    """MooseFS's master keeps a lost client's locks for a day here: the database starts elsewhere
    because they are ended, and nap ends them once somebody says that the host is gone."""
    nap("up", "-f", apps("ledger", {"db": database(bed, restart="always")}, **on_storage(goal=2)))
    nap("exec", "ledger/db", *SQL, "-e", "create database s; create table s.t (n int)")
    nap("exec", "ledger/db", *SQL, "-e", "insert into s.t values (1), (2), (3)")
    first = bed.host(host_of(nap, "ledger", "db.1"))
    with watching(nap) as watcher:
        known(nap, "ledger", 1)
        bed_hosts.kill(bed, first)
        try:
            watcher.until("db.1", "must be proved to be off first", within=120)
            assert "was made on" not in watcher.said
            nap("host", "confirm-lost", first.name, "-y")
            watcher.until("db.1 was made on", f"since {first.name} is lost", within=180)
            assert host_of(nap, "ledger", "db.1") != first.name
            rows = nap("exec", "ledger/db", *SQL, "-e", "select sum(n) from s.t")
            assert rows.out.strip() == "6"
        finally:
            bed_hosts.restart(bed, first)
        watcher.until(f"db.1 of {first.name} was removed")
    settled(bed)
    unlocked(nap, bed, "ledger")
    proc.wait_for(lambda: moosefs.status(bed) == "ready", 60, "MooseFS to be whole again")


def test_two_replicas_on_two_hosts_write_to_one_volume(bed: Bed, nap: Nap, apps: Apps) -> None:
    write = "while true; do echo $$(hostname) >> /data/$$(hostname); sleep 0.1; done"
    web = sleeper(command=["sh", "-c", write], volumes=["data:/data"], deploy={"replicas": 2})
    nap("up", "-f", apps("two", {"web": web}, **on_storage()))
    on = {row["Host"] for row in nap.rows("two").values()}
    assert len(on) == 2
    eventually(lambda: len(list(folder(bed, nap, "two").iterdir())) == 2, "a file of each replica")
    seen = nap("exec", "two/web.1", "ls", "/data").out.split()
    assert seen == nap("exec", "two/web.2", "ls", "/data").out.split()
    assert len(seen) == 2
    rows = [json.loads(row) for row in nap("volumes", "two", "--format", "json").out.splitlines()]
    assert {row["Host"] for row in rows} == on


def test_a_new_volume_is_filled_as_compose_does_it(bed: Bed, nap: Nap, apps: Apps) -> None:
    """From the image where a container mounts it, once, with the owner and permissions there."""
    services = {
        "filled": sleeper(volumes=["data:/tmp"]),
        "empty": sleeper(volumes=["other:/tmp:nocopy"]),
        "etc": sleeper(volumes=["third:/bin"]),
    }
    volumes = {key: {"driver": "moosefs"} for key in ("data", "other", "third")}
    nap("up", "-f", apps("filling", services, volumes=volumes))
    assert folder(bed, nap, "filling").stat().st_mode & 0o7777 == 0o1777
    assert folder(bed, nap, "filling", "other").stat().st_mode & 0o7777 == 0o755
    assert (folder(bed, nap, "filling", "third") / "busybox").is_file()
    (folder(bed, nap, "filling", "third") / "busybox").with_name("sh").unlink()
    nap("up", "-f", apps.files["filling"], "--force-recreate")
    assert not (folder(bed, nap, "filling", "third") / "sh").exists(), "it is filled once"


def test_a_quota_that_is_reached_is_the_apps_own_error(bed: Bed, nap: Nap, apps: Apps) -> None:
    services = {
        "small": sleeper(volumes=["data:/data"]),
        "other": sleeper(volumes=["more:/data"]),
    }
    volumes = {
        "data": {"driver": "moosefs", "driver_opts": {"quota": "4m", "max_files": 20}},
        "more": {"driver": "moosefs"},
    }
    nap("up", "-f", apps("quota", services, volumes=volumes))
    fill = "dd if=/dev/zero of=/data/big bs=1M count=16"
    ended = nap("exec", "quota/small", "sh", "-c", fill, code=1)
    assert "quota exceeded" in (ended.out + ended.err).lower()
    many = "for n in $(seq 40); do echo > /data/$n || exit 3; done"
    nap("exec", "quota/small", "sh", "-c", f"rm /data/big; {many}", code=3)
    nap("exec", "quota/other", "sh", "-c", fill)
    assert {row["State"] for row in nap.rows("quota").values()} == {"running"}


def test_a_users_limit_holds_on_moosefs_itself(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    """Whatever the volumes' own quotas and nap's count say; nobody else is any the worse for it."""
    web = {"web": sleeper(volumes=["data:/data"])}
    other = Nap(tmp_path, bed.cluster_file, SUDO_USER="games")
    theirs = write_app(tmp_path / "theirs.yml", web, name="theirs", **on_storage(quota="8m"))

    def write(name: str, mebibytes: int) -> tuple[str, ...]:
        return "dd", "if=/dev/zero", f"of=/data/{name}", "bs=1M", f"count={mebibytes}"

    nap("up", "-f", apps("mine", web, **on_storage(quota="8m")))
    other("up", "-f", theirs)
    try:
        nap("exec", "mine/web", *write("big", 4))
        nap("quota", "set", nap.owner, "storage=5m")
        ended = nap("exec", "mine/web", *write("more", 3), code=1)
        assert "quota exceeded" in (ended.out + ended.err).lower()
        assert nap("exec", "mine/web", "stat", "-c", "%s", "/data/big").out == f"{4 << 20}\n"
        assert nap.rows("mine")["web.1"]["State"] == "running"
        other("exec", "theirs/web", *write("big", 7))
        nap("exec", "mine/web", "rm", "/data/big", "/data/more")
        nap("exec", "mine/web", *write("again", 3))
        nap("quota", "unset", nap.owner, "storage")
        nap("exec", "mine/web", *write("big", 4))
    finally:
        nap("quota", "unset", nap.owner, "storage")
        other("down", "theirs", "-v")


def test_what_volumes_may_hold_counts_for_whom_an_app_is_given(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    """By what is set for them, whatever the file says, and no longer for whoever made it; its owner
    can't lift that past a quota, with or without a removed volume that comes back."""
    web = {"web": sleeper(volumes=["data:/data"])}
    other = Nap(tmp_path, bed.cluster_file, SUDO_USER="games")

    def used() -> dict[str, tuple[int, int]]:
        rows = json.loads(nap("quota", "show", "games", "--format", "json").out)
        return {row["resource"]: (row["used"], row["most"]) for row in rows}

    nap("up", "-f", apps("gift", web, **on_storage()))
    try:
        nap("quota", "set", "games", "storage=8m")
        refused = nap("app", "give", "gift", "games", code=Exit.NO_ROOM).err
        assert "its volume data may hold any amount" in refused
        nap("storage", "quota", "gift/data", "9m")
        refused = nap("app", "give", "gift", "games", code=Exit.NO_ROOM).err
        assert "games for storage: 8MiB is the most, others use none" in refused
        assert f"{nap.owner}/gift would be theirs and uses 9MiB" in refused
        nap("storage", "quota", "gift/data", "6m")
        nap("app", "give", "gift", "games")
        assert used()["storage"] == (6 << 20, 8 << 20)
        nap("quota", "set", nap.owner, "storage=1m")  # on whose folder MooseFS counts it still
        other("exec", "gift/web", "dd", "if=/dev/zero", "of=/data/big", "bs=1M", "count=4")
        more = write_app(tmp_path / "more.yml", web, name="more", **on_storage(quota="3m"))
        refused = other("up", "-f", more, code=Exit.NO_ROOM).err
        assert "others use 6MiB (games/gift 6MiB), and games/more asks for 3MiB" in refused
        for asked in ("9m", "none"):
            other("storage", "quota", "gift/data", asked, code=Exit.NO_ROOM)
        other("storage", "quota", "gift/data", "5m")
        other("up", "-f", more)
        other("down", "more", "-v")
        other("storage", "quota", "gift/data", "6m")
        other("storage", "restore", "more/data", "--removed", code=Exit.NO_ROOM)
        other("storage", "quota", "gift/data", "5m")
        other("storage", "restore", "more/data", "--removed")
        assert used()["storage"] == (8 << 20, 8 << 20), "no file and no host knows of one of them"
    finally:
        for who in ("games", nap.owner):
            nap("quota", "unset", who, "storage")
        nap("app", "give", "games/gift", nap.owner)
    other("storage", "rm", "more/data", "-y")


def test_what_the_file_says_later_is_set_on_what_is_there(bed: Bed, nap: Nap, apps: Apps) -> None:
    web = {"web": sleeper(volumes=["data:/data"])}
    nap("up", "-f", apps("later", web, **on_storage()))
    before = nap.ids("later")
    nap("exec", "later/web", "sh", "-c", "echo kept > /data/file")
    nap("up", "-f", apps("later", web, **on_storage(quota="1m", goal=3)))
    assert nap.ids("later") == before, "no container is touched"
    nap("exec", "later/web", "dd", "if=/dev/zero", "of=/data/b", "bs=1M", "count=4", code=1)
    assert nap("exec", "later/web", "cat", "/data/file").out == "kept\n"
    assert "nothing to do" in nap("up", "-f", apps.files["later"]).out


def test_hosts_without_the_mount_are_left_out_with_the_reason(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    file = apps("picky", {"web": sleeper(volumes=["data:/data"])}, **on_storage())
    first, second, third = bed.hosts
    moosefs.lose_mount(bed, first)
    moosefs.lose_mount(bed, second, crash=True)
    try:
        told = nap("plan", "-f", file, "--why", "web").out
        assert f"{first.name}  no    storage MooseFS is not mounted at /mnt/mfs" in told
        assert "the mount at /mnt/mfs is broken" in told
        seen = nap("doctor", "-q", code=Exit.FAILED).out
        assert "it takes no cluster volume: MooseFS is not mounted at /mnt/mfs" in seen
        nap("up", "-f", file)
        assert host_of(nap, "picky", "web.1") == third.name
        pinned = apps(
            "pinned", {"web": sleeper(volumes=["data:/d"], **on_zone("a"))}, **on_storage()
        )
        said = nap("up", "-f", pinned, code=Exit.NO_ROOM).err
        assert "storage MooseFS is not mounted" in said
        assert not folder(bed, nap, "pinned").exists(), "nothing was begun"
        below = [moosefs.ON_HOST / moosefs.ROOT]
        assert hosts_have(bed, first.name, below) == [], "nothing was put below the mount"
        nap("health", "check")
        known = nap("health", "status", "picky", code=Exit.PARTIAL).err
        assert f"{first.name} doesn't reach the cluster storage: MooseFS is not mounted" in known
    finally:
        moosefs.mount_again(bed, first)
        moosefs.mount_again(bed, second)
    nap("health", "check")
    assert "cluster storage" not in nap("health", "status", "picky").err
    assert f"{first.name} reaches the cluster storage" in nap("health", "events").out


def test_a_mount_that_is_lost_under_a_running_app_shows_in_its_health(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    nap("up", "-f", apps("under", {"web": sleeper(volumes=["data:/data"])}, **on_storage()))
    nap("exec", "under/web", "sh", "-c", "echo kept > /data/file; sync")
    host = bed.host(host_of(nap, "under", "web.1"))
    moosefs.lose_mount(bed, host, crash=True)
    try:
        nap("health", "check")
        told = nap("health", "status", "under", code=Exit.PARTIAL).err
        assert f"{host.name} doesn't reach the cluster storage: the mount at /mnt/mfs" in told
        assert "Traceback" not in nap("exec", "under/web", "cat", "/data/file", code=1).err
    finally:
        moosefs.mount_again(bed, host)
    nap("restart", "under")
    assert nap("exec", "under/web", "cat", "/data/file").out == "kept\n"
    nap("health", "check")
    assert "cluster storage" not in nap("health", "status", "under").err


def hosts_have(bed: Bed, host: str, paths: list[Path]) -> list[Path]:
    """Which of these paths a host has."""
    return [
        path for path in paths if run_in(bed, bed.host(host), "test", "-e", path).returncode == 0
    ]


def test_without_its_master_nothing_new_begins_and_the_rest_goes_on(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    file = apps("steady", {"web": sleeper(volumes=["data:/data"])}, **on_storage())
    nap("up", "-f", file)
    plain = apps("plain", {"web": sleeper()})
    moosefs.stop_master(bed)
    try:
        ended = nap("up", "-f", file, "--force-recreate", code=Exit.PARTIAL)
        assert "the MooseFS master" in ended.errors[0]
        assert "doesn't answer" in ended.errors[0]
        nap("up", "-f", plain)
        assert nap.rows("steady")["web.1"]["State"] == "running"
        nap("down", "steady", "-v", code=Exit.PARTIAL)
    finally:
        moosefs.start_master(bed)
    nap("exec", "steady/web", "sh", "-c", "echo back > /data/file && cat /data/file")
    nap("up", "-f", file, "--force-recreate")
    assert nap("exec", "steady/web", "cat", "/data/file").out == "back\n"


def test_a_volume_goes_back_to_what_it_was(bed: Bed, nap: Nap, apps: Apps) -> None:
    file = apps("past", {"web": sleeper(volumes=["data:/data"])}, **on_storage(quota="8m"))
    nap("up", "-f", file)
    data = folder(bed, nap, "past")

    def write(text: str) -> None:
        nap("exec", "past/web", "sh", "-c", f"mkdir -p /data/d; echo {text} > /data/d/f")

    write("one")
    nap("storage", "snapshot", "past/data", "first")
    write("two")
    used = nap("storage", "restore", "past/data", "first", code=Exit.FAILED)
    assert "past-web-1 uses past/data" in used.err
    nap("stop", "past")
    nap("storage", "restore", "past/data", "first")
    assert (data / "d" / "f").read_text() == "one\n"
    (row,) = map(json.loads, nap("storage", "ls", "past", "--format", "json").out.splitlines())
    assert row["quota"] == 8 << 20, "what was set holds on"
    (before,) = [name for name in row["snapshots"] if name != "first"]
    nap("storage", "restore", "past/data", before)
    assert (data / "d" / "f").read_text() == "two\n"
    nap("start", "past")
    assert nap("exec", "past/web", "cat", "/data/d/f").out == "two\n"
    assert "uses past/data" in nap("storage", "rm", "past/data", "-y", code=Exit.FAILED).err
    nap("down", "past", "-v")
    orphans = nap("storage", "orphans", "--format", "json").out.splitlines()
    assert [json.loads(row)["app"] for row in orphans] == ["past"], "its snapshots are left"
    for name in json.loads(orphans[0])["snapshots"]:
        nap("storage", "rm", "past/data", "--snapshot", name, "-y")
    assert nap("storage", "orphans", "--format", "json").out == ""


def test_setting_it_up_ends_the_long_life_of_locks(bed: Bed, nap: Nap) -> None:
    assert "keeps its locks for 86400 s" in nap("storage", "status", code=Exit.FAILED).err
    assert "todo  locks" in nap("storage", "init", "--dry-run", code=Exit.FAILED).out
    assert "todo" not in nap("storage", "init").out
    assert "kept for 60 s" in nap("storage", "status").out
    host = bed.hosts[2]
    assert "nothing proves" in nap("storage", "release", host.name, code=Exit.FAILED).err


def test_a_chunkserver_that_is_gone_takes_nothing_with_it(bed: Bed, nap: Nap, apps: Apps) -> None:
    file = apps("copies", {"web": sleeper(volumes=["data:/data"])}, **on_storage(goal=3))
    nap("up", "-f", file)
    nap("exec", "copies/web", "sh", "-c", "echo safe > /data/file; sync")
    moosefs.stop_chunkserver(bed, bed.hosts[0])
    try:
        assert nap("exec", "copies/web", "cat", "/data/file").out == "safe\n"
        state = nap("storage", "status", code=Exit.FAILED)
        assert f"the chunkserver {bed.hosts[0].ip} is away" in state.err
        assert "chunks are undergoal" in state.err
        told = nap("up", "-f", file, "--force-recreate").err
        assert "3 copies" in told
        assert nap("exec", "copies/web", "cat", "/data/file").out == "safe\n"
        new = apps("greedy", {"web": sleeper(volumes=["data:/data"])}, **on_storage(goal=3))
        assert "3 copies" in nap("up", "-f", new, code=Exit.NO_ROOM).err
    finally:
        moosefs.start_chunkserver(bed, bed.hosts[0])
        proc.wait_for(lambda: moosefs.status(bed) == "ready", 30, "MooseFS to be whole again")


def test_what_has_one_copy_left_of_two_is_endangered_and_read(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    """With two chunkservers there is no third one that a copy could be made on meanwhile."""
    file = apps("pair", {"web": sleeper(volumes=["data:/data"])}, **on_storage(goal=2))
    nap("up", "-f", file)
    _, lost, unused = bed.hosts
    moosefs.stop_chunkserver(bed, unused)
    try:
        nap("exec", "pair/web", "sh", "-c", "echo safe > /data/file; sync")
        written = folder(bed, nap, "pair") / "file"
        eventually(lambda: moosefs.copies(written) == {2: 1}, "both copies to be there")
        moosefs.stop_chunkserver(bed, lost)
        eventually(lambda: moosefs.copies(written) == {1: 1}, "one copy to be left")
        assert written.read_text() == "safe\n"
        assert nap("exec", "pair/web", "cat", "/data/file").out == "safe\n"
        eventually(lambda: endangered(nap) >= 1, "the master to count it")
        told = nap("storage", "status", code=Exit.FAILED).err
        assert "chunks are endangered: one copy of each is left" in told
        assert "chunks are endangered" in nap("status", code=Exit.FAILED).out
    finally:
        for host in (lost, unused):
            moosefs.start_chunkserver(bed, host)
        proc.wait_for(lambda: moosefs.status(bed) == "ready", 60, "MooseFS to be whole again")
    eventually(lambda: moosefs.copies(written) == {2: 1}, "two copies again", within=120)


def endangered(nap: Nap) -> int:
    """How many chunks are, as nap says while something is wrong with the storage."""
    told = nap("storage", "status", "--format", "json", code=Exit.FAILED).out
    return int(json.loads(told)["endangered"])


def test_nobody_reaches_anothers_data(bed: Bed, nap: Nap, apps: Apps, tmp_path: Path) -> None:
    """By a name, a path, options, or a link that an app puts into its own volume."""
    pool, root = moosefs.ON_HOST, moosefs.ON_HOST / moosefs.ROOT
    others = moosefs.control_mount(bed) / moosefs.ROOT / "eve" / "shop" / "data"
    others.mkdir(parents=True)
    (others / "secret").write_text("eve's\n")
    tries = [
        {"volumes": [f"{pool}:/x"]},
        {"volumes": [f"{root}/eve/shop/data:/x"]},
        {"volumes": [f"/srv/..{root}/eve:/x"]},
    ]
    for more in tries:
        file = write_app(tmp_path / "try.yml", {"web": sleeper(**more)}, name="try")
        assert "where nap keeps the volumes" in nap("up", "-f", file, code=Exit.WRONG_USE).err
    options = [
        {"type": "none", "o": "bind", "device": f"{root}/eve/shop/data"},
        {"type": "none", "o": "bind", "device": f"{pool}/x/../{moosefs.ROOT}/eve"},
    ]
    for driver_opts in options:
        web = {"web": sleeper(volumes=["data:/x"])}
        volumes = {"data": {"driver_opts": driver_opts}}
        file = write_app(tmp_path / "try.yml", web, name="try", volumes=volumes)
        assert "where nap keeps the volumes" in nap("up", "-f", file, code=Exit.WRONG_USE).err
    for key in ("..", ".", "../eve", "a/b"):
        mount = {"type": "volume", "source": key, "target": "/x"}
        web = {"web": sleeper(volumes=[mount])}
        volumes = {key: {"driver": "moosefs"}}
        file = write_app(tmp_path / "try.yml", web, name="try", volumes=volumes)
        nap("up", "-f", file, code=Exit.WRONG_USE)
    file = apps("links", {"web": sleeper(volumes=["data:/data"])}, **on_storage())
    nap("up", "-f", file)
    up = "../../../eve"
    nap("exec", "links/web", "sh", "-c", f"ln -s {up}/shop /data/l; ln -s {others} /data/abs")
    nap("down", "links", "-v")
    assert (others / "secret").read_text() == "eve's\n"
    assert hosts.of_project(bed, nap.project("links")) == []


def test_a_part_of_a_volume_is_mounted_and_no_part_leads_out_of_it(tmp_path: Path) -> None:
    """Engines from 26 on know parts of volumes; the others are left out by placement."""
    with bring_up("storage-parts", hosts=1, engine="28", only=("hosts", "moosefs")) as bed:
        busybox.load(bed.hosts[0], "busybox:1")
        others = moosefs.control_mount(bed) / moosefs.ROOT / "eve" / "shop" / "data"
        others.mkdir(parents=True)
        (others / "secret").write_text("eve's\n")
        nap = Nap(tmp_path, bed.cluster_file)

        def file(subpath: str) -> Path:
            part = {"type": "volume", "source": "data", "target": "/part"}
            services = {
                "all": sleeper(volumes=["data:/data"]),
                "part": sleeper(
                    volumes=[{**part, "volume": {"subpath": subpath}}], scale=int(bool(subpath))
                ),
            }
            return write_app(tmp_path / "app.yml", services, name="parts", **on_storage(goal=1))

        nap("up", "-f", file(""))
        links = "ln -s ../../../eve/shop/data /data/out; ln -s /mnt/mfs/nap/eve /data/far"
        fill = f"mkdir /data/sub; echo mine > /data/sub/file; {links}"
        nap("exec", "parts/all", "sh", "-c", fill)
        nap("up", "-f", file("sub"))
        assert nap("exec", "parts/part", "cat", "/part/file").out == "mine\n"
        for way in ("../../../eve/shop/data", "sub/../../..", "out", "far", "/mnt/mfs/nap/eve"):
            nap("up", "-f", file(way), code=Exit.FAILED)
            assert nap("exec", "parts/part", "ls", "/part").out == "file\n", "as before"
        assert (others / "secret").read_text() == "eve's\n"


def test_where_a_collector_dies_one_on_another_machine_goes_on(
    bed: Bed, nap: Nap, apps: Apps, figure: Figure
) -> None:
    """Both keep into one folder of the cluster storage, and neither sees the other's processes."""
    shared = bed.directory / "shared.yml"
    logs = {"logs": {"dir": str(moosefs.ON_HOST / "logs")}, "state_dir": "/srv/nap"}
    shared.write_text(yaml.safe_dump({**yaml.safe_load(bed.cluster_file.read_text()), **logs}))
    there, first, second = nap.on(shared), *bed.hosts[:2]
    prints = sleeper(command=["sh", "-c", PRINTS], deploy={"replicas": 3}, logging=JSON_FILE)
    nap("up", "-f", apps("relay", {"web": prints}))

    def kept() -> dict[str, Series]:
        found = series_of(moosefs.control_mount(bed) / "logs", nap.owner, "relay")
        return {each.whose.subject: each for each in found}

    def beyond(count: int) -> bool:
        found = kept()
        return len(found) == 3 and all(each.reached.lines > count for each in found.values())

    with collecting(there, first.name, at(bed, first)) as one:
        eventually(lambda: beyond(100), "one has all three")
        with collecting(there, second.name, at(bed, second)) as two:
            eventually(lambda: f"as {second.name}:{two.pid}" in two.said, "the other is there")
            one.kill()
            died = time.monotonic()
            by_then = max(each.reached.lines for each in kept().values())
            eventually(lambda: beyond(by_then + 1000), "the other has all three", within=90)
            taken = time.monotonic() - died
            nap("stop", "relay", "-t", "1")
            rows = nap.rows("relay")
            own = {
                slot: [text for _, text in engine_s_own(log_file(bed, row["Host"], row["ID"]))]
                for slot, row in rows.items()
            }

            def all_kept() -> bool:
                found = kept()
                return all(found[slot].reached.lines >= len(lines) for slot, lines in own.items())

            eventually(all_kept, "all is kept", within=60)
    for slot, lines in own.items():
        assert lines == [str(number) for number in range(1, len(lines) + 1)]
        assert [text for _, text in kept_lines(kept()[slot])] == lines, slot
    # And a third machine shows them once no container is there any more.
    nap("down", "relay")
    words = (PROGRAM, "logs", "relay/web.1", "--no-log-prefix")
    shown = run_in(bed, bed.hosts[2], *words, env=there.env, capture_output=True, check=True)
    assert shown.stdout.splitlines() == own["web.1"]
    figure(
        f"a collector on another machine had the lines of all {len(own)} hosts {taken:.0f} s after "
        f"one was killed; {sum(map(len, own.values())):,} lines are kept once and in order"
    )
