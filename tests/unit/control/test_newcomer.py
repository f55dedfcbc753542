"""A host that is to join: what its script printed, what stands in the way, what would be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nap_compose.border import Grade
from nap_compose.control.founding.newcomer import Newcomer, changes, findings, read
from nap_compose.control.founding.overssh import Via
from nap_compose.errors import WrongUse

PRINTED = """\
user\t0
time\t1000.5
start\t/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
settings\t/etc/docker/daemon.json
engine\t24.0.7
swarm\tinactive
disk\t1000 900
container\twiki
container\tdb
mtu\t1500
open\t10.0.0.11:7946
shut\t10.0.0.11:2377
"""
GOOD = Newcomer("h4", engine="24.0.7", start="/usr/sbin/dockerd -H fd://", mtu=1500)


def told(host: Newcomer, *, mtu: int | None = None, in_swarm: bool = False) -> dict[str, Grade]:
    found = findings(host, cluster_mtu=mtu, in_swarm=in_swarm)
    return {each.text: each.grade for each in found if each.grade is not Grade.OK}


def test_what_the_script_prints() -> None:
    seen = read("h4", PRINTED, sent=1000.0, received=1001.0)
    assert seen.engine == "24.0.7" and seen.containers == ("wiki", "db")
    assert seen.disk == (1000 * 1024, 900 * 1024)
    assert seen.skew == 0.0, "its clock was between the two moments"
    assert seen.ways == {"10.0.0.11:7946": True, "10.0.0.11:2377": False}
    assert told(seen) == {"from there nothing gets through to 10.0.0.11:2377": Grade.FAULT}


@pytest.mark.parametrize(("clock", "skew"), [(1045.0, 44.0), (990.0, -10.0), (1000.2, 0.0)])
def test_its_clock(clock: float, skew: float) -> None:
    seen = read("h4", f"time\t{clock}\n", sent=1000.0, received=1001.0)
    assert seen.skew == pytest.approx(skew)


def test_a_script_that_broke_off() -> None:
    seen = read("h4", "time\tnever\ndisk\tx\nmtu\t\ntaken\t?\n", sent=0, received=1)
    assert (seen.skew, seen.disk, seen.mtu, seen.taken) == (0.0, (0, 0), 0, ())


def test_a_host_with_nothing_in_the_way() -> None:
    assert told(GOOD) == {}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"root": False}, "isn't root"),
        ({"no_engine": "Cannot connect"}, "no engine answers: Cannot connect"),
        ({"engine": "19.03.15"}, "its engine 19.03.15 is too old"),
        ({"start": ""}, "systemd doesn't start its engine"),
        ({"listens": "/etc/docker/daemon.json"}, "says where the engine listens"),
        ({"live_restore": "/etc/docker/daemon.json"}, "turns live-restore on"),
        ({"swarm": "active"}, "is in a swarm already"),
        ({"skew": -31.0}, "its clock is 31 s behind"),
        ({"mtu": 0}, "none of its interfaces has the address"),
        ({"taken": (2376, 7946)}, "somebody else listens on port 7946"),
    ],
)
def test_what_a_host_can_not_join_with(wrong: dict[str, object], text: str) -> None:
    found = told(replace(GOOD, **wrong))  # type: ignore[arg-type]
    assert [grade for each, grade in found.items() if text in each] == [Grade.FAULT], found


@pytest.mark.parametrize(
    ("odd", "text"),
    [
        ({"skew": 3.0}, "its clock is 3 s ahead"),
        ({"mtu": 1400}, "carries packets of 1400 bytes"),
        ({"disk": (100, 5)}, "95% full"),
    ],
)
def test_what_is_said_and_no_more(odd: dict[str, object], text: str) -> None:
    found = told(replace(GOOD, **odd))  # type: ignore[arg-type]
    assert [grade for each, grade in found.items() if text in each] == [Grade.WARNING], found


def test_the_mtu_of_the_cluster_file_counts() -> None:
    assert told(replace(GOOD, mtu=1400), mtu=1400) == {}


def test_a_host_of_the_swarm_itself_may_join_again() -> None:
    host = replace(GOOD, swarm="active", taken=(2376, 2377, 7946, 4789))
    assert told(host, in_swarm=True) == {}
    assert not any("joins" in each for each in changes(host, in_swarm=True))


def test_containers_run_on_unless_the_host_is_in_a_swarm() -> None:
    host = replace(GOOD, containers=("wiki",))
    assert any("live-restore" in each and "wiki run on" in each for each in changes(
        host, in_swarm=False
    ))  # fmt: skip
    assert host.stops == ()
    member = replace(host, swarm="active")
    assert member.stops == ("wiki",)
    assert any("stops wiki" in each for each in changes(member, in_swarm=True))


def test_an_engine_that_systemd_gives_its_socket_to() -> None:
    assert any("systemd's socket and TCP 2376" in each for each in changes(GOOD, in_swarm=False))


@pytest.mark.parametrize(
    ("text", "destination", "port", "address"),
    [
        ("ssh://admin@h1", "admin@h1", 0, "h1"),
        ("ssh://10.0.0.11:2222", "10.0.0.11", 2222, "10.0.0.11"),
        ("ssh://root@[fd00::6]:22", "root@fd00::6", 22, "fd00::6"),
    ],
)
def test_ways_of_ssh(text: str, destination: str, port: int, address: str) -> None:
    via = Via.read(text)
    assert (via.destination, via.port, via.address) == (destination, port, address)
    assert Via.read(str(via)) == via


@pytest.mark.parametrize(
    "text", ["h1", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://h1/x", "tcp://h1:22"]
)
def test_what_is_no_way(text: str) -> None:
    with pytest.raises(WrongUse):
        Via.read(text)
