"""`down`: what others need is stopped as soon as those have ended, and not before."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

ORDER = ("web", "api", "db")
SHOP = app(
    {
        "db": {"image": "web:1"},
        "api": {"image": "web:1", "depends_on": {"db": {"condition": "service_started"}}},
        "web": {"image": "web:1", "depends_on": {"api": {"condition": "service_started"}}},
    }
)
ENDS_IN, CLEARS_IN = 0.2, 1.2


class Shop:
    """The shop is up on one engine, which clears up after each container for a while."""

    def __init__(self, fake: FakeCluster) -> None:
        self.engine = fake["h1"]
        self.fake = fake
        fake.add_image("web:1")
        fake.behave("*", Behaviour(stops_in=ENDS_IN, clears_in=CLEARS_IN))
        self.road = Road.on(fake)
        assert self.road.up(SHOP).state == "done"
        self.ids = {name: self.engine.container(f"ada_shop-{name}-1").id for name in ORDER}

    def times(self, method: str, path: str) -> list[float]:
        """When that was asked for each service's container, in the order that they stop."""
        calls = (self.engine.calls(method, path.format(id_)) for id_ in map(self.ids.get, ORDER))
        return [call.at for (call,) in calls]

    @property
    def stops(self) -> list[float]:
        return self.times("POST", "/containers/{}/stop")

    @property
    def removals(self) -> list[float]:
        return self.times("DELETE", "/containers/{}")


@pytest.fixture
def shop(fake_cluster: MakeCluster) -> Shop:
    return Shop(fake_cluster(1, None))


def pauses(times: list[float]) -> list[float]:
    """How long after the one before each is."""
    return [later - earlier for earlier, later in pairwise(times)]


def test_what_they_needed_stops_while_the_engine_clears_up(shop: Shop) -> None:
    assert shop.road.down().state == "done"
    assert all(pause >= ENDS_IN for pause in pauses(shop.stops))
    for needed, removed in zip(shop.stops[1:], shop.removals, strict=False):
        assert needed < removed
    for stopped, removed in zip(shop.stops, shop.removals, strict=True):
        assert removed - stopped >= ENDS_IN + CLEARS_IN, "the engine is done with it first"
    assert len(shop.engine.calls("GET", "/events")) == 1


@pytest.mark.parametrize("what", [{"status": 500}, {"hang": True}, {"cut": 0}, {"garbage": b"?"}])
def test_where_the_engine_tells_nothing_its_answer_does(
    shop: Shop, what: dict[str, object]
) -> None:
    fault = shop.engine.fault("GET", "/events", **what)
    assert shop.road.down().state == "done"
    assert fault.hit
    assert all(pause >= ENDS_IN + CLEARS_IN for pause in pauses(shop.stops))


def test_what_goes_wrong_afterwards_is_told_all_the_same(shop: Shop) -> None:
    for container in shop.engine.world.containers.values():
        container.behaviour = Behaviour(clears_in=0.5, clears_badly="driver failed")
    outcome = shop.road.down()
    assert outcome.state == "failed"
    assert "driver failed" in outcome.error
    assert shop.engine.container("ada_shop-web-1"), "it isn't removed over that"


def test_nobody_listens_where_nobody_waits(fake_cluster: MakeCluster) -> None:
    fake = fake_cluster(1, None)
    fake.add_image("web:1")
    road = Road.on(fake)
    road.up(app({"one": {"image": "web:1"}, "two": {"image": "web:1"}}))
    fake.forget()
    road.down()
    assert not fake["h1"].calls("GET", "/events")
