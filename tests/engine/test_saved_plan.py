"""Plans that are kept and run later, on fake engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.border import HostChange
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.orchestration.saved import SavedPlan, StalePlan, read_saved
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(colour: str) -> Any:
    return app({"web": {"environment": {"COLOUR": colour}, "scale": 2}, "db": {}})


def saved(road: Road, of: Any, **request: Any) -> SavedPlan:
    """What `nap plan -o` keeps, by way of a file."""
    kept = road.up(of, dry_run=True, keep=True, **request).saved
    assert kept is not None
    return read_saved(kept.as_json().encode(), "plan.json")


def run(road: Road, plan: SavedPlan) -> Any:
    control = road.control()
    try:
        return control.run_plan(plan, lambda event: None, road.hand)
    finally:
        control.close()


def test_it_does_what_was_planned(fake: FakeCluster, road: Road) -> None:
    before = picture(fake)
    plan = saved(road, shop("red"))
    assert picture(fake) == before
    assert "create web.1 on h1" in plan.lines
    outcome = run(road, plan)
    assert (outcome.state, outcome.plan.revision) == ("done", 1)
    assert road.rows("shop").keys() == {"web.1", "web.2", "db.1"}
    assert road.up(shop("red")).state == "unchanged"


def test_it_keeps_how_it_was_asked_for(fake: FakeCluster, road: Road) -> None:
    plan = saved(road, shop("red"), services=("web",), scale={"web": 3}, may_lose={"x": True})
    run(road, plan)
    assert road.rows("shop").keys() == {"web.1", "web.2", "web.3"}


def test_it_holds_no_value_of_the_environment(road: Road) -> None:
    assert "very-secret" not in saved(road, shop("very-secret")).as_json()


def test_one_that_was_run_is_stale(road: Road) -> None:
    plan = saved(road, shop("red"))
    run(road, plan)
    with pytest.raises(StalePlan) as stale:
        run(road, plan)
    assert stale.value.exit_code is Exit.STALE_PLAN
    assert "ada_shop-web-1: not there then, " in str(stale.value)


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (lambda fake, road: road.up(shop("green")), "ada_shop-db-1"),
        (
            lambda fake, road: road.control().change_host(HostChange("h3", "cordoned")),
            "host h3: active then, cordoned now",
        ),
        (lambda fake, road: fake["h2"].stop(), "host h2: active then, not seen now"),
        (
            lambda fake, road: fake["h1"].world.images.clear(),
            "other steps are needed now",
        ),
    ],
    ids=["deployed", "cordoned", "host gone", "images gone"],
)
def test_where_the_world_moved_nothing_is_done(
    fake: FakeCluster, road: Road, move: Any, told: str
) -> None:
    plan = saved(road, shop("red"))
    move(fake, road)
    there = picture(fake) if told != "host h2: active then, not seen now" else None
    with pytest.raises(StalePlan) as stale:
        run(road, plan)
    assert told in str(stale.value)
    assert there is None or picture(fake) == there


def test_the_file_can_make_nap_do_nothing_else(road: Road) -> None:
    plan = saved(road, shop("red"))
    for forged in (
        replace(plan, steps="0" * 64),
        replace(plan, digest="0" * 64),
        replace(plan, revision=7),
        replace(plan, options={**plan.options, "scale": {"web": 9}}),
    ):
        with pytest.raises(StalePlan):
            run(road, forged)
    with pytest.raises(WrongUse, match="an app of eve's"):
        run(road, replace(plan, owner="eve"))
    with pytest.raises(WrongUse, match="is for elsewhere, and this is"):
        run(road, replace(plan, cluster="elsewhere"))
    with pytest.raises(NapError, match="asks for what no nap plan does"):
        run(road, replace(plan, options={"privileged": True}))
    assert road.rows("shop", stopped=True) == {}


def test_a_dry_run_tells_what_changes_in_the_model(road: Road) -> None:
    assert road.up(shop("red"), dry_run=True).differences == ()
    road.up(shop("red"))
    outcome = road.up(shop("green"), dry_run=True)
    assert outcome.against == 1
    assert [(d.subject, d.field, d.before) for d in outcome.differences] == [
        ("web", "environment.COLOUR", "***")
    ]
