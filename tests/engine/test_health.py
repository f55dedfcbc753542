"""`nap health` on fake engines: what a sweep writes, and what it makes of what it can't see."""

from __future__ import annotations

import time

import pytest

from nap_compose.border import Checkup, HappeningRequest, HealthReport, Target
from nap_compose.health.records import ContainerRecord
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

PROBE = {"test": ["CMD", "true"], "interval": "1s"}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def check(road: Road) -> Checkup:
    control = road.control()
    try:
        return control.check_health()
    finally:
        control.close()


def report(road: Road) -> HealthReport:
    control = road.control()
    try:
        return control.health(Target())
    finally:
        control.close()


def records(road: Road) -> dict[str, ContainerRecord]:
    return {each.slot: each for each in report(road).containers}


def told(road: Road, slot: str = "") -> list[str]:
    service, _, number = slot.partition(".")
    target = Target("shop", "ada", service, int(number or 0)) if slot else Target()
    control = road.control()
    try:
        return [each.text for each in control.health_events(HappeningRequest(target))]
    finally:
        control.close()


def test_before_anybody_looked_nothing_is_known(road: Road) -> None:
    found = report(road)
    assert (found.containers, found.stale, found.as_of) == ((), True, "")


def test_a_sweep_writes_what_each_container_and_host_is(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 2, "healthcheck": PROBE}, "db": {}}))
    found = check(road)
    assert (found.hosts, found.containers, found.unwell, found.unseen) == (2, 3, (), ())
    kept = records(road)
    assert sorted(kept) == ["db.1", "web.1", "web.2"]
    web = kept["web.1"]
    assert (web.state, web.health, web.exit_code, web.restarts) == ("running", "healthy", None, 0)
    assert web.started and web.since and web.fence and web.revision == 1
    hosts = report(road).hosts
    assert [(host.name, host.state.value) for host in hosts] == [("h1", "up"), ("h2", "up")]
    assert all(host.engine and host.cpus and host.memory for host in hosts)
    assert not report(road).stale


def test_a_second_sweep_writes_nothing_and_inspects_nothing(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    check(road)
    for engine in fake:
        engine.forget()
    assert check(road).written == 0
    asked = [str(call) for engine in fake for call in engine.calls()]
    assert not [each for each in asked if each.endswith("/json") and "/containers/json" not in each]


def test_a_container_that_ended_says_how(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    check(road)
    (web,) = records(road).values()
    fake.behave("*web*", Behaviour())
    with fake[web.host].world.lock:
        fake[web.host].world.end(fake[web.host].world.containers[web.container], 3)
    found = check(road)
    assert [each.slot for each in found.unwell] == ["web.1"]
    ended = records(road)["web.1"]
    assert (ended.state, ended.exit_code) == ("exited", 3)
    assert ended.since > web.since
    assert told(road, "web.1")[-1] == f"web.1 on {web.host}: running → exited (3)"


def test_a_container_that_was_started_again_is_noticed(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    (web,) = road.rows("shop").values()
    world = fake[web.host].world
    with world.lock:
        world.containers[web.id].started = time.time() - 3600
    check(road)
    before = records(road)["web.1"]
    with world.lock:
        world.containers[web.id].started = time.time()
    check(road)
    assert records(road)["web.1"].started > before.started
    assert told(road)[-1] == f"web.1 on {web.host} was started again"


def test_what_stands_on_a_host_that_is_away_stays_and_is_unknown(
    fake: FakeCluster, road: Road
) -> None:
    road.up(app({"web": {"scale": 2}}))
    check(road)
    fake["h2"].stop()
    found = check(road)
    assert [host.name for host in found.unseen] == ["h2"]
    now = report(road)
    known = {each.host: now.known(each) for each in now.containers}
    assert known == {"h1": True, "h2": False}
    assert {each.state for each in now.containers} == {"running"}
    assert told(road)[-1].startswith("h2: up → silent: ")
    fake["h2"].start()
    check(road)
    assert all(map(report(road).known, report(road).containers))
    assert told(road)[-1] == "h2: silent → up"


def test_what_went_goes_from_the_records(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 2}}))
    check(road)
    road.up(app({"web": {"scale": 1}}))
    check(road)
    assert sorted(records(road)) == ["web.1"]
    assert told(road, "web.2")[-1].startswith("web.2 is gone from h")


def test_a_replica_that_was_made_anew_is_told(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    check(road)
    road.up(app({"web": {"environment": {"A": "1"}}}))
    check(road)
    host = records(road)["web.1"].host
    assert told(road)[-1] == f"web.1 was made anew on {host}: running"
    assert records(road)["web.1"].revision == 2


def test_embedded_the_records_are_local(fake_cluster: MakeCluster) -> None:
    from dataclasses import replace

    fake = fake_cluster(1, None)
    fake.add_image("web:1")
    road = Road.on(fake)
    road.cluster = replace(road.cluster, name="")
    road.up(app({"web": {}}))
    assert check(road).containers == 1
    (web,) = report(road).containers
    assert (web.owner, web.slot, web.state) == ("", "web.1", "running")
