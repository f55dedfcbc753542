"""The verbs' plans: which containers they mean, in which order, and what they leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.cluster.view import ContainerView, View
from nap_compose.orchestration.common import dependencies_of
from nap_compose.orchestration.plan import Change, Kind, Plan, Verb
from nap_compose.orchestration.shipping import Item
from nap_compose.orchestration.verbs import Acting, plan_verb
from nap_compose.orchestration.wanted import Slot
from tests.support.views import container, host, view


def needing(slot: str, host_name: str, *needs: str, **more: Any) -> ContainerView:
    """A container with Compose's label: `db:service_healthy:true`."""
    made = container(slot, host_name, **more)
    label = {"com.docker.compose.depends_on": ",".join(needs)}
    return replace(made, labels={**made.labels, **label})


def shop(state: str = "running", **health: str) -> View:
    """A web of two replicas that needs a healthy db and restarts with it, a cache that needs web,
    over three hosts."""
    db = container("db.1", "h1", state=state, health=health.get("db", "healthy"))
    need = "db:service_healthy:true"
    web = [needing(f"web.{n}", h, need, state=state) for n, h in ((1, "h2"), (2, "h3"))]
    cache = needing("cache.1", "h1", "web:service_started:false", state=state)
    return view(host("h1", [db, cache]), host("h2", web[:1]), host("h3", web[1:]))


def planned(verb: Verb, seen: View, *slots: str, **more: Any) -> Plan:
    meant = []
    for slot in slots:
        service, _, number = slot.partition(".")
        meant.append(Slot(service, int(number or 0)))
    return plan_verb(Acting(verb, "", "shop", "shop", "d" * 32, seen, slots=tuple(meant), **more))


def acts(plan: Plan, kind: Kind) -> list[str]:
    return [step.subject for step in plan.steps if step.kind is kind]


def order(plan: Plan) -> list[str]:
    return [f"{step.kind.value} {step.subject}" for step in plan.steps]


def changed(plan: Plan) -> dict[str, Change]:
    return {line.subject: line.change for line in plan.summary}


def before(plan: Plan, first: str, second: str) -> bool:
    """Whether `second` waits for `first`, over however many steps."""
    by_id = {step.id: step for step in plan.steps}
    called = {f"{step.kind.value} {step.subject}": step for step in plan.steps}
    todo, seen = [called[second]], set()
    while todo:
        for need in todo.pop().needs:
            if by_id[need] is called[first]:
                return True
            if need not in seen:
                seen.add(need)
                todo.append(by_id[need])
    return False


def test_a_start_has_needs_first_and_waits_for_their_health() -> None:
    plan = planned(Verb.START, shop("exited"))
    assert sorted(acts(plan, Kind.START)) == ["cache.1", "db.1", "web.1", "web.2"]
    assert before(plan, "start db.1", "wait db.1")
    assert before(plan, "wait db.1", "start web.1")
    assert before(plan, "wait db.1", "start web.2")
    assert before(plan, "start web.2", "start cache.1")
    assert acts(plan, Kind.WAIT) == ["db.1"], "nobody asks for the health of the rest"


def test_a_start_takes_along_what_is_needed_and_nothing_else() -> None:
    assert sorted(acts(planned(Verb.START, shop("exited"), "web.2"), Kind.START)) == [
        "db.1",
        "web.2",
    ]
    assert acts(planned(Verb.START, shop("exited"), "db"), Kind.START) == ["db.1"]


def test_what_runs_is_not_started_and_a_healthy_need_not_waited_for() -> None:
    assert planned(Verb.START, shop()).steps == ()
    seen = shop()
    one = replace(seen.hosts["h2"].containers[0], state="exited")
    seen = view(seen.hosts["h1"], host("h2", [one]), seen.hosts["h3"])
    plan = planned(Verb.START, seen)
    assert order(plan) == ["start web.1"]
    assert changed(plan) == {
        "web.1": Change.START,
        "web.2": Change.KEEP,
        "db.1": Change.KEEP,
        "cache.1": Change.KEEP,
    }


def test_a_need_that_is_not_healthy_yet_is_waited_for() -> None:
    seen = shop(db="starting")
    one = replace(seen.hosts["h2"].containers[0], state="exited")
    seen = view(seen.hosts["h1"], host("h2", [one]), seen.hosts["h3"])
    assert order(planned(Verb.START, seen)) == ["wait db.1", "start web.1"]


def test_a_frozen_one_goes_on_with_a_start() -> None:
    (step,) = planned(Verb.START, view(host("h1", [container("db.1", "h1", state="paused")]))).steps
    assert step.args["paused"] is True


def test_a_start_can_last_until_all_is_well() -> None:
    plan = planned(Verb.START, shop("exited"), wait=True)
    assert sorted(acts(plan, Kind.WAIT)) == ["cache.1", "db.1", "web.1", "web.2"]


def test_of_a_slot_with_two_containers_the_newest_is_started() -> None:
    old, new = (container("db.1", "h1", state="exited", fence=fence) for fence in (1, 2))
    (step,) = planned(Verb.START, view(host("h1", [old, new]))).steps
    assert step.args["container"] == new.id


def test_a_stop_has_dependents_first() -> None:
    plan = planned(Verb.STOP, shop(), grace=3.0)
    assert before(plan, "stop cache.1", "stop web.1")
    assert before(plan, "stop web.1", "stop db.1")
    assert before(plan, "stop web.2", "stop db.1")
    assert {step.args["grace"] for step in plan.steps} == {3.0}


