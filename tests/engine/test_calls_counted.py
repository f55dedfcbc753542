"""How often engines are asked: a second `up` and `ps` a fixed number of times, however many
containers there are; a first `up` and a `down` for nothing but what they change, and how long a
stop may take."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from nap_compose.cluster.cluster import Network
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster, FakeEngine, Image
from tests.support.road import Road
from tests.support.views import app

UP_AGAIN = 5
"""Its information, and its lists of containers, networks, volumes and images."""

PS = 1
"""Its list of containers."""


def shop(services: int) -> Any:
    volumes = [{"type": "volume", "source": "data", "target": "/data"}]
    probe = {"test": ["CMD", "true"], "interval": "1s"}
    return app(
        {
            f"web{number}": {"image": "web:1", "volumes": volumes, "healthcheck": probe}
            for number in range(services)
        },
        volumes={"data": {}},
    )


def asked(fake: FakeCluster) -> list[int]:
    """How many calls each engine has had."""
    return [len(engine.calls()) for engine in fake]


def kinds(engine: FakeEngine) -> Counter[str]:
    """The calls that an engine has had, by what they are; lists of the app's own containers, which
    are taken as long as somebody waits, left out."""
    waits = engine.calls("GET", "/containers/json")
    return Counter(
        re.sub(r"/[0-9a-f]{64}", "/ID", f"{call.method} {call.path}")
        for call in engine.calls()
        if not (call in waits and "filters" in call.query)
    )


def forget(fake: FakeCluster) -> None:
    for engine in fake:
        engine.forget()


@pytest.mark.parametrize("services", [3, 30])
@pytest.mark.parametrize(("size", "overlay"), [(1, None), (3, "swarm")], ids=["one", "three"])
def test_the_number_is_the_same(
    fake_cluster: MakeCluster, size: int, overlay: str | None, services: int
) -> None:
    fake = fake_cluster(size, overlay)
    fake.add_image("web:1")
    road = Road.on(fake)
    if overlay is None:
        road.cluster = replace(road.cluster, name="")
    road.up(shop(services))

    forget(fake)
    assert road.up(shop(services)).state == "unchanged"
    assert asked(fake) == [UP_AGAIN] * size

    forget(fake)
    assert len(road.rows("shop")) == services
    assert asked(fake) == [PS] * size


@pytest.mark.parametrize("overlay", [None, "swarm"])
def test_nothing_is_asked_that_is_known(fake_cluster: MakeCluster, overlay: str | None) -> None:
    fake = fake_cluster(1, overlay)
    fake.add_image("web:1")
    road = Road.on(fake)
    if overlay is None:
        road.cluster = replace(road.cluster, name="")
    else:
        road.cluster = replace(road.cluster, network=Network(driver=overlay))
    looks = ("/info", "/containers/json", "/networks", "/volumes", "/images/json")
    looked = Counter({f"GET {path}": 1 for path in looks})

    forget(fake)
    road.up(shop(3))
    assert kinds(fake["h1"]) == looked + Counter(
        {
            "POST /networks/create": 1,
            "POST /volumes/create": 1,
            "POST /containers/create": 3,
            "POST /containers/ID/start": 3,
        }
    )

    forget(fake)
    road.down()
    looked = Counter({"GET /containers/json": 1, "GET /networks": 1})
    looked += Counter({"GET /containers/ID/json": 3})  # its own stop timeout, before each stop
    if overlay:
        # What kind of network there is; and a swarm's is listed for a moment after it was removed.
        looked += Counter({"GET /info": 1, "GET /networks": 1})
    assert kinds(fake["h1"]) == looked + Counter(
        {
            "POST /containers/ID/stop": 3,
            "DELETE /containers/ID": 3,
            "DELETE /networks/ID": 1,
        }
    )


def test_an_image_that_was_pulled_is_asked_for_once(fake_cluster: MakeCluster) -> None:
    fake = fake_cluster(1, None)
    fake.registry.add(Image("web:1"))
    Road.on(fake).up(shop(5))
    assert len(fake["h1"].calls("GET", "/images/web:1/json")) == 1


@pytest.mark.parametrize(("api", "connections"), [("1.43", 2), ("1.51", 0)])
def test_newer_engines_are_told_all_networks_of_a_container_at_once(
    fake_cluster: MakeCluster, api: str, connections: int
) -> None:
    fake = fake_cluster(1, None)
    fake["h1"].api = api
    fake.add_image("web:1")
    road = Road.on(fake)
    networks = {"a": {"aliases": ["x"]}, "b": {"aliases": ["y"]}, "c": {}}
    road.up(app({"web": {"image": "web:1", "networks": networks}}, networks=dict.fromkeys("abc")))
    assert len(fake["h1"].calls("POST", "/networks/.*/connect")) == connections
    endpoints = fake["h1"].container("ada_shop-web-1").endpoints
    assert {name: set(each["Aliases"]) & {"x", "y", "web"} for name, each in endpoints.items()} == {
        "ada_shop_a": {"x", "web"},
        "ada_shop_b": {"y", "web"},
        "ada_shop_c": {"web"},
    }
