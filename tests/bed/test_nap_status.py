"""`nap status` on real hosts and servers: what is down is a line, and the answer is there soon."""

from __future__ import annotations

import itertools
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ldap3
import pytest
import yaml

from bed import busybox, ldap, mariadb, moosefs
from bed import hosts as machines
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.support import hosts
from tests.support.apps import Apps, on_zone, sleeper
from tests.support.listeners import mail_server, webhook
from tests.support.nap import Nap, eventually
from tests.support.pages import texts
from tests.support.people import People, in_group
from tests.support.settling import settled
from tests.support.small_disk import of_an_engine, small_disk
from tests.support.watching import (
    AGAIN,
    FAILOVER,
    count,
    known,
    last_deployment,
    serving,
    watching,
    with_failover,
)

pytestmark = pytest.mark.bed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("status", only=("hosts", "consul", "mariadb", "ldap", "moosefs")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def people(bed: Bed, tmp_path: Path) -> People:
    return People(bed, tmp_path)


def rows(nap: Nap, code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    """What was found, by part and subject."""
    lines = nap("status", "--format", "json", code=code).out.splitlines()
    return {(row["part"], row["subject"]): row for row in map(json.loads, lines)}


def faults(found: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    return {key for key, row in found.items() if row["grade"] == "fault"}


def test_a_cluster_that_is_well(people: People) -> None:
    ada = people.in_session("ada")
    # A file that was written while a chunkserver was on its way has a copy less, which MooseFS
    # makes up for when it has run for a minute.
    eventually(lambda: not faults(_found(ada)), "each chunk has its copies", within=120)
    found = rows(ada)
    parts = {part for part, _ in found}
    assert parts == {
        *("hosts", "networks", "consul", "storage", "certificates", "disks", "watcher", "logs"),
        *("records", "directory", "backup"),
    }
    assert found["consul", "state store"]["text"].startswith("3 of 3 servers are up")
    assert all(row["remedy"] for row in found.values() if row["grade"] != "ok"), found


def test_users_see_their_own_apps_alone(people: People, bed: Bed, tmp_path: Path) -> None:
    """One that is unhealthy ends both calls with 1: its owner's and the admin's."""
    ada, bob = people.in_session("ada"), people.in_session("bob")
    sick = {"test": "test ! -e /sick", "interval": "1s", "retries": 1}
    hers, his = Apps(ada, bed, tmp_path / "hers"), Apps(bob, bed, tmp_path / "his")
    for apps in (hers, his):
        apps.folder.mkdir()
    try:
        ada("up", "-d", "-f", hers("shop", {"web": sleeper()}))
        bob("up", "-d", "-f", his("blog", {"web": sleeper(healthcheck=sick)}))
        bob("exec", "-T", "blog/web", "touch", "/sick")
        eventually(lambda: "unhealthy" in bob("ps", "blog").out, "its health check has failed")
        found = rows(bob, code=Exit.FAILED)
        assert set(found) == {("apps", "bob/blog")}
        row = found["apps", "bob/blog"]
        assert row["text"].endswith("is unhealthy")
        assert bob(*row["remedy"].split()[1:]).code == 0, "what to type can be typed"
        assert faults(rows(ada, code=Exit.FAILED)) == {("apps", "bob/blog")}
        bob("stop", "blog", "-t", "1")
        assert faults(rows(bob)) == set(), "it was stopped on purpose"
    finally:
        his.gone()
        hers.gone()


def test_what_is_down_is_named_and_waited_for_but_once(people: People, bed: Bed) -> None:
    """A host, the database and the directory at once."""
    ada = people.in_session("ada")
    third = bed.hosts[2]
    machines.partition(bed, third)
    mariadb.stop(bed)
    ldap.stop(bed)
    try:
        found = rows(ada, code=Exit.FAILED)
        assert faults(found) >= {
            ("hosts", "h3"),
            ("records", "records"),
            ("directory", "directory"),
        }
        assert found["hosts", "hosts"]["text"] == "2 of 3 answer"
        assert all(row["remedy"] for row in found.values() if row["grade"] == "fault"), found
        shown = ada("status", code=Exit.FAILED).out
        assert shown.splitlines()[-1].endswith("things need somebody now.")
    finally:
        mariadb.start(bed)
        ldap.start(bed)
        machines.heal(bed, third)
    eventually(lambda: not faults(_found(ada)), "all is well again", within=90)


def test_a_hosts_disk_has_no_room_at_all(people: People, bed: Bed, tmp_path: Path) -> None:
    """What runs there runs on, what fails goes its way back, and nothing new goes there."""
    third = bed.hosts[2]
    content = yaml.safe_load(bed.cluster_file.read_text())
    content["failover"] = {"after": "30s", "sweep": "1s"}
    file = bed.directory / "no-room.yml"
    file.write_text(yaml.safe_dump(content))
    ada, bob = people.in_session("ada", file), people.in_session("bob", file)
    apps = Apps(bob, bed, tmp_path)
    web = sleeper(deploy={"replicas": 3}, stop_grace_period="1s")
    pinned = sleeper(**on_zone(third.zone), stop_grace_period="1s")
    needed = {"hosts", "networks", "consul"}
    with of_an_engine(bed, third) as disk:
        eventually(
            lambda: needed.isdisjoint(part for part, _ in faults(_found(ada))),
            "the engine is back",
            within=90,
        )
        bob("up", "-d", "-f", apps("shop", {"web": web}))
        before = bob.rows("shop")
        assert {row["Host"] for row in before.values()} == {host.name for host in bed.hosts}
        disk.fill()
        failed = bob("up", "-d", "-f", apps("pin", {"web": pinned}), code=Exit.FAILED)
        assert "no space left on device" in failed.err
        assert "put back as it was before" in failed.err
        assert hosts.of_project(bed, "bob_pin") == []
        with ada.start("health", "watch") as watcher:
            watcher.until("leads")
            full = ("disks", third.name)
            eventually(lambda: full in faults(_found(ada)), "it is seen", within=90)
            for command in texts("disk-full.md", "A host"):
                words = command.replace("h3", third.name).split()[1:]
                ada(*words, code=Exit.FAILED if words == ["status"] else 0)
            refused = bob("plan", "-f", apps.files["pin"], code=Exit.NO_ROOM)
            assert f"{third.name}  disk is 100% full, 90% is the limit" in refused.err
            content["placement"] = {"disk_limit": 1}
            file.with_name("limit.yml").write_text(yaml.safe_dump(content))
            strict = people.in_session("bob", file.with_name("limit.yml"))
            eventually(lambda: _refusing(strict, apps.files["shop"]) == 3, "it is known of each")
            bob("up", "-d", "-f", apps.files["shop"], "--scale", "web=5")
            after = bob.rows("shop")
            assert {slot: after[slot]["ID"] for slot in before} == {
                slot: row["ID"] for slot, row in before.items()
            }
            new = after.keys() - before.keys()
            assert third.name not in {after[slot]["Host"] for slot in new}
            eventually(
                lambda: "nap-probe" not in str(hosts.everything(bed.hosts)), "no probe stays"
            )
            disk.make_room()
            watcher.signal(signal.SIGTERM)
            watcher.ended()
        with ada.start("health", "watch") as watcher:
            watcher.until("leads")
            # Until it has looked, the record of the one before counts.
            eventually(lambda: _placed(bob, apps.files["pin"]), "there is room", within=90)
            bob("up", "-d", "-f", apps.files["pin"])
            watcher.signal(signal.SIGTERM)
            watcher.ended()
        apps.gone()


def test_the_control_machines_disk_has_no_room_at_all(
    people: People, bed: Bed, tmp_path: Path
) -> None:
    """The records are there too: whoever looks sees, and a change is refused before it begins."""
    content = yaml.safe_load(bed.cluster_file.read_text())
    del content["database"]
    with small_disk(tmp_path / "disk", size="4m") as disk:
        content["state_dir"] = str(disk.folder / "state")
        content["logs"] = {"dir": str(disk.folder / "logs")}
        file = bed.directory / "no-room-here.yml"
        file.write_text(yaml.safe_dump(content))
        ada, bob = people.in_session("ada", file), people.in_session("bob", file)
        apps = Apps(bob, bed, bob.home)
        shop = sleeper(deploy={"replicas": 2}, stop_grace_period="1s")
        bob("up", "-d", "-f", apps("shop", {"web": shop}))
        disk.fill()
        before = {name for name in disk.files() if not name.endswith(("-shm", "-wal"))}
        ids = bob.ids("shop")
        *looks, brings_up, verifies = texts("disk-full.md", "The control machine")
        for command in looks:
            words = command.split()[1:]
            who = ada if words[0] in ("status", "prune") else bob
            who(*words, code=Exit.FAILED if words == ["status"] else 0)
        for words in (("up", "-d", "-f", "shop.yml", "--scale", "web=3"), ("down", "shop")):
            assert "its disk is full" in bob(*words, code=Exit.PARTIAL).err
        ada("login", "--local", code=Exit.FAILED)
        left = {name for name in disk.files() if not name.endswith(("-shm", "-wal"))}
        assert {name for name in left - before if (disk.folder / name).stat().st_size} == set()
        assert before <= left and bob.ids("shop") == ids

        disk.make_room()
        assert "nothing to do" in bob(*brings_up.split()[1:]).out
        assert "each as it was written" in ada(*verifies.split()[1:]).out
        apps.gone()


def _placed(nap: Nap, file: Path) -> bool:
    """Whether there is room for the app."""
    with nap.start("plan", "-f", file) as running:
        return running.ended().code != Exit.NO_ROOM


def _refusing(nap: Nap, file: Path) -> int:
    """How many hosts can't be given another replica for their disks, which hold more than the
    limit."""
    with nap.start("plan", "-f", file, "--scale", "web=9") as running:
        ended = running.ended()
    known = ended.code == Exit.NO_ROOM and "full, 1% is the limit" in ended.err
    return ended.err.count("disk is") if known else 0


def test_people_are_told_once_by_whoever_leads(people: People, bed: Bed) -> None:
    """A host is lost and comes back, while leaders change and one webhook hangs."""
    with webhook() as hook, webhook(hangs=True) as hung, mail_server() as box:
        content = yaml.safe_load(bed.cluster_file.read_text())
        content["failover"] = {"after": "3s", "sweep": "1s"}
        content["notify"] = {
            "every": "1s",
            "to": {
                "stuck": {"webhook": {"url": hung.url}},
                "ops": {"webhook": {"url": hook.url}, "kinds": ["host"]},
                "mail": {
                    "kinds": ["host"],
                    "mail": {
                        "smtp": box.address,
                        "tls": "none",
                        "from": "nap@lab.example",
                        "to": ["ops@lab.example"],
                    },
                },
            },
        }
        file = bed.directory / "told.yml"
        file.write_text(yaml.safe_dump(content))
        ada = people.in_session("ada", file)
        assert ada("notify", "test", "ops", "mail").out.splitlines() == [
            "ops (webhook) was told",
            "mail (mail) was told",
        ]
        third = bed.hosts[2]
        with ExitStack() as ends:
            first = ends.enter_context(ada.start("health", "watch"))
            first.until("leads")  # before there is a second one, which could be faster
            second = ends.enter_context(ada.start("health", "watch"))
            second.until("leads; this one stands by")
            machines.partition(bed, third)
            try:
                eventually(lambda: "host h3 bad" in hook.subjects(), "it is lost", within=90)
                first.signal(signal.SIGTERM)
                second.until("leads")
                assert first.ended().code == 0
            finally:
                machines.heal(bed, third)
            eventually(lambda: "host h3 good" in hook.subjects(), "it is back", within=90)
            eventually(lambda: len(box.mails) == 3, "so says the mail")
            second.signal(signal.SIGTERM)
            second.ended()
        assert hook.subjects()[1:] == ["host h3 bad", "host h3 good"], "each once"
        assert hung.posts > 0
        assert hung.got == [], "which was told nothing all the while"
        assert [mail["Subject"].split(":")[0] for mail in box.mails][1:] == [
            f"[{content['name']}] host h3"
        ] * 2
    settled(bed)  # Consul took the host's server out, and can't lose another one until it is in


def test_what_somebody_who_left_had_on_a_lost_host_goes_on_in_their_name(
    people: People, bed: Bed, tmp_path: Path
) -> None:
    """Their session is gone and they are out of the directory. What shares a volume waits until
    the fence has turned the host off, so that never two write to it."""
    off = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "bed", "kill", "--name", bed.name]
    content = yaml.safe_load(with_failover(bed, "fenced", **FAILOVER).read_text())
    for name, host in content["hosts"].items():
        host["fence"] = [*off, name]
    content["ldap"]["recheck"] = "500ms"
    file = bed.directory / "fenced.yml"
    file.write_text(yaml.safe_dump(content))
    bob = people.in_session("bob", file)
    apps = Apps(bob, bed, tmp_path)
    writes = "sh -c 'while :; do echo $(hostname) >> /data/log; sync; sleep 0.2; done'"
    db = {**sleeper(**AGAIN), "command": writes, "volumes": ["data:/data"]}
    web = sleeper(**AGAIN, deploy={"replicas": 3})
    data = {"data": {"driver": "moosefs", "driver_opts": {"goal": 2}}}
    log = moosefs.control_mount(bed) / moosefs.ROOT / "bob/shop/data/log"
    try:
        bob("up", "-d", "-f", apps("shop", {"db": db, "web": web}, volumes=data))
        before = bob.rows("shop")
        lost = bed.host(before["db.1"]["Host"])
        ada = people.in_session("ada", file)
        with watching(ada) as watcher, in_group(bed, "nap-users", "bob", ldap3.MODIFY_DELETE):
            known(ada, "shop", 4)
            eventually(lambda: not _may(bob, "ps"), "bob is out")
            machines.partition(bed, lost)
            watcher.until(f"{lost.name} was turned off", within=90)
            assert machines.state(bed, lost) == "down"
            watcher.until("bob/shop: db.1 was made on", f"since {lost.name} is lost", within=120)
            assert count(serving(bed, ada, "shop", "web")) == 3
            length = log.stat().st_size
            eventually(lambda: log.stat().st_size > length, "it writes on")
            machines.restart(bed, lost)
            for slot in (slot for slot, row in before.items() if row["Host"] == lost.name):
                watcher.until(f"{slot} of {lost.name} was removed", within=120)
        people.logs_in(bob, "bob")
        settled(bed)
        assert list(serving(bed, bob, "shop", "db")) == [bob.rows("shop")["db.1"]["Host"]]
        writers = [name for name, _ in itertools.groupby(log.read_text().split())]
        assert len(writers) == len(set(writers)) == 2, "one after the other"
        assert last_deployment(bob, "shop") == "failover"
    finally:
        apps.gone()


def _may(nap: Nap, *words: str) -> bool:
    with nap.start(*words) as running:
        return running.ended().code == Exit.DONE


def _found(nap: Nap) -> dict[tuple[str, str], dict[str, Any]]:
    """What was found, whether or not it is well."""
    with nap.start("status", "--format", "json") as running:
        lines = running.ended().out.splitlines()
    return {(row["part"], row["subject"]): row for row in map(json.loads, lines)}
