"""A changed network or volume is made anew: with a way back, and no loss that nobody agreed to."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

ALIASES = {
    "web": {"networks": {"back": {"aliases": ["front-door"]}}},
    "db": {"networks": {"back": None}},
}


@pytest.fixture(params=["swarm", "consul", None])
def fake(request: pytest.FixtureRequest, fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3 if request.param else 1, request.param)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(**back: Any) -> Any:
    return app(ALIASES, networks={"back": back})


def with_data(**data: Any) -> Any:
    volumes = [{"type": "volume", "source": "data", "target": "/data"}]
    return app({"db": {"volumes": volumes}}, volumes={"data": data})


def ids(road: Road) -> dict[str, str]:
    return {slot: row.id for slot, row in road.rows().items()}


def the_network(road: Road) -> Any:
    found = {
        network.id: network
        for host in road.view().hosts.values()
        for network in host.networks
        if network.name.endswith("shop_back")
    }
    (network,) = found.values()
    return network


def aliases(fake: FakeCluster) -> list[str]:
    return sorted(
        alias
        for engine in fake
        for container in engine.world.containers.values()
        for endpoint in container.endpoints.values()
        for alias in endpoint["Aliases"]
    )


def test_a_network_is_made_anew_under_the_same_containers(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before, network, names = ids(road), the_network(road), aliases(fake)
    outcome = road.up(shop(internal=True))
    assert (outcome.state, ids(road)) == ("done", before)
    assert the_network(road).id != network.id and the_network(road).internal
    assert aliases(fake) == names
    assert {row.state for row in road.rows().values()} == {"running"}
    assert road.up(shop(internal=True)).state == "unchanged"


def test_when_it_cannot_be_made_all_is_as_before(fake: FakeCluster, road: Road) -> None:
    road.up(shop(labels={"a": "b"}))
    before, names, seen = picture(fake), aliases(fake), the_network(road)
    for engine in fake:
        engine.fault("POST", "/networks/create", status=500, times=1)
    outcome = road.up(shop(internal=True))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert (picture(fake), aliases(fake)) == (before, names)
    assert (the_network(road).labels, the_network(road).internal) == (seen.labels, False)
    assert road.up(shop(labels={"a": "b"})).state == "unchanged"


def test_a_service_that_is_not_named_comes_back_too(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before = ids(road)
    assert road.up(shop(internal=True), services=("web",)).state == "done"
    assert ids(road) == before
    assert {row.state for row in road.rows().values()} == {"running"}


def test_a_stranger_on_the_network_is_in_the_way(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    engine = next(iter(fake))
    client = DockerEngine(engine.host())
    name = the_network(road).name
    client.create_container("proxy", {"Image": "web:1", "HostConfig": {"NetworkMode": name}})
    client.close()
    before = picture(fake)
    with pytest.raises(NapError, match="proxy, which isn't of this app, uses it"):
        road.up(shop(internal=True))
    assert picture(fake) == before


def test_a_volume_is_asked_about_before_anything_is_done(fake: FakeCluster, road: Road) -> None:
    road.up(with_data())
    before = picture(fake)
    changed = with_data(labels={"a": "b"})
    outcome = road.up(changed)
    assert (outcome.state, outcome.exit_code) == ("asks", Exit.UNANSWERED)
    assert outcome.plan.loses == ("data",)
    assert picture(fake) == before
    assert road.up(changed, may_lose={"data": False}).state == "unchanged"
    old = ids(road)
    assert road.up(changed, may_lose={"data": True}).state == "done"
    assert ids(road) != old
    (volume,) = (v for h in road.view().hosts.values() for v in h.volumes)
    assert volume.labels["a"] == "b"
    assert road.up(changed).state == "unchanged"


def test_a_name_that_somebody_else_has_is_told_before_anything_is_done(
    fake: FakeCluster, road: Road
) -> None:
    wanted = app({"web": {}, "db": {}})
    for engine in fake:
        client = DockerEngine(engine.host())
        client.create_container(f"{road.who}_shop-web-1", {"Image": "web:1"})
        client.close()
    before = picture(fake)
    with pytest.raises(NapError, match="is taken by a container that isn't this app's"):
        road.up(wanted)
    assert picture(fake) == before
