"""The plan of a replica whose host is dead, by the kind of network."""

from __future__ import annotations

import pytest

from nap_compose.orchestration.plan import Kind, Plan
from nap_compose.orchestration.wanted import Slot
from tests.support.plans import planned
from tests.support.views import app, container, host, view

LOST = frozenset({Slot("web", 2)})


def moved(overlay: str) -> Plan:
    seen = view(host("h1", [container("web.1", "h1", hash_="same")]), unseen=("h2",))
    return planned(app({"web": {"scale": 2}}), seen, overlay=overlay, network_host="h1", lost=LOST)


def steps_of(plan: Plan, slot: str) -> list[Kind]:
    return [step.kind for step in plan.steps if step.target == slot]


def test_on_a_swarm_it_is_made_under_its_name() -> None:
    plan = moved("swarm")
    assert steps_of(plan, "web.2") == [Kind.CREATE, Kind.START, Kind.WAIT]
    (create,) = (step for step in plan.steps if step.kind is Kind.CREATE)
    assert not create.args["temporary"]


def test_on_a_cluster_store_the_dead_ones_name_is_freed_once_it_has_an_address() -> None:
    plan = moved("consul")
    found = [kind for kind in steps_of(plan, "web.2") if kind is not Kind.WAIT]
    assert found == [Kind.CREATE, Kind.START, Kind.FREE_NAME]
    (create,) = (step for step in plan.steps if step.kind is Kind.CREATE)
    (free,) = (step for step in plan.steps if step.kind is Kind.FREE_NAME)
    assert create.args["temporary"]
    assert free.args == {"name": "shop-web-2", "networks": ["shop_default"]}


def test_one_that_was_cut_off_before_it_started_goes_on_in_the_same_order() -> None:
    made = container("web.2", "h1", hash_="same", state="created", name="shop-web-2.abcd1234")
    seen = view(host("h1", [container("web.1", "h1", hash_="same"), made]), unseen=("h2",))
    plan = planned(app({"web": {"scale": 2}}), seen, overlay="consul", network_host="h1", lost=LOST)
    found = [kind for kind in steps_of(plan, "web.2") if kind is not Kind.WAIT]
    assert found == [Kind.START, Kind.FREE_NAME]


NAMED_AFTER = "shop-web-2.abcd1234"
"""The name that a successor of a dead one keeps."""


@pytest.mark.parametrize("state", ["running", "paused"])
@pytest.mark.parametrize("overlay", ["swarm", "consul"])
def test_who_is_on_an_overlay_network_is_not_renamed(overlay: str, state: str) -> None:
    old = container("web.2", "h1", hash_="same", fence=1)
    right = container("web.2", "h2", hash_="same", fence=2, state=state, name=NAMED_AFTER)
    seen = view(host("h1", [container("web.1", "h1", hash_="same"), old]), host("h2", [right]))
    plan = planned(app({"web": {"scale": 2}}), seen, overlay=overlay, network_host="h1")
    assert f"aside:web.2:{old.id[:8]}" in [step.id for step in plan.steps]
    assert Kind.TAKE_NAME not in [step.kind for step in plan.steps]


@pytest.mark.parametrize("overlay", ["swarm", "consul"])
def test_who_starts_again_takes_its_slots_name_while_it_stands_still(overlay: str) -> None:
    right = container("web.1", "h1", hash_="same", name="shop-web-1.abcd1234")
    seen = view(host("h1", [container("db.1", "h1", hash_="old"), right]))
    needs = {"db": {"condition": "service_started", "restart": True}}
    shop = app({"web": {"depends_on": needs}, "db": {}})
    plan = planned(shop, seen, overlay=overlay, network_host="h1")
    (named,) = (
        each for each in plan.steps if each.kind is Kind.TAKE_NAME and each.target == "web.1"
    )
    (start,) = (each for each in plan.steps if each.id == "start:web.1")
    assert f"stop:{right.id}" in named.needs
    assert named.id in start.needs


@pytest.mark.parametrize("overlay", ["swarm", "consul"])
def test_one_whose_host_lives_keeps_its_name(overlay: str) -> None:
    seen = view(host("h1", [container("web.1", "h1", hash_="same")]), host("h2"))
    plan = planned(app({"web": {"scale": 2}}), seen, overlay=overlay, network_host="h1")
    assert steps_of(plan, "web.2") == [Kind.CREATE, Kind.START, Kind.WAIT]
