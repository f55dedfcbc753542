"""Drain and rebalance on real hosts: they move what they say, and no data is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from bed import busybox
from bed.docker_api import call
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support import hosts
from tests.support.apps import Apps, sleeper
from tests.support.nap import PROGRAM, Nap
from tests.support.terminal import OnTerminal

pytestmark = pytest.mark.bed

SPREAD = {"placement": {"preferences": [{"spread": "node.labels.zone"}]}}
QUICK = {"update_config": {"monitor": "1s", "parallelism": 2}}
"""A replica that has run for a second is taken for well."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("moving", only=("hosts", "consul")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


def where(nap: Nap, app: str) -> dict[str, str]:
    return {slot: row["Host"] for slot, row in nap.rows(app).items()}


def is_there(host: Host, name: str) -> bool:
    listed = call(host, "GET", "/containers/json", query={"all": "1"})
    return any(f"/{name}" in each["Names"] for each in listed)


def told(lines: str) -> dict[str, str]:
    """What a plan says that moves: replica → host."""
    words = (line.split() for line in lines.splitlines())
    return {each[1]: each[3] for each in words if each[:1] == ["move"]}


def test_drain_and_rebalance_move_what_they_say(nap: Nap, bed: Bed, apps: Apps) -> None:
    web = sleeper(deploy={"replicas": 4, **SPREAD, **QUICK})
    note = "sh -c 'test -f /d/note || echo kept > /d/note; exec sleep 1000000'"
    store = sleeper(command=note, volumes=["data:/d"])
    cache = sleeper(volumes=["/cache"])  # anonymous
    nap("host", "cordon", "h3")
    nap("up", "-f", apps("shop", {"web": web}))
    nap("up", "-f", apps("store", {"db": store, "cache": cache}, volumes={"data": {}}))
    nap("host", "activate", "h3")
    before, kept = where(nap, "shop"), nap.ids("store")
    assert Counter(before.values()) == {"h1": 2, "h2": 2}

    # h3 is the only host of its zone: it gets a third of the replicas, as any zone.
    shown = told(nap("rebalance", "--dry-run").out)
    assert set(shown.values()) == {"h3"}
    with hosts.unchanged(bed.hosts):
        asked = nap("rebalance", code=Exit.UNANSWERED)
    assert told(asked.err) == shown
    nap("rebalance", "-y")
    after = where(nap, "shop")
    assert {slot: after[slot] for slot in after if after[slot] != before[slot]} == shown
    assert sorted(Counter(after.values()).values()) == [1, 1, 2]
    assert nap.ids("store") == kept, "neither volume's replica moved"
    again = nap("rebalance", "-y")
    assert again.out == "nothing to do: whatever can be moved is where it is best off\n"

    # Drained, the host of the data keeps just that.
    home = where(nap, "store")["db.1"]
    mine = {slot for slot, host in where(nap, "shop").items() if host == home}
    shown = told(nap("host", "drain", home, "--dry-run").out)
    assert set(shown) == mine and home not in shown.values()
    before = where(nap, "shop")
    ended = nap("host", "drain", home, code=Exit.NO_ROOM)
    now = where(nap, "shop")
    assert {slot: now[slot] for slot in now if now[slot] != before[slot]} == shown
    assert f"{nap.owner}/store/db.1" in ended.err
    assert nap.ids("store")["db.1"] == kept["db.1"]
    assert nap("exec", "store/db.1", "cat", "/d/note").out == "kept\n"
    nap("host", "activate", home)


def test_an_anonymous_volume_goes_when_a_person_says_so(nap: Nap, apps: Apps) -> None:
    pinned = {"placement": {"constraints": ["node.hostname == h1"]}}
    nap("up", "-f", apps("cached", {"cache": sleeper(volumes=["/cache"], deploy=pinned)}))
    elsewhere = {"placement": {"constraints": ["node.hostname == h2"]}}
    file = apps("cached", {"cache": sleeper(volumes=["/cache"], deploy=elsewhere)})
    ended = nap("up", "-f", file, code=Exit.NO_ROOM)
    assert "h2  its anonymous volume is on h1" in ended.err
    nap("up", "-f", file, "-V")
    assert where(nap, "cached") == {"cache.1": "h2"}


