"""A host on which a replica fails again and again is passed by for a while."""

from __future__ import annotations

import pytest

from nap_compose.cluster import failures
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


def test_after_five_failures_a_replica_goes_elsewhere(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake["h1"].behave("*web*", Behaviour(exits_after=0.0, exit_code=3))
    for _ in range(5):
        outcome = road.up(app({"web": {}}))
        assert [each.host for each in outcome.failures] == ["h1"]
    assert road.up(app({"web": {}})).state == "done"
    assert road.rows()["web.1"].host == "h2"
    road.down()
    monkeypatch.setattr(failures, "WINDOW", 0.0)
    assert road.up(app({"web": {}})).failures, "after a while it is tried again"
