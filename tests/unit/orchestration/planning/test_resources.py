"""The images, networks and volumes that containers need: made where and when, and by whom."""

from __future__ import annotations

import pytest

from nap_compose.cluster.view import ImageView, NetworkView, VolumeView
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Kind
from tests.support.plans import before, planned
from tests.support.views import app, foreign, host, view


def test_images_come_before_anything_is_changed() -> None:
    shop = app({"web": {"image": "new:2"}, "db": {}})
    plan = planned(shop, view(host("h1")))
    image = "image:new:2@h1"
    others = [step for step in plan.steps if step.id != image and step.kind is not Kind.WAIT]
    assert all(before(plan, image, step.id) for step in others)


def test_an_image_is_streamed_from_the_hosts_that_have_it() -> None:
    only_here = ImageView(id="sha256:web", tags=("web:1",), size=5)
    seen = view(host("h1", images=(only_here,)), host("h2", images=()))
    shop = app({"web": {"deploy": {"replicas": 2}}})
    steps = [step for step in planned(shop, seen).steps if step.kind is Kind.BRING_IMAGE]
    assert [(step.host, step.args["from"], step.args["id"]) for step in steps] == [
        ("h2", ["h1"], "sha256:web")
    ]


def test_a_network_of_another_project_is_not_used() -> None:
    labels = {"com.docker.compose.project": "other"}
    network = NetworkView("n1", "shop_default", "h1", "bridge", labels=labels)
    with pytest.raises(NapError, match="belongs to project other"):
        planned(app({"web": {}}), view(host("h1", networks=(network,))))


def test_an_external_network_must_be_there() -> None:
    shop = app({"web": {}}, networks={"default": {"name": "lan", "external": True}})
    with pytest.raises(NapError, match="network lan is external, but it isn't there"):
        planned(shop, view(host("h1")))


def test_an_overlay_is_made_once_and_a_bridge_on_each_host() -> None:
    shop = app({"web": {"deploy": {"replicas": 2}}})
    seen = view(host("h1"), host("h2"))
    made = [s for s in planned(shop, seen).steps if s.kind is Kind.ENSURE_NETWORK]
    assert [step.host for step in made] == ["h1", "h2"]
    plan = planned(shop, seen, overlay="swarm", network_host="h2")
    made = [s for s in plan.steps if s.kind is Kind.ENSURE_NETWORK]
    assert [(step.host, step.args["users"]) for step in made] == [("h2", ["h1", "h2"])]


def test_a_volume_is_made_where_its_service_goes() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    shop = app({"db": {"volumes": [mount]}}, volumes={"data": {"name": "shop_data"}})
    plan = planned(shop, view(host("h1", [foreign("x", "h1", 1)]), host("h2")))
    made = [step for step in plan.steps if step.kind is Kind.ENSURE_VOLUME]
    assert [(step.host, step.target) for step in made] == [("h2", "shop_data")]
    there = view(host("h1", volumes=(VolumeView("shop_data", "h1"),)), host("h2"))
    assert not [s for s in planned(shop, there).steps if s.kind is Kind.ENSURE_VOLUME]
