"""The plan of a replica whose host is dead, by the kind of network."""

from __future__ import annotations

import pytest

from nap_compose.orchestration.plan import Kind, Plan
from nap_compose.orchestration.wanted import Slot
from tests.support.views import app, container, host, view
from tests.unit.orchestration.test_planner import planned

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


@pytest.mark.parametrize("overlay", ["swarm", "consul"])
def test_one_whose_host_lives_keeps_its_name(overlay: str) -> None:
    seen = view(host("h1", [container("web.1", "h1", hash_="same")]), host("h2"))
    plan = planned(app({"web": {"scale": 2}}), seen, overlay=overlay, network_host="h1")
    assert steps_of(plan, "web.2") == [Kind.CREATE, Kind.START, Kind.WAIT]
