"""What nap needs is away: a host, all of them, Consul, the database. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bed import busybox, consul, docker_api, engines, hosts, mariadb
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.hosts import unchanged
from tests.support.nap import Nap
from tests.support.settling import settled

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """The first three hosts hold the swarm's managers and Consul's servers, the fourth nothing."""
    with bring_up("job-away", hosts=4, only=("hosts", "consul", "mariadb")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def apps(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
    """Files of apps; one app has a replica on each host already."""
    apps = Apps(nap, bed, tmp_path)
    nap("up", "-f", apps("steady", {"web": four()}))
    yield apps
    apps.gone()


def four(**more: object) -> dict[str, object]:
    return sleeper(deploy={"replicas": 4}, **more)


def all_at_once(act: Callable[[Bed, Host], None], bed: Bed) -> None:
    """Do it to every host."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, [bed] * len(bed.hosts), bed.hosts))


# -- hosts --------------------------------------------------------------------------------------


NOT_SEEN = "nap: warning: host h4 was not seen: "
"""What follows is which step took too long, which is not the same each time."""


def test_a_host_that_is_cut_off_is_named_and_the_others_are_used(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    before = nap.rows("steady")
    (lost,) = (slot for slot, row in before.items() if row["Host"] == "h4")
    new, blue = apps("new", {"web": four()}), {"web": four(environment={"COLOUR": "blue"})}
    hosts.partition(bed, bed.host("h4"))
    try:
        (warning,) = nap("up", "-f", new).said
        assert warning.startswith(NOT_SEEN)

        # What it holds stands as unknown, and is neither replaced nor made again elsewhere.
        update = nap("up", "-f", apps("steady", blue), code=Exit.PARTIAL)
        assert any(line.startswith(NOT_SEEN) for line in update.said)
        listed = nap("ps", "steady")
        shown = {line.split()[1]: line for line in listed.out.splitlines()[1:]}
        assert set(shown) == set(before)
        assert "unknown, not seen" in shown[lost] and " h4 " in shown[lost]
        assert [line.startswith(NOT_SEEN) for line in listed.said] == [True]
    finally:
        hosts.heal(bed, bed.host("h4"))
        settled(bed)
    assert [row["Host"] for row in nap.rows("new").values()] == ["h1", "h2", "h3", "h1"]
    back = nap.rows("steady")
    assert back[lost]["ID"] == before[lost]["ID"], "it lived on"
    assert all(back[slot]["ID"] != before[slot]["ID"] for slot in before if slot != lost)

    nap("up", "-f", apps.files["steady"])
    after = nap.rows("steady")
    changed = [slot for slot, row in after.items() if row["ID"] != back[slot]["ID"]]
    assert changed == [lost], "the rest was done already"
    assert {row["State"] for row in after.values()} == {"running"}


def test_a_host_that_crashed_is_named_and_the_others_are_used(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    """It was a manager of the swarm and a server of Consul: each has two others left."""
    crashed = bed.host("h2")
    hosts.kill(bed, crashed)
    try:
        listed = nap("host", "ls")
        (warning,) = listed.said
        assert warning.startswith("nap: warning: host h2: ")
        new = nap("up", "-f", apps("new", {"web": four()}))
        (warning,) = new.said
        assert warning.startswith("nap: warning: host h2 was not seen: ")
    finally:
        hosts.restart(bed, crashed)
        settled(bed)
    assert [row["Host"] for row in nap.rows("new").values()] == ["h1", "h3", "h4", "h1"]
    assert nap("up", "-f", apps.files["new"]).out == "nothing to do: new is up to date\n"
    nap("up", "-f", apps.files["steady"])
    assert {row["State"] for row in nap.rows("steady").values()} == {"running"}


def test_no_host_is_reached(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = apps("new", {"web": sleeper()})
    with unchanged(bed.hosts):
        all_at_once(hosts.partition, bed)
        try:
            assert len(nap("ps", code=Exit.PARTIAL).said) == len(bed.hosts)
            assert len(nap("up", "-f", file, code=Exit.PARTIAL).errors) == 1
        finally:
            all_at_once(hosts.heal, bed)
            settled(bed)


def test_no_engine_answers(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = apps("new", {"web": sleeper()})
    all_at_once(engines.stop, bed)
    try:
        (error,) = nap("up", "-f", file, code=Exit.PARTIAL).errors
        assert error.startswith("nap: no host answers (h1: nothing listens on ")
        assert error.count("nothing listens on ") == len(bed.hosts)
        assert nap("down", "steady", code=Exit.PARTIAL).errors == [error]
    finally:
        all_at_once(engines.start, bed)
        settled(bed)
    assert {row["State"] for row in nap.rows("steady").values()} == {"exited"}
    nap("up", "-f", apps.files["steady"])
    assert {row["State"] for row in nap.rows("steady").values()} == {"running"}


# -- servers ------------------------------------------------------------------------------------


def test_consul_away(nap: Nap, bed: Bed, apps: Apps) -> None:
    changed = apps("changed", {"web": four()})
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
    changed = apps("steady", {"web": four(environment={"COLOUR": "blue"})})
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
    assert nap("ps", "steady").out.count("running") == 4
    assert "steady" in nap("ls").out
    assert nap("host", "ls").out.count("active") == 4
    assert "deploy | done" in nap("logs", "steady").out


def test_an_election_of_the_swarm_is_waited_for(nap: Nap, bed: Bed, apps: Apps) -> None:
    """A manager that leaves the lead for a moment fails no deployment."""
    leader = next(
        bed.host(node["Description"]["Hostname"])
        for node in docker_api.call(bed.hosts[0], "GET", "/nodes")
        if node.get("ManagerStatus", {}).get("Leader")
    )
    engines.stop(bed, leader)
    try:
        nap("up", "-f", apps("elected", {"web": sleeper()}))
    finally:
        engines.start(bed, leader)
        settled(bed)
