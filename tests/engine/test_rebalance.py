"""Rebalancing on fake engines: what moves when a host comes back, what stays, and that it is enough
to do it once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from nap_compose.border import HostChange, Rebalanced, RebalanceRequest
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

DATA = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def rebalance(road: Road, **request: Any) -> Rebalanced:
    control = road.control()
    try:
        return control.rebalance(RebalanceRequest(**request), lambda event: None, road.hand)
    finally:
        control.close()


def set_state(road: Road, host: str, state: str) -> None:
    control = road.control()
    control.change_host(HostChange(host, state))
    control.close()


def without(road: Road, host: str, *apps: Any) -> None:
    """Bring the apps up while a host is closed, and open it then."""
    set_state(road, host, "cordoned")
    for each in apps:
        road.up(each)
    set_state(road, host, "active")


def hosts(road: Road, name: str = "shop") -> dict[str, str]:
    return {slot: row.host for slot, row in road.rows(name).items()}


def moves(done: Rebalanced) -> dict[str, str]:
    return {
        f"{outcome.plan.app}/{line.subject}": line.host
        for outcome in done.outcomes
        for line in outcome.plan.summary
        if line.change.value == "move"
    }


def test_a_host_that_joins_gets_its_share_and_a_second_one_moves_nothing(
    fake: FakeCluster, road: Road
) -> None:
    one_each = [app({"web": {}}, name=name) for name in ("blog", "wiki", "chat")]
    without(road, "h3", app({"web": {"scale": 6}}), *one_each)
    before = picture(fake)
    shown = rebalance(road, dry_run=True)
    assert picture(fake) == before
    assert {each.state for each in shown.outcomes} == {"planned"}
    done = rebalance(road)
    assert {each.state for each in done.outcomes} == {"done"}
    assert moves(done) == moves(shown), "it does what it showed"
    assert Counter(hosts(road).values()) == {"h1": 2, "h2": 2, "h3": 2}
    assert Counter(len(names) for names in picture(fake).values()) == {3: 3}
    again = rebalance(road)
    assert (again.outcomes, again.stays, again.skipped) == ((), {}, {})


def test_what_has_its_data_there_stays_with_the_reason(fake: FakeCluster, road: Road) -> None:
    db = app({"db": DATA}, name="store", volumes={"data": {"name": "store_data"}})
    cut = app({"db": {"volumes": [{"type": "bind", "source": "/srv", "target": "/srv"}]}}, "cut")
    set_state(road, "h2", "cordoned")
    without(road, "h3", db, cut, app({"web": {}}, name="blog"))
    set_state(road, "h2", "active")
    done = rebalance(road)
    assert list(moves(done)) == ["blog/web.1"]
    assert "volume data is on h1" in done.stays["ada/store/db.1"]
    assert "db writes to /srv of h1" in done.stays["ada/cut/db.1"]
    assert hosts(road, "store") == {"db.1": "h1"}


def test_a_global_service_comes_to_the_host_that_joined(road: Road) -> None:
    without(road, "h3", app({"web": {"deploy": {"mode": "global"}}}))
    (outcome,) = rebalance(road).outcomes
    assert outcome.exit_code == Exit.DONE
    assert sorted(hosts(road).values()) == ["h1", "h2", "h3"]
    assert rebalance(road).outcomes == ()


def test_an_app_that_is_stopped_is_left_alone(road: Road) -> None:
    without(road, "h3", app({"web": {"scale": 4}}))
    road.act("stop", "web.2")
    done = rebalance(road)
    assert (done.outcomes, done.skipped) == ((), {"ada/shop": "it isn't settled: web.2 is exited"})


def test_a_replica_that_is_not_well_on_its_new_host_goes_back(
    fake: FakeCluster, road: Road
) -> None:
    without(road, "h3", app({"web": {"scale": 4}}))
    before = hosts(road)
    fake.behave("*-web-*.*", Behaviour(exits_after=0.0, exit_code=3))
    (outcome,) = rebalance(road).outcomes
    assert (outcome.state, outcome.exit_code) == ("rolled back", Exit.FAILED)
    assert hosts(road) == before
