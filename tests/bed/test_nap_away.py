"""What nap needs is away: a host, all of them, Consul, the database. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bed import busybox, consul, docker_api, engines, hosts, mariadb, swarm
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.hosts import unchanged
from tests.support.nap import Nap, eventually

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-away", only=("hosts", "consul", "mariadb")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def nap(bed: Bed, tmp_path: Path) -> Nap:
    return Nap(tmp_path, bed.cluster_file)


@pytest.fixture
def apps(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
    """Files of apps; one app has a replica on each host already."""
    apps = Apps(nap, bed, tmp_path)
    nap("up", "-f", apps("steady", {"web": three()}))
    yield apps
    apps.gone()


def three(**more: object) -> dict[str, object]:
    return sleeper(deploy={"replicas": 3}, **more)


@contextmanager
def cut_off(bed: Bed, host: Host) -> Iterator[None]:
    """The host lives on, and nobody reaches it; the others have noticed."""
    other = next(each for each in bed.hosts if each is not host)
    hosts.partition(bed, host)
    try:
        eventually(lambda: swarm.ready(other) == 2, "the swarm to miss a host", within=60)
        yield
    finally:
        hosts.heal(bed, host)
        settled(bed)


def settled(bed: Bed) -> None:
    """Wait until all hosts are a swarm again, and Consul has a leader that all know."""
    for host in bed.hosts:
        eventually(lambda host=host: swarm.ready(host) == 3, "the swarm", within=120)
    eventually(lambda: consul.leader(bed), "Consul's leader", within=60)


# -- hosts --------------------------------------------------------------------------------------


def test_a_host_that_is_cut_off_is_named_and_the_others_are_used(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    before = nap.rows("steady")
    (lost,) = (slot for slot, row in before.items() if row["Host"] == "h3")
    with cut_off(bed, bed.host("h3")):
        new = nap("up", "-f", apps("new", {"web": three()}))
        (warning,) = new.said
        assert warning.startswith("nap: warning: host h3 was not seen: ")
        assert [row["Host"] for row in nap.rows("new").values()] == ["h1", "h2", "h1"]

        # What it holds stands as unknown, and is neither replaced nor made again elsewhere.
        listed = nap("ps", "steady")
        shown = {line.split()[1]: line for line in listed.out.splitlines()[1:]}
        assert "unknown, not seen" in shown[lost] and " h3 " in shown[lost]
        assert listed.said[0].startswith("nap: warning: host h3 was not seen: ")
        blue = apps("steady", {"web": three(environment={"COLOUR": "blue"})})
        update = nap("up", "-f", blue, code=Exit.PARTIAL)
        assert any(line.startswith("nap: warning: host h3 was not seen: ") for line in update.said)
        during = nap.rows("steady")
        assert during[lost]["State"] == "unknown"
        changed = {slot for slot, row in during.items() if row["ID"] != before[slot]["ID"]}
        assert changed == set(before)  # the lost one's id isn't known any more
        assert [row["State"] for slot, row in during.items() if slot != lost] == ["running"] * 2

    back = nap.rows("steady")
    assert back[lost]["ID"] == before[lost]["ID"], "it lived on"
    nap("up", "-f", blue)
    after = nap.rows("steady")
    assert after[lost]["ID"] != before[lost]["ID"]
    assert {after[slot]["ID"] for slot in after if slot != lost} == {
        during[slot]["ID"] for slot in during if slot != lost
    }
    assert {row["State"] for row in after.values()} == {"running"}


def test_a_host_that_crashed_is_named_and_the_others_are_used(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    h2 = bed.host("h2")
    hosts.kill(bed, h2)
    try:
        eventually(lambda: swarm.ready(bed.hosts[0]) == 2, "the swarm to miss a host", within=60)
        listed = nap("host", "ls")
        assert any(line.startswith("nap: warning: host h2: ") for line in listed.said)
        new = nap("up", "-f", apps("new", {"web": three()}))
        (warning,) = new.said
        assert warning.startswith("nap: warning: host h2 was not seen: ")
        assert [row["Host"] for row in nap.rows("new").values()] == ["h1", "h3", "h1"]
    finally:
        hosts.restart(bed, h2)
        settled(bed)
    assert nap("up", "-f", apps.files["new"]).out == "nothing to do: new is up to date\n"
    nap("up", "-f", apps.files["steady"])
    assert {row["State"] for row in nap.rows("steady").values()} == {"running"}


def test_no_host_is_reached(nap: Nap, bed: Bed, apps: Apps) -> None:
    with unchanged(bed.hosts):
        for host in bed.hosts:
            hosts.partition(bed, host)
        try:
            listed = nap("ps", code=Exit.PARTIAL)
            assert len(listed.said) == 3
            ended = nap("up", "-f", apps("new", {"web": sleeper()}), code=Exit.PARTIAL)
            assert len(ended.errors) == 1
            assert nap("host", "ls").out.count("timeout") == 3
        finally:
            for host in bed.hosts:
                hosts.heal(bed, host)
            settled(bed)


def test_no_engine_answers(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = apps("new", {"web": sleeper()})
    try:
        for host in bed.hosts[1:]:
            engines.stop(bed, host)
        eventually(lambda: not swarm.ready(bed.hosts[0]), "the quorum to be lost", within=60)
        with unchanged(bed.hosts[:1]):
            ended = nap("up", "-f", file, code=Exit.PARTIAL)
            assert "no manager of the swarm that was seen has a quorum" in ended.errors[0]
        engines.stop(bed, bed.hosts[0])
        ended = nap("up", "-f", file, code=Exit.PARTIAL)
        (error,) = ended.errors
        assert error.startswith("nap: no host answers (h1: nothing listens on ")
        assert error.count("nothing listens on ") == 3
        assert nap("down", "steady", code=Exit.PARTIAL).errors == [error]
    finally:
        for host in bed.hosts:
            engines.start(bed, host)
        settled(bed)
    assert {row["State"] for row in nap.rows("steady").values()} == {"exited"}
    nap("up", "-f", apps.files["steady"])
    assert nap("ps", "steady", "--status", "running", "-q").out.count("\n") == 3


# -- servers ------------------------------------------------------------------------------------


def test_consul_away(nap: Nap, bed: Bed, apps: Apps) -> None:
    changed = apps("changed", {"web": three()})
    consul.stop(bed)
    try:
        with unchanged(bed.hosts):
            _reading_goes_on(nap)
            for words in (
                ("up", "-f", apps.files["steady"]),
                ("up", "-f", changed),
                ("down", "steady"),
            ):
                ended = nap(*words, code=Exit.PARTIAL)
                first, hint = ended.said
                assert first.startswith("nap: Consul doesn't answer (https://")
                assert hint.endswith("`nap ps` works; changes wait until Consul is back")
    finally:
        consul.start(bed)
        settled(bed)
    assert nap("up", "-f", apps.files["steady"]).out == "nothing to do: steady is up to date\n"


def test_the_database_away(nap: Nap, bed: Bed, apps: Apps) -> None:
    changed = apps("steady", {"web": three(environment={"COLOUR": "blue"})})
    fresh = apps("fresh", {"web": sleeper()})
    mariadb.stop(bed)
    try:
        with unchanged(bed.hosts):
            _reading_goes_on(nap)
            for words in (("up", "-f", changed), ("up", "-f", fresh), ("down", "steady")):
                ended = nap(*words, code=Exit.PARTIAL)
                first, hint = ended.said
                assert first.startswith(f"nap: the database at {bed.control_ip}:3306 can't be used")
                assert hint.endswith("`nap ps` works; changes wait until the records are back")
    finally:
        mariadb.start(bed)
    nap("up", "-f", changed)


def _reading_goes_on(nap: Nap) -> None:
    assert nap("ps", "steady").out.count("running") == 3
    assert "steady" in nap("ls").out
    assert nap("host", "ls").out.count("active") == 3
    assert "deploy | done" in nap("logs", "steady").out


def test_an_election_of_the_swarm_is_waited_for(nap: Nap, bed: Bed, apps: Apps) -> None:
    """A manager that leaves the lead for a moment fails no deployment."""
    leader = next(
        host
        for host in bed.hosts
        for node in docker_api.call(host, "GET", "/nodes")
        if node["ManagerStatus"].get("Leader") and node["Description"]["Hostname"] == host.name
    )
    engines.stop(bed, leader)
    try:
        nap("up", "-f", apps("elected", {"web": sleeper()}))
    finally:
        engines.start(bed, leader)
        settled(bed)
