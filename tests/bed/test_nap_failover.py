"""The watcher on real hosts, with real faults: what is started again, what is made elsewhere, and
what waits."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
import yaml

from bed import busybox, hosts, mariadb
from bed.fixture import bring_up
from bed.layout import Bed
from tests.support import hosts as engines_word
from tests.support.apps import Apps, sleeper
from tests.support.figures import Figure
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.settling import settled
from tests.support.watching import (
    AGAIN,
    FAILOVER,
    Watcher,
    count,
    crash,
    happened,
    known,
    last_deployment,
    leading_manager,
    replica_on,
    serving,
    status,
    unlocked,
    watching,
    with_failover,
)

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """The first three hosts hold the swarm's managers and Consul's servers, the other two nothing
    but containers."""
    with bring_up("failover", hosts=5, only=("hosts", "consul", "mariadb")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        cluster = yaml.safe_load(bed.cluster_file.read_text())
        bed.cluster_file.write_text(yaml.safe_dump({**cluster, "failover": FAILOVER}))
        yield bed


@contextmanager
def busy(bed: Bed) -> Iterator[None]:
    """Every host has more to do than it can."""
    programs = [
        subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() or 2)
    ]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def seconds(told: str) -> float:
    """A time of an engine or of nap, in seconds since 1970."""
    return datetime.fromisoformat(told[:23].rstrip("Z").ljust(23, "0") + "+00:00").timestamp()


def restarts(watcher: Watcher, app: str) -> list[float]:
    """When an app's containers were started again, in seconds."""
    lines = [line for line in watcher.said.splitlines() if f"{app}: " in line]
    return [seconds(line.split()[0]) for line in lines if "was started again, since" in line]


def on(zone: str) -> dict[str, Any]:
    return {"deploy": {"placement": {"constraints": [f"node.labels.zone == {zone}"]}}}


def test_a_host_that_is_up_again_soon_keeps_what_it_had(nap: Nap, bed: Bed, apps: Apps) -> None:
    nap = nap.on(with_failover(bed, "patient", after="5m", sweep="1s"))
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    before = nap.ids("steady")
    booted = bed.host("h4")
    was = replica_on(nap, "steady", booted)
    with watching(nap) as watcher:
        known(nap, "steady", 5)
        hosts.restart(bed, booted)
        watcher.until(f"{was} on {booted.name} was started again")
        assert "was made on" not in watcher.said
    settled(bed)
    assert count(serving(bed, nap, "steady", "web")) == 5
    assert nap.ids("steady") == before, "the same containers"


