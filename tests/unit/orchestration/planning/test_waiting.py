"""What is waited for although the caller waits for nothing."""

from __future__ import annotations

from nap_compose.orchestration.plan import Kind
from tests.support.plans import before, planned, with_network
from tests.support.views import app, container, host, view

JOB_DONE = "service_completed_successfully"


def test_without_waiting_only_what_services_need_of_each_other_is_waited_for() -> None:
    conditions = {"db": {"condition": "service_healthy"}, "init": {"condition": JOB_DONE}}
    shop = app({"db": {}, "init": {}, "web": {"depends_on": conditions}, "cache": {}})
    plan = planned(shop, view(host("h1")), wait=False)
    waits = [step.id for step in plan.steps if step.kind is Kind.WAIT]
    assert sorted(waits) == ["wait:db.1", "wait:init.1"]
    assert before(plan, "wait:db.1", "start:web.1")


def test_without_waiting_what_was_replaced_still_goes_last() -> None:
    replicas = {"web": {"deploy": {"replicas": 2}}}
    there = (container("web.1", "h1"), container("web.2", "h1"))
    plan = planned(app(replicas), view(with_network("h1", *there)), wait=False)
    assert not [step for step in plan.steps if step.kind is Kind.WAIT]
    (first, second) = (step.id for step in plan.steps if step.kind is Kind.REMOVE)
    assert before(plan, "start:web.2", first) and before(plan, "start:web.1", second)
    assert before(plan, "start:web.1", "aside:web.2")


def test_what_is_to_be_watched_is_waited_for_all_the_same() -> None:
    update = {"update_config": {"monitor": "3s"}}
    there = view(with_network("h1", container("web.1", "h1")))
    plan = planned(app({"web": {"deploy": update}}), there, wait=False)
    assert [step.args["settles"] for step in plan.steps if step.kind is Kind.WAIT] == [3.0]
