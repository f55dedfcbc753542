"""`nap ls` of a cluster: apps that have no containers are listed from the records, with why."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.border import Listing
from nap_compose.db.records import RecordsAway
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

FAILING = Behaviour(refuses="exec: no such file")


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    fake = fake_cluster(2)
    fake.add_image("web:1")
    return fake


def listed(road: Road) -> Listing:
    control = road.control()
    try:
        return control.apps(recorded=True)
    finally:
        control.close()


def standing(road: Road) -> dict[str, str]:
    return {row.app: row.standing for row in listed(road).rows}


def test_each_app_says_how_it_came_to_have_no_containers(fake: FakeCluster, road: Road) -> None:
    assert road.up(app({"web": {}}, name="shop")).state == "done"
    assert road.up(app({"web": {}}, name="blog")).state == "done"
    assert road.down("blog").state == "done"
    fake.behave("*bad-web-1*", FAILING)
    bad = road.up(app({"web": {}}, name="bad"))
    assert standing(road) == {"bad": bad.state, "blog": "down", "shop": ""}
    control = road.control()
    try:
        assert [row.app for row in control.apps().rows] == ["shop"]
    finally:
        control.close()


def test_an_app_whose_host_is_not_seen(fake: FakeCluster, road: Road) -> None:
    assert road.up(app({"web": {}}, name="shop")).state == "done"
    host = road.rows("shop")["web.1"].host
    next(engine for engine in fake if engine.name == host).stop()
    assert standing(road) == {"shop": "not seen"}


def test_with_the_records_away_what_has_containers_is_listed(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_self: Any) -> Any:
        raise RecordsAway("the database doesn't answer")

    assert road.up(app({"web": {}}, name="shop")).state == "done"
    monkeypatch.setattr("nap_compose.db.sql_apps.SqlApps.last_deployments", away)
    found = listed(road)
    assert [row.app for row in found.rows] == ["shop"]
    assert "the database doesn't answer" in found.warnings[0]