def test_a_host_dies_under_load_and_what_it_ran_serves_elsewhere(
    nap: Nap, bed: Bed, apps: Apps, figure: Figure
) -> None:
    """It is the swarm's leading manager, and a server of Consul; the database is away too."""
    nap("up", "-f", apps("shop", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    lost = leading_manager(bed)
    was = replica_on(nap, "shop", lost)
    with watching(nap) as watcher, busy(bed):
        known(nap, "shop", 5)
        mariadb.stop(bed)
        began = time.monotonic()
        hosts.kill(bed, lost)
        watcher.until(f"{was} was made on", f"since {lost.name} is lost", within=120)
        figure(f"from a host's end to all healthy again: {time.monotonic() - began:.1f} s")
        assert count(serving(bed, nap, "shop", "web")) == 5
        mariadb.start(bed)
        eventually(lambda: last_deployment(nap, "shop") == "failover", "its record", within=60)
        hosts.restart(bed, lost)
        watcher.until(f"{was} of {lost.name} was removed", within=120)
    settled(bed)
    assert count(serving(bed, nap, "shop", "web")) == 5
    nap("up", "-f", apps.files["shop"])
    assert nap.rows("shop")[was]["Host"] != lost.name
    assert happened(nap, f"{was} was made on"), "who ran where is in the events"


def test_a_host_is_cut_off_and_healed(nap: Nap, bed: Bed, apps: Apps, figure: Figure) -> None:
    """What shares nothing serves on both sides until then; what keeps data stays the only one."""
    data = {"volumes": ["data:/data"]}
    writing = "sh -c 'while :; do date +%s >> /data/log; sync; sleep 0.2; done'"
    services = {
        "web": sleeper(**AGAIN, deploy={"replicas": 5}),
        "db": {**sleeper(**AGAIN, **on("b"), **data), "command": writing},
    }
    nap("up", "-f", apps("pair", services, volumes={"data": {}}))
    before = nap.rows("pair")
    lost = bed.host(before["db.1"]["Host"])
    (was,) = (slot for slot, r in before.items() if r["Host"] == lost.name and slot != "db.1")
    with watching(nap) as watcher:
        known(nap, "pair", 6)
        hosts.partition(bed, lost)
        watcher.until(f"{was} was made on", f"since {lost.name} is lost", within=90)
        assert count(serving(bed, nap, "pair", "web")) == 6, "one on each side"
        assert serving(bed, nap, "pair", "db") == {lost.name: ["/" + before["db.1"]["Name"]]}
        healed = time.monotonic()
        hosts.heal(bed, lost)
        watcher.until(f"{was} of {lost.name} was removed", within=60)
        figure(f"from the heal to one copy of each: {time.monotonic() - healed:.1f} s")
        assert list(serving(bed, nap, "pair", "db")) == [lost.name]
    settled(bed)
    assert count(serving(bed, nap, "pair", "web")) == 5
    assert nap.rows("pair")["db.1"]["ID"] == before["db.1"]["ID"], "it was never touched"
    lines = nap("exec", "-T", "pair/db", "cat", "/data/log").out.split()
    assert lines == sorted(lines) and max(b - a for a, b in pairs(lines)) <= 2, "no gap, no damage"


def pairs(lines: list[str]) -> Iterator[tuple[int, int]]:
    return itertools.pairwise(map(int, lines))


def test_the_leader_is_killed_in_the_middle_and_another_finishes(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    nap("up", "-f", apps("shop", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    lost = bed.host("h5")
    was = replica_on(nap, "shop", lost)
    with watching(nap) as first:
        known(nap, "shop", 5)
        log = nap.home / "second.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [PROGRAM, "health", "watch"], env=nap.env, stderr=file, stdout=file
            )
        second = Watcher(process, log)
        try:
            second.until("this one stands by")
            hosts.kill(bed, lost)
            first.until(f"{lost.name}: ", "→ lost", within=90)
            time.sleep(0.5)
            first.kill()
            second.until(" leads", within=60)
            second.until(f"{was} ", " on ", within=90)
            eventually(
                lambda: count(serving(bed, nap, "shop", "web")) == 5, "five again", within=90
            )
        finally:
            process.terminate()
            process.wait(timeout=30)
            hosts.restart(bed, lost)
    settled(bed)
    unlocked(nap, bed, "shop")


# -- crashes: last, for where several apps fail often nothing new is put for five minutes ----------


def test_a_crash_is_heard_of_and_mended_long_before_the_next_sweep(
    nap: Nap, bed: Bed, apps: Apps, figure: Figure
) -> None:
    nap = nap.on(with_failover(bed, "seldom", after="4s", sweep="5m"))
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN, deploy={"replicas": 3})}))
    with watching(nap) as watcher:
        known(nap, "steady", 3)
        for slot, row in nap.rows("steady").items():
            crash(bed, row)
            watcher.until(f"{slot} on", "was started again", within=120)
            now = engines_word.inspect(bed, row)["State"]
            took = seconds(now["StartedAt"]) - seconds(now["FinishedAt"])
            figure(f"from a crash to running again, by the engine's clock: {took:.1f} s")


def test_a_container_that_crashes_again_and_again_is_given_ever_more_time(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    program = "if [ -e /crash ]; then sleep 0.3; exit 3; fi; sleep 1000000"
    crashing = {**sleeper(**AGAIN), "command": ["sh", "-c", program]}
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN)}))
    with watching(nap) as watcher:
        known(nap, "steady", 1)
        crash(bed, nap.rows("steady")["web.1"])
        watcher.until("web.1 on", "was started again, since it had ended with code 137")
        nap("up", "-f", apps("looping", {"web": crashing}))
        nap("exec", "-T", "looping/web", "touch", "/crash")
        crash(bed, nap.rows("looping")["web.1"])
        eventually(lambda: len(restarts(watcher, "looping")) >= 3, "some restarts", within=40)
        first, second, third = restarts(watcher, "looping")[:3]
        told = "\n".join(line for line in watcher.said.splitlines() if "looping" in line)
        assert second - first > 0.9 and third - second > 1.9, f"a second, then two:\n{told}"
        assert status(nap)["looping/web.1"]["restarts"] >= 2
        nap("stop", "steady")
        time.sleep(3)
        assert nap.rows("steady")["web.1"]["State"] == "exited", "it was stopped on purpose"
