"""The verbs that look closer, over several hosts: one order, fixed calls, a host that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nap_compose.border import Chosen, EventRequest, EventRow, RunRequest, Target
from nap_compose.compose.oneoff import Changes, oneoff_app
from nap_compose.control.local import LocalControl
from nap_compose.errors import NapError, WrongUse
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Hand, Road
from tests.support.views import app

SHOP = Chosen(Target("shop"), services=("web",))


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    fake = fake_cluster(3)
    fake.add_image("web:1")
    road = Road.on(fake)
    shop = app(
        {
            "web": {
                "scale": 6,
                "ports": [{"target": 80, "protocol": "tcp", "mode": "ingress"}],
            },
            "db": {
                "image": "web:1",
                "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
            },
        },
        volumes={"data": {"name": "shop_data"}},
    )
    made = road.up(shop)
    assert made.exit_code == 0, made.error
    return fake


@pytest.fixture
def control(fake: FakeCluster) -> Iterator[LocalControl]:
    control = Road.on(fake).control()
    yield control
    control.close()


def calls(fake: FakeCluster) -> dict[str, list[str]]:
    """What each host was asked, but for its version."""
    return {
        engine.name: [str(call) for call in engine.calls() if call.path != "/version"]
        for engine in fake
    }


def forget(fake: FakeCluster) -> None:
    for engine in fake:
        engine.forget()


def test_images_take_two_lists_and_a_question_an_image(
    fake: FakeCluster, control: LocalControl
) -> None:
    forget(fake)
    rows = control.images(SHOP).rows
    assert [(row.of.service, row.of.replica) for row in rows] == [("web", n) for n in range(1, 7)]
    assert {(row.repository, row.tag, row.platform) for row in rows} == {
        ("web", "1", "linux/amd64")
    }
    used = {row.of.host for row in rows}
    for host, asked in calls(fake).items():
        assert sorted(asked)[:2] == ["GET /containers/json", "GET /images/json"]
        assert len(asked) == (3 if host in used else 2)


def test_ps_takes_one_list_a_host(fake: FakeCluster, control: LocalControl) -> None:
    forget(fake)
    assert len(control.ps(Target("shop")).rows) == 7
    assert set(map(tuple, calls(fake).values())) == {("GET /containers/json",)}


def test_volumes_lie_where_they_are_used(fake: FakeCluster, control: LocalControl) -> None:
    (volume,) = control.volumes(Chosen(Target("shop"))).rows
    (db,) = control.ps(Target("shop", service="db")).rows
    assert (volume.key, volume.app, volume.driver) == ("data", "shop", "local")
    assert volume.host == db.host
    assert control.volumes(Chosen(Target("shop", service="db"))).rows == (volume,)
    assert control.volumes(SHOP).rows == ()
    assert control.volumes(Chosen(Target("blog"))).rows == ()


def test_a_port_of_a_replica_is_reached_at_its_host(
    fake: FakeCluster, control: LocalControl
) -> None:
    for row in control.ps(Target("shop", service="web")).rows:
        target = Target("shop", service="web", replica=row.replica)
        host, _, port = control.port(target, 80, "tcp").rpartition(":")
        assert f"http://{host}:{port}" == row.urls[0]
    with pytest.raises(NapError, match=r"web\.1 publishes no port 81/tcp"):
        control.port(Target("shop", service="web"), 81, "tcp")
    with pytest.raises(WrongUse, match="no service 'wbe'"):
        control.port(Target("shop", service="wbe"), 80, "tcp")


def test_processes_and_usage_of_every_host(fake: FakeCluster, control: LocalControl) -> None:
    rows = control.processes(SHOP).rows
    assert [row.of.replica for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row.processes[0][0] for row in rows} == {"root"}
    used = next(control.usage(SHOP)).rows
    assert [row.of.replica for row in used] == [1, 2, 3, 4, 5, 6]
    assert {(row.memory, row.received, row.written, row.processes) for row in used} == {
        (2 << 20, 1234, 7, 5)
    }
    assert all(row.cpu == pytest.approx(50, abs=5) for row in used)


def test_what_run_made_is_no_replica_and_comes_last(
    fake: FakeCluster, control: LocalControl
) -> None:
    began = time.time()
    whole = app({"web": {}})
    wanted = oneoff_app(whole, "web", Changes(command=("stays",)), folder="/")
    request = RunRequest(app=wanted, whole=whole, service="web", no_deps=True)
    made = control.make_oneoff(request, lambda _: None, Hand())
    assert control.run_oneoff(made, None).detached

    def numbers(chosen: Chosen) -> list[list[int]]:
        past = EventRequest(chosen, since=began, until=time.time())
        return [
            [row.of.replica for row in control.processes(chosen).rows],
            [row.of.replica for row in control.images(chosen).rows],
            [row.of.replica for row in next(control.usage(chosen)).rows],
            [row.of.replica for row in control.happenings(past, lambda _: None)][:1],
        ]

    every = [1, 2, 3, 4, 5, 6, 0]
    assert [row.replica for row in control.ps(SHOP.target, stopped=True).rows][1:] == every
    assert numbers(SHOP) == [every, every, every, [0]]
    first = Chosen(Target("shop", service="web", replica=1))
    assert numbers(first) == [[1], [1], [1], []]


def test_a_container_that_ended_is_left_out_unless_asked_for(
    fake: FakeCluster, control: LocalControl
) -> None:
    row = control.ps(Target("shop", service="web", replica=2)).rows[0]
    fake[row.host].exit(row.id)
    assert len(control.processes(SHOP).rows) == 5
    assert len(next(control.usage(SHOP)).rows) == 5
    every = next(control.usage(replace(SHOP, stopped=True))).rows
    assert [each.of.replica for each in every if not each.running] == [2]


def test_a_host_that_is_away_costs_a_warning(fake: FakeCluster, control: LocalControl) -> None:
    away = control.ps(Target("shop", service="web", replica=1)).rows[0].host
    fake[away].stop()
    for listing in (
        control.images(SHOP),
        control.processes(SHOP),
        next(control.usage(SHOP)),
    ):
        assert listing.rows
        assert len(listing.warnings) == 1
        assert away in listing.warnings[0]


def test_a_host_that_fails_in_between_costs_a_warning(
    fake: FakeCluster, control: LocalControl
) -> None:
    away = control.ps(Target("shop", service="web", replica=1)).rows[0].host
    fake[away].fault("GET", "/containers/.*/top", drop=True)
    listing = control.processes(SHOP)
    assert away not in {row.of.host for row in listing.rows}
    assert listing.rows
    assert len(listing.warnings) == 1


def test_events_of_the_past_come_by_time_and_end(fake: FakeCluster, control: LocalControl) -> None:
    request = EventRequest(SHOP, since=time.time() - 60, until=time.time())
    rows = list(control.happenings(request, pytest.fail))
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert len({row.of.host for row in rows}) > 1
    started = [row for row in rows if row.action == "start"]
    assert sorted(row.of.replica for row in started) == [1, 2, 3, 4, 5, 6]
    assert not any(key.startswith(("io.nap.", "com.docker")) for key in started[0].attributes)
    narrow = EventRequest(Chosen(Target("shop", service="web", replica=2)), time.time() - 60,
                          time.time())  # fmt: skip
    assert {row.of.replica for row in control.happenings(narrow, pytest.fail)} == {2}


def test_events_go_on_over_a_host_that_comes_back(fake: FakeCluster, control: LocalControl) -> None:
    warnings: list[str] = []
    seen: list[EventRow] = []
    began = time.time()

    def watch() -> None:
        for row in control.happenings(EventRequest(SHOP, since=began), warnings.append):
            seen.append(row)
            if len([each for each in seen if each.action == "die"]) == 3:
                return

    watching = threading.Thread(target=watch, daemon=True)
    rows = {row.host: row for row in control.ps(Target("shop", service="web")).rows}
    hosts = sorted(rows)
    watching.start()
    fake[hosts[0]].exit(rows[hosts[0]].id)
    _wait_until(lambda: any(row.action == "die" for row in seen))
    fake[hosts[1]].stop()
    _wait_until(lambda: warnings)
    fake[hosts[1]].exit(rows[hosts[1]].id)
    fake[hosts[1]].start()
    _wait_until(lambda: len([row for row in seen if row.action == "die"]) >= 2)
    fake[hosts[0]].cut()
    others = [r for r in control.ps(Target("shop", service="web")).rows if r.host == hosts[-1]]
    fake[hosts[-1]].exit(others[-1].id)
    watching.join(30)
    assert not watching.is_alive()
    died = [row.of.id for row in seen if row.action == "die"]
    assert len(died) == len(set(died)) == 3
    assert [text for text in warnings if hosts[1] in text] == warnings[:1]


def _wait_until(ready: object) -> None:
    ends = time.monotonic() + 30
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.02)
