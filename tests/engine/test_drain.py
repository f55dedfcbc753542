"""Draining a host, on fake engines: what moves, what stays, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.border import Drained, DrainRequest
from nap_compose.errors import NapError, WrongUse
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


def drain(road: Road, host: str, **request: Any) -> Drained:
    control = road.control()
    try:
        return control.drain(DrainRequest(host, **request), lambda event: None, road.hand)
    finally:
        control.close()


def hosts(road: Road, name: str = "shop") -> dict[str, str]:
    return {slot: row.host for slot, row in road.rows(name).items()}


def test_replicas_move_and_the_rest_is_left_alone(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    road.up(app({"web": {}}, name="blog"))
    before = {slot: row.id for slot, row in road.rows("shop").items()}
    at_home = {slot for slot, host in hosts(road).items() if host == "h2"}
    drained = drain(road, "h2")
    assert (drained.stays, drained.failed) == ((), {})
    assert "h2" not in {*hosts(road).values(), *hosts(road, "blog").values()}
    after = {slot: row.id for slot, row in road.rows("shop").items()}
    assert {slot for slot in before if before[slot] != after[slot]} == at_home
    assert picture(fake)["h2"] == []
    road.up(app({"web": {"scale": 4}}))
    assert "h2" not in hosts(road).values(), "nothing new goes there"


def test_what_has_its_data_there_stays_and_the_rest_goes(road: Road) -> None:
    shop = app({"db": DATA, "web": {"scale": 3}}, volumes={"data": {"name": "shop_data"}})
    road.up(shop)
    home = hosts(road)["db.1"]
    drained = drain(road, home)
    assert drained.stays == ("ada/shop/db.1",)
    assert [host for slot, host in hosts(road).items() if host == home] == [home]
    (outcome,) = drained.outcomes
    assert (outcome.state, outcome.exit_code) == ("done", Exit.DONE)
    (note,) = outcome.notes
    assert note.startswith(f"db.1 stays on {home}, which is drained: ")
    assert f"volume data is on {home}" in note
    again = road.up(shop)
    assert (again.state, again.notes) == ("unchanged", (note,)), "a later up isn't held up by it"


def test_a_dry_run_changes_nothing(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    before = picture(fake)
    drained = drain(road, "h2", dry_run=True)
    (outcome,) = drained.outcomes
    moves = [line for line in outcome.plan.summary if line.change.value == "move"]
    assert outcome.state == "planned" and moves
    assert picture(fake) == before
    assert road.control().host("h2").row.state == "active"


def test_a_replica_that_is_not_well_elsewhere_stays_where_it_was(
    fake: FakeCluster, road: Road
) -> None:
    road.up(app({"web": {"scale": 3}}))
    before = hosts(road)
    (slot,) = (slot for slot, host in before.items() if host == "h2")
    fake.behave(f"*-{slot.replace('.', '-')}.*", Behaviour(exits_after=0.0, exit_code=3))
    drained = drain(road, "h2")
    assert drained.outcomes[0].state == "rolled back"
    assert drained.stays == (f"ada/shop/{slot}",)
    assert hosts(road) == before


def test_an_app_of_which_no_revision_is_kept_is_named(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"scale": 3}}))
    (fake.state_dir / "records.sqlite").unlink()
    other = Road.on(fake)
    drained = drain(other, "h2")
    assert "no revision of shop is kept" in drained.failed["ada/shop"]
    assert drained.stays


def test_a_host_that_is_away_or_unknown(fake: FakeCluster, road: Road) -> None:
    fake["h2"].stop()
    with pytest.raises(NapError, match="can't be seen, so nothing is moved"):
        drain(road, "h2")
    for dry_run in (False, True):
        with pytest.raises(WrongUse, match="no host 'h9'"):
            drain(road, "h9", dry_run=dry_run)