def test_a_person_at_a_terminal_is_asked_before_something_moves(nap: Nap, apps: Apps) -> None:
    def pinned(host: str) -> Path:
        deploy = {"placement": {"constraints": [f"node.hostname == {host}"]}, **QUICK}
        return apps("asked", {"web": sleeper(deploy=deploy)})

    nap("up", "-f", pinned("h1"))
    words = [str(PROGRAM), "up", "-f", str(pinned("h2"))]
    for key, code, host in (("n", Exit.UNANSWERED, "h1"), ("y", Exit.DONE, "h2")):
        with OnTerminal(words, env={**nap.env, "TERM": "xterm"}, cwd=nap.home) as screen:
            assert b"move     web.1 on h2" in screen.until("Go on? [y/N]")
            screen.type(f"{key}\n")
            assert screen.ended() == code
        assert where(nap, "asked") == {"web.1": host}


def test_a_failed_container_is_kept_for_a_look_until_the_next_success(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    """Whatever holds a network, a name or a port there would be in the way of the next one."""
    good = sleeper(deploy=QUICK, restart="always", ports=["7700:80"])
    nap("up", "-f", apps("looked", {"web": good}))
    before = nap.ids("looked")
    bad = {**good, "command": "sh -c 'echo broken by a change; exit 3'"}
    file = apps("looked", {"web": bad})
    ended = nap("up", "-f", file, "--wait-timeout", "5s", code=Exit.FAILED)
    assert "broken by a change" in ended.err
    name = ended.err.partition("it is kept for a look as ")[2].partition(",")[0]
    assert nap.ids("looked") == before
    (where_it_is,) = (host for host in bed.hosts if is_there(host, name))
    found = call(where_it_is, "GET", f"/containers/{name}/json")
    assert found["State"]["Status"] == "exited"
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert found["NetworkSettings"]["Networks"] == {}
    nap("up", "-f", apps("looked", {"web": {**good, "environment": {"A": "b"}}}))
    assert not any(is_there(host, name) for host in bed.hosts)


def test_a_port_is_its_apps_while_that_is_stopped(nap: Nap, apps: Apps) -> None:
    pinned = {"placement": {"constraints": ["node.hostname == h1"]}, **QUICK}
    serve = sleeper(ports=["7800:80"], deploy=pinned)
    nap("up", "-f", apps("first", {"web": serve}))
    nap("stop", "first", "-t", "1")
    other = apps("second", {"web": serve})
    told = nap("up", "-f", other, code=Exit.NO_ROOM).err
    assert f"h1  port 7800 held by {nap.owner}/first/web.1, which is exited" in told
    nap("start", "first")
    nap("down", "first", "-t", "1")
    nap("up", "-f", other)


def test_a_network_is_as_the_cluster_file_says(nap: Nap, bed: Bed, apps: Apps) -> None:
    content = yaml.safe_load(bed.cluster_file.read_text())
    content["network"] = {**(content.get("network") or {}), "mtu": 1390, "pool": "10.129.0.0/16"}
    stated = bed.cluster_file.with_name("with-mtu.yml")
    stated.write_text(yaml.safe_dump(content))
    file = apps("wired", {"web": sleeper(deploy={"replicas": 3, **QUICK})})
    nap.on(stated)("up", "-f", file)
    (network,) = (
        each
        for each in call(bed.hosts[0], "GET", "/networks")
        if each["Name"] == f"{nap.project('wired')}_default"
    )
    (given,) = network["IPAM"]["Config"]
    assert IPv4Network(given["Subnet"]).subnet_of(IPv4Network("10.129.0.0/16"))
    assert IPv4Network(given["Subnet"]).prefixlen == 26
    told = nap("exec", "wired/web.1", "sh", "-c", "cat /sys/class/net/*/mtu").out.split()
    assert "1340" in told, "what is wrapped around a packet takes 50 bytes"
    assert nap("exec", "wired/web.1", "ping", "-c", "1", "-W", "3", "web").code == 0
    stated.unlink()
