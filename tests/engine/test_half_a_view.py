"""Hosts and services that are away: nothing unseen is replaced, and nothing seen is made up."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster import placements
from nap_compose.cluster.state import StoreAway
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def web(replicas: int = 1, **spec: Any) -> App:
    return app({"web": {"deploy": {"replicas": replicas}, **spec}})


def known(road: Road) -> dict[str, str]:
    parts = Parts(road.cluster)
    try:
        return placements.read(parts.store, "ada", "shop")
    finally:
        parts.close()


def set_known(road: Road, hosts: dict[str, str]) -> None:
    parts = Parts(road.cluster)
    try:
        placements.write(parts.store, "ada", "shop", hosts)
    finally:
        parts.close()


def test_a_deployment_that_was_taken_back_is_nowhere(fake: FakeCluster, road: Road) -> None:
    """Its host's death then is no reason to take it for being there."""
    fake.behave("*-web-1*", Behaviour(refuses="no such file"))
    assert road.up(web()).state == "rolled back"
    assert known(road) == {}
    fake.behave("*-web-1*", Behaviour())
    fake["h1"].stop()
    assert road.up(web()).state == "done"


def test_after_a_bad_update_the_places_are_as_before(fake: FakeCluster, road: Road) -> None:
    road.up(web(2))
    before = known(road)
    fake.behave("*-web-3*", Behaviour(refuses="no such file"))
    assert road.up(web(3)).state == "rolled back"
    assert known(road) == before


def test_an_old_container_is_not_taken_for_the_one_on_a_lost_host(
    fake: FakeCluster, road: Road
) -> None:
    """A stopped leftover is seen, but the replica is known to be on the host that isn't."""
    road.up(web())
    row = road.rows("shop")["web.1"]
    other = next(engine for engine in fake if engine.name != row.host)
    set_known(road, {"web.1": other.name})
    fake[row.host].exit(row.id, 0)
    other.stop()
    before = picture_of(fake, row.host)
    outcome = road.up(web())
    assert outcome.exit_code == Exit.PARTIAL
    assert picture_of(fake, row.host) == before


def picture_of(fake: FakeCluster, host: str) -> list[tuple[str, str]]:
    return sorted((each.name, each.state) for each in fake[host].world.containers.values())


def test_what_was_scaled_down_or_left_the_file_is_forgotten(fake: FakeCluster, road: Road) -> None:
    both = {"web": {"deploy": {"replicas": 2}}, "db": {}, "cache": {}}
    road.up(app(both))
    assert set(known(road)) == {"web.1", "web.2", "db.1", "cache.1"}
    road.up(app({**both, "web": {"deploy": {"replicas": 0}}}))
    assert set(known(road)) == {"db.1", "cache.1"}
    road.up(app({"db": {}}), remove_orphans=True)
    assert set(known(road)) == {"db.1"}


def test_an_orphan_that_stays_is_remembered(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}, "db": {}}))
    road.up(app({"db": {}}))
    assert set(known(road)) == {"db.1", "web.1"}


def test_a_service_that_was_taken_down_is_forgotten(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}, "db": {}}))
    road.down(services=("web",))
    assert set(known(road)) == {"db.1"}


def test_places_that_the_store_lost_are_learnt_again(fake: FakeCluster, road: Road) -> None:
    road.up(web())
    before = known(road)
    set_known(road, {})
    assert road.up(web()).state == "unchanged"
    assert known(road) == before


def test_down_of_what_stands_on_a_lost_host_alone(fake: FakeCluster, road: Road) -> None:
    road.up(web())
    host = road.rows("shop")["web.1"].host
    fake[host].stop()
    outcome = road.down()
    assert outcome.exit_code == Exit.PARTIAL
    assert f"web.1 on {host}: {host} was not seen" in outcome.left
    fake[host].start()
    assert road.down().state == "done"
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    assert road.down().exit_code == Exit.DONE


def test_down_leaves_the_network_that_a_lost_host_may_use(fake: FakeCluster, road: Road) -> None:
    road.up(web(2))
    overlay = fake["h1"].world.overlay
    assert overlay is not None
    lost = road.rows("shop")["web.2"].host
    fake[lost].stop()
    outcome = road.down()
    assert (outcome.state, outcome.exit_code) == ("done", Exit.PARTIAL)
    assert [network.name for network in overlay.networks.values()] == ["ada_shop_default"]
    assert any("network default" in sentence for sentence in outcome.left)
    fake[lost].start()
    assert road.down().exit_code == Exit.DONE
    assert not overlay.networks


def test_a_store_that_goes_away_meanwhile_hides_no_outcome(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nap_compose.cluster.state_sqlite import SqliteStore

    def away(*_: Any, **__: Any) -> None:
        raise StoreAway("nobody answers")

    def go(event: Any) -> None:
        if event.step.startswith(("check", "remove:")) and event.phase.value == "done":
            for call in ("get", "put", "list", "delete", "batch"):
                monkeypatch.setattr(SqliteStore, call, away)

    road.on_event = go
    assert road.up(web()).state == "done"
    monkeypatch.undo()
    assert road.rows("shop")["web.1"].state == "running"
    assert road.down().state == "done"
    monkeypatch.undo()
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}


EVERYWHERE = {"deploy": {"mode": "global"}}


def test_a_global_service_runs_once_on_each_host(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": EVERYWHERE}))
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h2", "h3"}
    assert road.up(app({"web": EVERYWHERE})).state == "unchanged"


@pytest.mark.parametrize("lost", ["h1", "h2", "h3"])
def test_a_lost_host_takes_no_other_replica_of_a_global_service_away(
    lost: str, fake: FakeCluster, road: Road
) -> None:
    road.up(app({"web": EVERYWHERE}))
    before = {slot: row.host for slot, row in road.rows("shop").items()}
    fake[lost].stop()
    outcome = road.up(app({"web": EVERYWHERE}))
    assert (outcome.state, outcome.exit_code) == ("unchanged", Exit.PARTIAL)
    assert {slot: row.host for slot, row in road.rows("shop").items()} == before


def test_a_global_service_starts_where_there_are_hosts(fake: FakeCluster, road: Road) -> None:
    fake["h2"].stop()
    assert road.up(app({"web": EVERYWHERE})).state == "done"
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h3"}
    before = {row.host: row.id for row in road.rows("shop").values()}
    fake["h2"].start()
    assert road.up(app({"web": EVERYWHERE})).state == "done"
    after = {row.host: row.id for row in road.rows("shop").values()}
    assert set(after) == {"h1", "h2", "h3"}
    assert before.items() <= after.items()


def test_a_global_service_leaves_out_hosts_that_its_constraints_do(
    fake: FakeCluster, road: Road
) -> None:
    only = {"mode": "global", "placement": {"constraints": ["node.hostname != h2"]}}
    assert road.up(app({"web": {"deploy": only}})).state == "done"
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h3"}


def test_one_that_shares_a_lost_service_s_network_waits_for_it(
    fake: FakeCluster, road: Road
) -> None:
    pair = {"web": {}, "cache": {"network_mode": "service:web", "networks": {}}}
    road.up(app(pair))
    host = road.rows("shop")["web.1"].host
    assert road.rows("shop")["cache.1"].host == host
    fake[host].stop()
    outcome = road.up(
        app({**pair, "db": {"network_mode": "service:web", "networks": {}}}),
        services=("web", "cache"),
    )
    assert outcome.exit_code == Exit.PARTIAL
