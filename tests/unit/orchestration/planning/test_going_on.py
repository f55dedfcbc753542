"""A plan from where things stand: half made, stopped, not well yet, or not seen."""

from __future__ import annotations

from nap_compose.orchestration.decide import making_way
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.plan import Change, Kind
from nap_compose.orchestration.wanted import Slot
from tests.support.plans import before, changes, ids, kept, planned, with_network
from tests.support.views import app, container, view


def test_an_interrupted_deployment_is_finished() -> None:
    """Killed after making the new container: the one with the higher fence is the right one."""
    shop = app({"web": {}})
    new = kept("web.1", "h1", fence=5, state="created", name="shop-web-1.dddddddd")
    old = container("web.1", "h1", fence=1)
    plan = planned(shop, view(with_network("h1", old, new)))
    assert changes(plan) == {"web.1": Change.START}
    assert "create:web.1" not in ids(plan)
    aside = f"aside:web.1:{old.id[:8]}"
    assert before(plan, aside, "name:web.1") and before(plan, "name:web.1", "start:web.1")
    assert before(plan, "check", f"remove:{old.id[:12]}")


def test_killed_before_the_old_one_was_removed() -> None:
    shop = app({"web": {}})
    new = kept("web.1", "h1", fence=5)
    old = container("web.1", "h1", fence=1, state="exited", name="shop-web-1.old.dddddddd")
    plan = planned(shop, view(with_network("h1", old, new)))
    assert changes(plan) == {"web.1": Change.KEEP}
    assert any(step.kind is Kind.REMOVE and step.target == old.id for step in plan.steps)


def test_a_stopped_container_is_started() -> None:
    plan = planned(app({"web": {}}), view(with_network("h1", kept("web.1", "h1", state="exited"))))
    assert ids(plan) == ["start:web.1", "wait:web.1", "check"]


def test_one_that_is_not_well_yet_is_waited_for_but_nothing_is_changed() -> None:
    starting = kept("web.1", "h1", health="starting")
    plan = planned(app({"web": {}}), view(with_network("h1", starting)))
    assert ids(plan) == ["wait:web.1"] and plan.empty


def test_what_is_not_seen_is_left_alone() -> None:
    shop = app({"web": {"deploy": {"replicas": 2}}})
    seen = view(with_network("h1", container("web.1", "h1")), unseen=["h2"])
    known = {Slot("web", 1): "h1", Slot("web", 2): "h2"}
    way = making_way(shop, ("web",), "", seen, remove_orphans=False)
    placement = place(shop, ("web",), Situation(seen, "", "shop", way, known=known))
    plan = planned(shop, seen, placement=placement)
    assert changes(plan) == {"web.1": Change.REPLACE, "web.2": Change.UNSEEN}
    assert {step.host for step in plan.steps} <= {"h1", ""}
    assert [unseen.name for unseen in plan.unseen] == ["h2"]