def test_a_stop_touches_what_was_named_alone() -> None:
    assert order(planned(Verb.STOP, shop(), "db")) == ["stop db.1"]
    assert order(planned(Verb.STOP, shop(), "web.2")) == ["stop web.2"]
    assert planned(Verb.STOP, shop("exited")).steps == ()


def test_a_restart_takes_along_what_restarts_with_it() -> None:
    plan = planned(Verb.RESTART, shop(), "db")
    assert sorted(acts(plan, Kind.RESTART)) == ["db.1", "web.1", "web.2"]
    assert before(plan, "restart db.1", "wait db.1")
    assert before(plan, "wait db.1", "restart web.1")
    assert order(planned(Verb.RESTART, shop(), "db", alone=True)) == ["restart db.1"]


def test_a_restart_orders_only_what_restarts_together() -> None:
    plan = planned(Verb.RESTART, shop())
    assert not before(plan, "restart web.1", "restart cache.1")
    assert len(acts(plan, Kind.RESTART)) == 4


def test_a_restart_starts_what_is_stopped() -> None:
    plan = planned(Verb.RESTART, shop("exited"), "cache")
    assert [step.args["running"] for step in plan.steps] == [False]


def test_a_kill_hits_what_runs_at_once() -> None:
    plan = planned(Verb.KILL, shop(), signal="SIGHUP")
    assert len(plan.steps) == 4
    assert all(not step.needs and step.args == {"signal": "SIGHUP"} for step in plan.steps)
    assert planned(Verb.KILL, shop("exited")).steps == ()


def test_only_a_kill_reaches_what_run_made() -> None:
    once = container("web.1", "h1")
    assert once.identity is not None
    once = replace(once, identity=replace(once.identity, oneoff=True))
    seen = view(host("h1", [once]))
    for verb in Verb:
        assert bool(planned(verb, seen).steps) is (verb is Verb.KILL)


def test_rm_takes_what_does_not_run() -> None:
    seen = view(
        host(
            "h1",
            [
                container("web.1", "h1"),
                container("web.2", "h1", state="exited"),
                container("web.3", "h1", state="created"),
                container("db.1", "h1", state="paused"),
            ],
        )
    )
    plan = planned(Verb.REMOVE, seen)
    assert order(plan) == ["remove web.2", "remove web.3"]
    assert changed(plan)["web.1"] is Change.KEEP


def test_rm_stops_first_where_it_is_told_to() -> None:
    plan = planned(Verb.REMOVE, shop(), "web", stop_first=True, volumes=True)
    assert before(plan, "stop web.1", "remove web.1")
    removals = [step for step in plan.steps if step.kind is Kind.REMOVE]
    assert [step.args for step in removals] == [{"volumes": True}] * 2


def test_pause_and_unpause_skip_what_is_so_already() -> None:
    assert len(acts(planned(Verb.PAUSE, shop()), Kind.FREEZE)) == 4
    assert planned(Verb.UNPAUSE, shop()).steps == ()
    assert planned(Verb.PAUSE, shop("paused")).steps == ()
    plan = planned(Verb.UNPAUSE, shop("paused"), "web.1")
    assert [(step.subject, step.args["paused"]) for step in plan.steps] == [("web.1", True)]


@pytest.mark.parametrize("verb", list(Verb))
def test_what_was_not_seen_is_said_and_left(verb: Verb) -> None:
    seen = view(host("h1", [container("db.1", "h1")]), unseen=["h2"])
    plan = planned(verb, seen, "web", away={"web.1": "h2", "cache.1": "h2"})
    assert plan.steps == ()
    assert [(line.change, line.subject, line.host) for line in plan.summary] == [
        (Change.UNSEEN, "web.1", "h2")
    ]


def test_a_label_that_nobody_understands_counts_as_a_start() -> None:
    (found,) = dependencies_of(needing("web.1", "h1", "db:service_blessed"))
    assert (found.service, found.condition.value, found.restart) == ("db", "service_started", False)


def test_secrets_are_on_a_host_before_their_container_starts() -> None:
    seen = shop("exited")
    token, password = Item("n1", "3/secret:token", secret=True), Item("n2", "3/secret:password")
    db, web = (by_name(seen, name) for name in ("db.1", "web.1"))
    secrets = {db.id: (token,), web.id: (password, token)}
    plan = planned(Verb.START, seen, secrets=secrets)
    ships = {step.host: step for step in plan.steps if step.kind is Kind.SHIP_FILES}
    assert {host: len(step.args["items"]) for host, step in ships.items()} == {"h1": 1, "h2": 2}
    assert ships["h1"].target == "shop"
    needs = {step.subject: step.needs for step in plan.steps if step.kind is Kind.START}
    assert "files@h1" in needs["db.1"] and "files@h2" in needs["web.1"]
    assert not any(need.startswith("files@") for need in (*needs["web.2"], *needs["cache.1"]))
    restarted = planned(Verb.RESTART, seen, "web.1", secrets=secrets)
    assert [step.host for step in restarted.steps if step.kind is Kind.SHIP_FILES] == ["h2"]
    assert not acts(planned(Verb.STOP, shop(), secrets=secrets), Kind.SHIP_FILES)


def by_name(seen: View, slot: str) -> ContainerView:
    return next(each for each in seen.containers() if each.identity and each.identity.slot == slot)
