"""On a cluster every name of a file resolves inside its owner's namespace."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.errors import NapError
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road
from tests.support.views import app

DATA = {"type": "volume", "source": "data", "target": "/data"}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def with_data(volume: dict[str, Any], name: str = "shop") -> App:
    return app({"db": {"volumes": [DATA]}}, name=name, volumes={"data": volume})


def volumes(fake: FakeCluster) -> set[str]:
    return {name for engine in fake for name in engine.world.volumes}


def networks(fake: FakeCluster) -> set[str]:
    overlay = fake["h1"].world.overlay
    assert overlay is not None
    return {network.name for network in overlay.networks.values()}


def test_two_owners_never_share_what_they_call_alike(fake: FakeCluster, road: Road) -> None:
    bob = Road(road.cluster, who="bob")
    for who in (road, bob):
        who.up(with_data({"name": "precious"}))
    assert volumes(fake) == {"ada_precious", "bob_precious"}
    bob.down(volumes=True)
    assert volumes(fake) == {"ada_precious"}


def test_a_named_network_is_the_owner_s(fake: FakeCluster, road: Road) -> None:
    shop = app({"web": {}})
    shop.networks["default"]["name"] = "front"  # type: ignore[index]
    assert road.up(shop).state == "done"
    assert networks(fake) == {"ada_front"}
    assert road.up(shop).state == "unchanged"


def test_external_means_another_app_of_the_same_owner(fake: FakeCluster, road: Road) -> None:
    road.up(app({"cache": {}}, name="blog"))
    joins = app({"web": {}})
    joins.networks["default"].update(name="blog_default", external=True)  # type: ignore[attr-defined]
    assert road.up(joins).state == "done"
    assert networks(fake) == {"ada_blog_default"}
    bob = Road(road.cluster, who="bob")
    with pytest.raises(NapError, match="bob_blog_default is external, but it isn't there"):
        bob.up(joins)


def test_nobody_reaches_an_engine_s_own_networks_by_name(fake: FakeCluster, road: Road) -> None:
    shop = app({"web": {}})
    shop.networks["default"].update(name="host", external=True)  # type: ignore[attr-defined]
    with pytest.raises(NapError, match="ada_host is external"):
        road.up(shop)


def test_a_container_s_given_name_is_an_alias(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"container_name": "front"}}))
    row = road.rows("shop")["web.1"]
    assert row.name == "ada_shop-web-1"
    endpoints = fake[row.host].container(row.id).endpoints
    assert "front" in endpoints["ada_shop_default"]["Aliases"]


def test_embedded_a_given_name_is_the_name(fake_cluster: MakeCluster) -> None:
    from dataclasses import replace

    fake = fake_cluster(1, None)
    fake.add_image("db:1")
    road = Road.on(fake)
    road.cluster = replace(road.cluster, name="")
    road.up(with_data({"name": "precious"}))
    assert volumes(fake) == {"precious"}


def test_data_is_found_again_where_it_is(fake: FakeCluster, road: Road) -> None:
    """After `down` only the volume tells on which host the data is."""
    shop = with_data({"name": "shop_data"})
    road.up(app({"web": {}}, name="other"))
    road.up(shop)
    home = road.rows("shop")["db.1"].host
    road.down()
    road.down("other")
    road.up(app({"cache": {"deploy": {"replicas": 2}}}, name="filler"))
    road.up(shop)
    assert road.rows("shop")["db.1"].host == home
    assert len([engine for engine in fake if engine.world.volumes]) == 1
