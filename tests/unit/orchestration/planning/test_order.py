"""What of a plan waits for what, and for nothing else."""

from __future__ import annotations

from typing import Any

from nap_compose.orchestration.plan import Kind
from tests.support.plans import all_before, before, changes, kept, planned
from tests.support.views import app, host, view


def test_a_new_app_is_made_from_the_bottom_up() -> None:
    shop = app({"web": {"depends_on": {"db": {"condition": "service_healthy"}}}, "db": {}})
    plan = planned(shop, view(host("h1")))
    assert not plan.empty
    assert before(plan, "network:default@h1", "create:db.1")
    assert before(plan, "wait:db.1", "start:web.1")
    assert before(plan, "wait:web.1", "check")
    assert not [step for step in plan.steps if step.kind in (Kind.STOP, Kind.REMOVE)]


def test_what_the_rest_of_its_host_waits_for_is_started_before_that_is_made() -> None:
    """While a database gets well there is time to make the others; before, they hold it up."""
    healthy = {"depends_on": {"db": {"condition": "service_healthy"}}}
    started = {"depends_on": {"db": {"condition": "service_started"}}}
    shop = app({"web": healthy, "job": started, "db": {}, "cache": {}})
    plan = planned(shop, view(host("h1")))
    assert before(plan, "start:db.1", "create:web.1")
    for other in ("job", "cache"):
        assert not before(plan, "start:db.1", f"create:{other}.1"), "nothing to wait for"
    h1, h2 = (
        {"deploy": {"placement": {"constraints": [f"node.hostname=={n}"]}}} for n in ("h1", "h2")
    )
    apart = app({"web": {**healthy, **h2}, "db": h1})
    elsewhere = planned(apart, view(host("h1"), host("h2")))
    assert not before(elsewhere, "start:db.1", "create:web.1"), "another host has time"


def test_whoever_waits_itself_holds_up_nobodys_making() -> None:
    def on(service: str) -> dict[str, Any]:
        return {"depends_on": {service: {"condition": "service_healthy"}}}

    plan = planned(app({"web": on("api"), "api": on("db"), "db": {}}), view(host("h1")))
    assert before(plan, "start:db.1", "create:web.1")
    assert before(plan, "start:db.1", "create:api.1")
    assert not before(plan, "start:api.1", "create:web.1")
    there = view(host("h1", (kept("x.1", "h1", health="starting"), kept("y.1", "h1"))))
    both = {"a": on("x"), "b": on("y"), "c": on("a"), "d": on("b"), "x": {}, "y": {}}
    plan = planned(app(both), there)
    assert not before(plan, "start:a.1", "create:b.1")
    assert before(plan, "start:a.1", "create:c.1")


def test_a_thousand_that_are_waited_for_stand_in_a_plan_once() -> None:
    web = {"scale": 40, "depends_on": {"db": {"condition": "service_healthy"}}}
    plan = planned(app({"db": {"scale": 40}, "web": web}), view(host("h1")))
    assert before(plan, "start:db.40", "create:web.40")
    assert max(len(step.needs) for step in plan.steps if step.kind is Kind.CREATE) < 20


def test_a_plan_for_many_hosts_grows_with_its_steps_alone() -> None:
    """Every container waits for all images and networks, and for those whom it depends on; still
    nobody lists them all."""
    hosts = [host(f"h{n}", images=()) for n in range(40)]
    many = {"deploy": {"replicas": 80}}
    after = {"depends_on": {"db": {"condition": "service_healthy"}}}
    plan = planned(app({"db": many, "web": {**many, **after}}), view(*hosts))
    kinds = {step.id: step.kind for step in plan.steps}
    first = {Kind.BRING_IMAGE, Kind.ENSURE_NETWORK}
    assert {step for step in all_before(plan, "create:web.80") if kinds[step] in first} == {
        step for step, kind in kinds.items() if kind in first
    }
    assert {f"wait:db.{n}" for n in range(1, 81)} <= all_before(plan, "start:web.80")
    assert not any(step.startswith("wait:web") for step in all_before(plan, "start:web.80"))
    assert sum(len(step.needs) for step in plan.steps) < 4 * len(plan.steps)


def test_selected_services_come_with_what_they_need_and_leave_the_rest() -> None:
    shop = app({"db": {}, "web": {"depends_on": {"db": {}}}, "cache": {}})
    assert set(changes(planned(shop, view(host("h1")), "web"))) == {
        "db.1",
        "web.1",
        "network default",
    }


def test_no_start_makes_but_does_not_start() -> None:
    plan = planned(app({"web": {}}), view(host("h1")), no_start=True)
    assert {step.kind for step in plan.steps} == {Kind.ENSURE_NETWORK, Kind.CREATE}
