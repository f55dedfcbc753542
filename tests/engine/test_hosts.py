"""A closer look at one host, and what is set for hosts by command, on fake engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.border import HostChange
from nap_compose.errors import NapError, WrongUse
from nap_compose.health.proof import CONFIRMED, StoredProofs
from nap_compose.orchestration.placement.result import NoRoom
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def on(zone: str) -> Any:
    return app({"web": {"deploy": {"placement": {"constraints": [f"node.labels.zone=={zone}"]}}}})


def test_a_host_shows_what_runs_there(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}, "db": {}}))
    detail = road.control().host("h1")
    assert (detail.row.name, detail.row.state, bool(detail.row.engine)) == ("h1", "active", True)
    assert [(row.app, row.replica) for row in detail.containers] == [("shop", 1)]
    assert (detail.foreign, detail.networks > 0, detail.images) == (0, True, 2)
    assert abs(detail.skew) < 60


def test_one_host_is_asked_and_the_others_are_not(fake: FakeCluster, road: Road) -> None:
    road.control().host("h1")
    assert fake["h1"].calls() and not fake["h2"].calls()


def test_a_host_that_is_down_is_a_row(fake: FakeCluster, road: Road) -> None:
    fake["h2"].stop()
    detail = road.control().host("h2")
    assert (detail.row.state, detail.containers) == ("unreachable", ())
    assert detail.row.problem


def test_a_label_that_was_set_counts_for_constraints(road: Road) -> None:
    with pytest.raises(NoRoom):
        road.up(on("a"))
    road.control().change_host(HostChange("h2", labels={"zone": "a"}))
    assert road.up(on("a")).state == "done"
    assert road.rows("shop")["web.1"].host == "h2"
    assert road.control().host("h2").row.labels["zone"] == "a"
    road.control().change_host(HostChange("h2", labels={"zone": None}))
    assert "zone" not in road.control().host("h2").row.labels


def test_a_cordoned_host_keeps_what_it_has_and_gets_nothing_new(road: Road) -> None:
    road.up(app({"web": {"scale": 2}}))
    road.control().change_host(HostChange("h2", "cordoned"))
    road.up(app({"web": {"scale": 4}}))
    hosts = [row.host for row in road.rows("shop").values()]
    assert sorted(hosts) == ["h1", "h1", "h1", "h2"]
    road.control().change_host(HostChange("h2", "active"))
    road.up(app({"web": {"scale": 5}}))
    assert [row.host for row in road.rows("shop").values()].count("h2") == 2


def test_no_such_host(road: Road) -> None:
    for ask in (
        lambda control: control.host("h3"),
        lambda control: control.change_host(HostChange("h3", "cordoned")),
        lambda control: control.confirm_lost("h3"),
    ):
        with pytest.raises(WrongUse, match="no host 'h3'"):
            ask(road.control())


def test_without_a_cluster_there_is_nothing_to_set(road: Road) -> None:
    alone = replace(road, cluster=replace(road.cluster, name=""))
    with pytest.raises(WrongUse, match="there is no cluster"):
        alone.control().change_host(HostChange("h1", "cordoned"))


def test_a_host_that_is_off_is_lost_once_a_person_says_so(fake: FakeCluster, road: Road) -> None:
    with pytest.raises(NapError, match="it answers, so it isn't lost"):
        road.control().confirm_lost("h2")
    fake["h2"].stop()
    assert StoredProofs(road.behind()._parts.store).of("h2") is None
    road.control().confirm_lost("h2")
    proof = StoredProofs(road.behind()._parts.store).of("h2")
    assert proof is not None
    assert (proof.how, proof.who) == (CONFIRMED, "ada")
    (lost,) = (row for row in road.control().hosts().rows if row.name == "h2")
    assert (lost.state, "confirmed lost by ada at " in lost.problem) == ("lost", True)
    assert road.control().host("h2").row.state == "lost"
    StoredProofs(road.behind()._parts.store).withdraw("h2")
    assert road.control().host("h2").row.state == "unreachable"


def test_a_dry_run_sets_nothing_and_knows_the_hosts(road: Road) -> None:
    control = road.control()
    try:
        control.change_host(HostChange("h1", "cordoned", {"zone": "x"}, dry_run=True))
        row = control.host("h1").row
        assert (row.state, "x" in row.labels.values()) == ("active", False)
        with pytest.raises(WrongUse, match="no host 'h9'"):
            control.change_host(HostChange("h9", "cordoned", dry_run=True))
    finally:
        control.close()
