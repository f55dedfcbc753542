"""Before a replica moves or goes a person can be asked: the road stops, and nothing was done."""

from __future__ import annotations

import pytest

from nap_compose.border import HostChange
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


def test_what_the_file_no_longer_counts_is_asked_about(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    before = picture(fake)
    fewer = app({"web": {"scale": 2}})
    asked = road.up(fewer, careful=True)
    assert (asked.state, asked.exit_code) == ("asks", Exit.UNANSWERED)
    assert picture(fake) == before
    assert road.up(fewer).state == "done"


def test_what_the_words_name_is_not(road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    assert road.up(app({"web": {"scale": 3}}), scale={"web": 1}, careful=True).state == "done"
    changed = app({"web": {"environment": {"A": "b"}}})
    assert road.up(changed, careful=True).state == "done", "a replacement is no removal"


def test_a_move_is_asked_about(fake: FakeCluster, road: Road) -> None:
    shop = app({"web": {"scale": 2}})
    road.up(shop)
    control = road.control()
    control.change_host(HostChange("h2", "drained"))
    control.close()
    before = picture(fake)
    asked = road.up(shop, careful=True)
    assert asked.state == "asks"
    assert Change.MOVE in {line.change for line in asked.plan.summary}
    assert picture(fake) == before
