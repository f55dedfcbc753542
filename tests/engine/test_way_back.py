"""The way back: what a failed deployment takes back, and what it must never touch."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def web(colour: str, **more: Any) -> App:
    return app({"web": {"environment": {"COLOUR": colour}, **more}})


def fault(fake: FakeCluster, method: str, path: str, **what: Any) -> None:
    for engine in fake:
        engine.fault(method, path, **what)


def lift(fake: FakeCluster) -> None:
    for engine in fake:
        for each in engine.faults:
            each.lift()


def test_a_create_that_fails_does_not_take_the_old_container_away(
    fake: FakeCluster, road: Road
) -> None:
    road.up(web("red"))
    before = picture(fake)
    fault(fake, "POST", "/containers/create", status=500)
    outcome = road.up(web("blue"))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert picture(fake) == before


def test_a_container_whose_making_was_never_confirmed_is_taken_back(
    fake: FakeCluster, road: Road
) -> None:
    """The engine makes it, and the answer is lost on the way."""
    road.up(web("red"))
    before = picture(fake)
    fault(fake, "POST", "/containers/create", cut=0)
    outcome = road.up(web("blue"))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert picture(fake) == before


def test_networks_and_volumes_whose_making_was_never_confirmed_are_taken_back(
    fake: FakeCluster, road: Road
) -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    shop = app({"db": {"volumes": [mount]}}, volumes={"data": {"name": "shop_data"}})
    for path in ("/networks/create", "/volumes/create"):
        fault(fake, "POST", path, cut=0, times=1)
        assert road.up(shop).state == "rolled back"
        lift(fake)
        assert all(not engine.world.volumes for engine in fake)
        assert not fake["h1"].world.overlay.networks  # type: ignore[union-attr]


def test_once_the_old_ones_are_being_removed_there_is_no_way_back(
    fake: FakeCluster, road: Road
) -> None:
    """The new ones are healthy and some of the old ones are gone: the app stays as it is now."""
    road.up(web("red", deploy={"replicas": 3}))
    old = {slot: row.id for slot, row in road.rows("shop").items()}
    last = road.rows("shop")["web.3"]
    fake[last.host].fault("DELETE", f"/containers/{last.id}.*", status=500, message="disk is full")
    outcome = road.up(web("blue", deploy={"replicas": 3}))
    assert (outcome.state, outcome.exit_code) == ("failed", Exit.FAILED)
    assert "disk is full" in outcome.failures[0].reason
    assert any("web.3" in sentence for sentence in outcome.left)
    rows = road.rows("shop")
    assert {slot: row.state for slot, row in rows.items()} == dict.fromkeys(old, "running")
    assert not {row.id for row in rows.values()} & set(old.values())
    lift(fake)
    assert road.up(web("blue", deploy={"replicas": 3})).state == "done"
    assert len(road.rows("shop", stopped=True)) == 3


def test_after_an_interrupted_update_a_bad_one_still_goes_back(
    fake: FakeCluster, road: Road
) -> None:
    """The next `up` goes on with a container that was only just made. When that one turns out bad,
    the old one gets its name back and runs again."""
    from tests.engine.fake_engine import Behaviour

    road.up(web("red"))
    before = picture(fake)
    fake.behave("*-web-1.*", Behaviour(refuses="exec: no such file"))

    def press(event: Any) -> None:
        if event.step == "create:web.1" and event.phase.value == "done":
            road.hand.press()

    road.on_event = press
    assert road.up(web("blue")).state == "interrupted"
    road.hand.level = 0
    road.on_event = lambda event: None
    outcome = road.up(web("blue"))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    now = [thing for things in picture(fake).values() for thing in things]
    assert next(thing for things in before.values() for thing in things) in now


SCENES: dict[str, tuple[App | None, App]] = {
    "new": (None, web("red", deploy={"replicas": 2})),
    "replaced": (web("red"), web("blue")),
    "scaled down": (web("red", deploy={"replicas": 2}), web("blue")),
}


@pytest.mark.parametrize("fault_", ["error", "lost answer"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_change_may_fail(scene: str, fault_: str, fake: FakeCluster, road: Road) -> None:
    """Whichever of its changes an engine refuses, or does without saying so: the app is as it was,
    or what is left is told; and the next `up` brings it to the file."""
    start, goal = SCENES[scene]
    what: dict[str, Any] = {"cut": 0} if fault_ == "lost answer" else {"status": 500}
    calls = changes_of(fake, road, start, goal)
    assert len(calls) > 3
    for nth, (engine, method, path) in enumerate(calls):
        road.down(volumes=True)
        if start:
            road.up(start)
        before = picture(fake)
        earlier = sum(call == calls[nth] for call in calls[:nth])
        fake[engine].fault(method, path, after=earlier, times=1, **what)
        outcome = road.up(goal)
        lift(fake)
        where = f"{fault_} at {method} {path} on {engine}"
        assert outcome.state in ("rolled back", "failed", "done"), where
        if outcome.state == "rolled back":
            assert picture(fake) == before or outcome.left, where
        if outcome.state == "failed":
            assert outcome.left, where
        assert road.up(goal).state in ("done", "unchanged"), where
        rows = road.rows("shop", stopped=True)
        assert {row.state for row in rows.values()} == {"running"}, where
        assert len(rows) == goal.services["web"].replicas, where
        assert sum(len(things) for things in picture(fake).values()) == len(rows), where


def changes_of(
    fake: FakeCluster, road: Road, start: App | None, goal: App
) -> list[tuple[str, str, str]]:
    """The changes that the road asks of each engine, ids made into patterns."""
    if start:
        road.up(start)
    fake.forget()
    assert road.up(goal).state == "done"
    found = []
    for engine in fake:
        for call in engine.calls("POST|PUT|DELETE"):
            path = re.sub(r"/[0-9a-f]{64}", "/[^/]+", call.path)
            found.append((engine.name, call.method, path))
    return found
