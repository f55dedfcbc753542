"""What placement counts, from the engines' own words: reservations in labels, devices, jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.cluster.holding import Holding
from nap_compose.compose.model import App
from nap_compose.orchestration.placement.result import NoRoom
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    for engine in cluster:
        engine.cpus = 2
    return cluster


def reserving(name: str = "shop", replicas: int = 1, **reserved: Any) -> App:
    deploy = {"replicas": replicas, "resources": {"reservations": reserved}}
    return app({"web": {"deploy": deploy}}, name=name)


def test_what_a_container_was_promised_is_counted_for_the_next_app(road: Road) -> None:
    road.up(reserving("one", cpus=1.5, memory="1g"))
    home = road.rows("one")["web.1"].host
    (there,) = road.view().of_app("ada", "one")
    assert there.holding == Holding(1_500_000_000, 1 << 30)
    road.up(reserving("two", cpus=1.5))
    assert road.rows("two")["web.1"].host != home
    with pytest.raises(NoRoom) as error:
        road.up(reserving("three", cpus=1))
    assert error.value.table == {
        "h1": "cpu 0.5 free, 1.0 asked",
        "h2": "cpu 0.5 free, 1.0 asked",
    }
    road.down("one")
    assert road.up(reserving("three", cpus=1)).state == "done"
    assert road.rows("three")["web.1"].host == home


def test_a_full_host_has_room_for_the_successor_of_what_is_there(road: Road) -> None:
    road.up(reserving(replicas=2, cpus=2))
    before = {slot: row.host for slot, row in road.rows("shop").items()}
    assert road.up(reserving(replicas=2, cpus=1.75)).state == "done"
    assert {slot: row.host for slot, row in road.rows("shop").items()} == before


def test_what_the_cluster_file_reserves_is_left_alone(fake: FakeCluster, road: Road) -> None:
    hosts = {
        name: replace(host, reserve=replace(host.reserve, cpus=1.0))
        for name, host in road.cluster.hosts.items()
    }
    road.cluster = replace(road.cluster, hosts=hosts)
    with pytest.raises(NoRoom) as error:
        road.up(reserving(cpus=1.5))
    assert error.value.table["h1"] == "cpu 1.0 free, 1.5 asked"


def test_devices_that_the_cluster_file_states_are_counted(road: Road) -> None:
    hosts = {**road.cluster.hosts}
    hosts["h2"] = replace(hosts["h2"], devices={"gpu": 1})
    road.cluster = replace(road.cluster, hosts=hosts)
    gpu = [{"capabilities": ["gpu"], "count": 1}]
    road.up(reserving("one", devices=gpu))
    assert road.rows("one")["web.1"].host == "h2"
    with pytest.raises(NoRoom) as error:
        road.up(reserving("two", devices=gpu))
    assert error.value.table == {
        "h1": "gpu none there, 1 asked",
        "h2": "gpu 0 of 1 free, 1 asked",
    }


def test_the_images_platform_counts_where_hosts_differ(fake: FakeCluster, road: Road) -> None:
    fake["h1"].architecture = "aarch64"
    for number in range(3):
        road.up(app({"web": {}}, name=f"app{number}"))
        assert road.rows(f"app{number}")["web.1"].host == "h2"
    fake["h2"].architecture = "armv7l"
    with pytest.raises(NoRoom) as error:
        road.up(app({"web": {}}))
    assert error.value.table == {
        "h1": "platform is linux/arm64, web asks linux/amd64",
        "h2": "platform is linux/arm, web asks linux/amd64",
    }


def job(**more: Any) -> App:
    return app({"web": {"deploy": {"mode": "replicated-job"}, "restart": "always", **more}})


def test_a_job_is_waited_for_and_done_once(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-web-1*", Behaviour(exits_after=0.2, exit_code=0))
    assert road.up(job()).state == "done"
    row = road.rows("shop", stopped=True)["web.1"]
    assert (row.state, row.exit_code) == ("exited", 0)
    policy = fake[row.host].container(row.id).body["HostConfig"]["RestartPolicy"]
    assert policy["Name"] == "on-failure"
    assert road.up(job()).state == "unchanged"
    assert road.rows("shop", stopped=True)["web.1"].id == row.id
    road.up(job(environment={"A": "1"}))
    assert road.rows("shop", stopped=True)["web.1"].id != row.id


def test_a_job_that_fails_is_a_failure(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-web-1*", Behaviour(exits_after=0.1, exit_code=4))
    outcome = road.up(job(restart="no"))
    assert outcome.exit_code == 1
    assert "exited with code 4" in outcome.failures[0].reason


def test_why_is_told_with_the_plan(road: Road) -> None:
    outcome = road.up(reserving(cpus=1), dry_run=True, why=("web",))
    assert outcome.state == "planned"
    (why,) = outcome.why
    assert (why.replica, why.host) == ("web.1", "h1")
    assert [verdict.host for verdict in why.verdicts] == ["h1", "h2"]
