"""The watcher while the swarm's managers, Consul's servers or most hosts are away: nothing is done
by one that can't see."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from bed import busybox, consul, engines, hosts, proc
from bed import swarm as swarms
from bed.fixture import bring_up
from bed.layout import Bed, Host
from tests.support.apps import Apps, sleeper
from tests.support.nap import Nap, eventually
from tests.support.settling import settled
from tests.support.watching import (
    AGAIN,
    FAILOVER,
    count,
    crash,
    known,
    leading_manager,
    replica_on,
    serving,
    status,
    watching,
)

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """The first three hosts hold the swarm's managers and Consul's servers, the other two nothing
    but containers."""
    with bring_up("watch-away", hosts=5, only=("hosts", "consul")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        cluster = yaml.safe_load(bed.cluster_file.read_text())
        bed.cluster_file.write_text(yaml.safe_dump({**cluster, "failover": FAILOVER}))
        yield bed


def test_the_swarms_leading_manager_dies_in_the_middle_of_a_failover(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    """What it ran is made elsewhere as well."""
    nap("up", "-f", apps("shop", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    first, second = bed.host("h5"), leading_manager(bed)
    slots = {host: replica_on(nap, "shop", host) for host in (first, second)}
    with watching(nap) as watcher:
        known(nap, "shop", 5)
        hosts.kill(bed, first)
        watcher.until(f"{first.name}: ", "→ lost", within=90)
        hosts.kill(bed, second)
        for slot in slots.values():
            watcher.until(f"{slot} was made on", within=150)
        eventually(lambda: count(serving(bed, nap, "shop", "web")) == 5, "five again", within=90)
        hosts.restart(bed, second)
        hosts.restart(bed, first)
        for host, slot in slots.items():
            watcher.until(f"{slot} of {host.name} was removed", within=120)
    settled(bed)
    assert count(serving(bed, nap, "shop", "web")) == 5


def test_the_swarm_loses_its_quorum_and_nothing_is_touched_until_it_is_back(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    """Of three managers one is lost, and of another the engine is down."""
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    before = nap.rows("steady")
    lost = leading_manager(bed)
    down, last = (host for host in bed.hosts[: swarms.MANAGERS] if host != lost)
    was, (crashed, row) = (
        replica_on(nap, "steady", lost),
        next((slot, row) for slot, row in before.items() if row["Host"] == "h4"),
    )
    with watching(nap) as watcher:
        known(nap, "steady", 5)
        engines.stop(bed, down)
        hosts.kill(bed, lost)
        watcher.until(f"{was}: the swarm's managers have no quorum", within=90)
        assert swarms.role(last) == "no quorum"
        crash(bed, row)
        watcher.until(f"{crashed} on h4: running → exited (137)")
        time.sleep(3)
        assert "was made on" not in watcher.said
        assert "started again" not in watcher.said
        engines.start(bed, down)
        watcher.until(f"{was} was made on", f"since {lost.name} is lost", within=120)
        watcher.until(f"{crashed} on h4: exited (137) → running", within=60)
        hosts.restart(bed, lost)
        watcher.until(f"{was} of {lost.name} was removed", within=120)
        eventually(lambda: count(serving(bed, nap, "steady", "web")) == 5, "all of them", within=60)
    settled(bed)
    after = nap.ids("steady")
    assert {slot for slot in after if after[slot] != before[slot]["ID"]} == {was}


def test_consul_loses_a_server_then_its_quorum_and_comes_back(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN, deploy={"replicas": 2})}))
    with watching(nap) as watcher:
        known(nap, "steady", 2)
        try:
            proc.stop(bed, "h3.consul")
            crash(bed, nap.rows("steady")["web.1"])
            watcher.until("web.1 on", "was started again")
            proc.stop(bed, "h2.consul")
            watcher.until("no container is touched until it is back", within=120)
            before = {slot: row["ID"] for slot, row in nap.rows("steady").items()}
            crash(bed, nap.rows("steady")["web.2"])
            watcher.until("web.2 on", "exited (137)", "not on record yet")
            time.sleep(3)
            assert "started again" not in watcher.said.partition("no container is touched")[2]
            assert nap.rows("steady")["web.2"]["State"] == "exited"
        finally:
            for name in ("h2", "h3"):
                consul.start_on(bed, bed.host(name))
        watcher.until("web.2 on", "was started again", within=120)
    settled(bed)
    after = {slot: row["ID"] for slot, row in nap.rows("steady").items()}
    assert after == before, "the same containers"


def test_all_hosts_but_one_are_cut_off_and_nothing_is_done(nap: Nap, bed: Bed, apps: Apps) -> None:
    nap("up", "-f", apps("steady", {"web": sleeper(**AGAIN, deploy={"replicas": 5})}))
    before = serving(bed, nap, "steady", "web")
    others = [host for host in bed.hosts if host.name != "h1"]
    with watching(nap) as watcher:
        known(nap, "steady", 5)
        each_of(others, lambda host: hosts.partition(bed, host))
        try:
            watcher.until("no container is touched", within=120)
            time.sleep(6)
        finally:
            each_of(others, lambda host: hosts.heal(bed, host))
            settled(bed)
        eventually(lambda: all(row["known"] for row in status(nap).values()), "all is known again")
        assert "was made on" not in watcher.said
    assert serving(bed, nap, "steady", "web") == before


def each_of(several: list[Host], act: Callable[[Host], None]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, several))
