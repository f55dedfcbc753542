"""Updates that keep an app up, on fake engines: who answers to the service's name, and when."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from nap_compose.exits import Exit
from nap_compose.orchestration.checking import State, check
from nap_compose.orchestration.planning import rolling
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

PROBED = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(colour: str, replicas: int = 1, **web: Any) -> Any:
    update = web.pop("update", {})
    deploy = {"replicas": replicas, "update_config": update}
    return app({"web": {"environment": {"COLOUR": colour}, "deploy": deploy, **PROBED, **web}})


def answering(fake: FakeCluster, name: str = "web") -> dict[str, tuple[str, str]]:
    """The running containers that resolve as `name`: id → colour and health."""
    found = {}
    for engine in fake:
        for container in engine.world.containers.values():
            names = [n for e in container.endpoints.values() for n in e.get("Aliases") or ()]
            if container.running and name in names:
                env = dict(pair.split("=") for pair in container.body["Env"])
                found[container.id] = (env["COLOUR"], container.health or "")
    return found


def watched(fake: FakeCluster, road: Road) -> list[dict[str, tuple[str, str]]]:
    """Who answers, at each event from now on."""
    pictures: list[dict[str, tuple[str, str]]] = []
    road.on_event = lambda event: pictures.append(answering(fake))
    return pictures


def test_somebody_well_answers_at_every_moment(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    fake.behave("*-web-1.*", Behaviour(healthy_after=0.3))
    pictures = watched(fake, road)
    assert road.up(shop("blue")).state == "done"
    assert all(pictures), "the name led nowhere"
    assert {health for each in pictures for _, health in each.values()} == {"healthy"}
    assert {colour for each in pictures for colour, _ in each.values()} == {"red", "blue"}
    assert [colour for colour, _ in answering(fake).values()] == ["blue"]


def test_the_successor_has_its_predecessors_other_names_too(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    before = set(answering(fake, "ada_shop-web-1"))
    road.up(shop("blue"))
    after = set(answering(fake, "ada_shop-web-1"))
    assert (len(before), len(after), before & after) == (1, 1, set())
    assert road.rows("shop", stopped=True).keys() == {"web.1"}


def test_its_address_stays_while_it_takes_over(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    fake.forget()
    road.up(shop("blue"))
    joins = [call.body for call in fake.calls("POST", "/networks/.*/connect")]
    assert len(joins) == 2, "the new one's, and the old one's"
    for body in joins:
        assert body["EndpointConfig"]["IPAMConfig"]["IPv4Address"].startswith("172.")


def test_each_step_of_an_update_is_done_when_it_is(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    before = road.view()
    plan = road.up(shop("blue", **{"x-nap": {"drain": "1ms"}})).plan
    todo = {step.id: check(step, plan, before) for step in plan.steps}
    done = {step.id: check(step, plan, road.view()) for step in plan.steps}
    assert {step: state for step, state in done.items() if state is not State.DONE} == {
        "drain:web.1": State.TODO  # time leaves no trace
    }
    for step in ("create:web.1", "join:web.1", "leave:web.1", "aside:web.1"):
        assert todo[step] is State.TODO


def test_one_replica_after_another_and_a_time_between(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red", 3))
    road.events.clear()
    pictures = watched(fake, road)
    assert road.up(shop("blue", 3, update={"delay": "50ms"})).state == "done"
    assert min(len(each) for each in pictures) >= 3
    assert max(len(each) for each in pictures) == 4
    done = [event.step for event in road.events if event.phase.value == "done"]
    order = [
        done.index(step)
        for step in ("aside:web.1", "delay:web.2", "start:web.2", "aside:web.2", "delay:web.3")
    ]
    assert order == sorted(order)


def test_two_at_a_time_where_the_file_says_so(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red", 4))
    fake.behave("*-web-*", Behaviour(healthy_after=0.2))
    pictures = watched(fake, road)
    road.up(shop("blue", 4, update={"parallelism": 2}))
    assert max(len(each) for each in pictures) in (5, 6)


def test_the_old_one_has_time_to_end_what_it_was_asked(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    road.up(shop("blue", **{"x-nap": {"drain": "100ms"}}))
    done = [event.step for event in road.events if event.phase.value == "done"]
    steps = ["join:web.1", "leave:web.1", "drain:web.1", "aside:web.1"]
    assert [step for step in done if step in steps] == steps


def test_a_bad_successor_never_answers_and_the_old_one_never_stops(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop("red"))
    before = answering(fake)
    fake.behave("*-web-1.*", Behaviour(healthy_after=None, unhealthy_after=0.1))
    pictures = watched(fake, road)
    assert road.up(shop("blue")).state == "rolled back"
    assert all(each == before for each in pictures)
    assert answering(fake) == before
    (web,) = road.rows("shop", stopped=True).values()
    assert not fake.calls("POST", f".*/{web.id}/stop"), "only the bad one is stopped, to be kept"


def test_a_bad_second_one_takes_the_first_back_too(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red", 2))
    before = answering(fake)
    fake.behave("*-web-2.*", Behaviour(healthy_after=None, unhealthy_after=0.1))
    pictures = watched(fake, road)
    outcome = road.up(shop("blue", 2))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert answering(fake) == before
    assert min(len(each) for each in pictures) >= 2, "no gap on the way back either"
    assert road.rows("shop", stopped=True).keys() == {"web.1", "web.2"}


def test_where_both_can_not_be_there_the_plan_says_why(fake: FakeCluster, road: Road) -> None:
    port = {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
    road.up(shop("red", **port))
    (line,) = (
        line
        for line in road.up(shop("blue", **port), dry_run=True).plan.summary
        if line.subject == "web.1"
    )
    assert line.how == "stop-first: it publishes port 8080"
    assert road.up(shop("blue", **port)).state == "done"


def test_without_a_health_check_it_must_run_for_a_while(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "SETTLES", 0.4)
    road.up(app({"web": {"environment": {"COLOUR": "red"}}}))
    before = answering(fake)
    fake.behave("*-web-1.*", Behaviour(exits_after=0.2, exit_code=3))
    outcome = road.up(app({"web": {"environment": {"COLOUR": "blue"}}}))
    assert outcome.state == "rolled back"
    assert outcome.failures[0].reason == "exited with code 3"
    assert answering(fake) == before


def test_one_that_ends_between_two_looks_is_not_taken_for_well(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engine starts it again at once, so that each look finds it running."""
    monkeypatch.setattr(rolling, "SETTLES", 1.5)
    road.up(app({"web": {"environment": {"COLOUR": "red"}}}))
    before = answering(fake)
    over = threading.Event()

    def start_again() -> None:
        while not over.wait(0.1):
            for engine in fake:
                with engine.world.lock:
                    for container in engine.world.containers.values():
                        if container.running:
                            container.started = time.time()

    looping = threading.Thread(target=start_again)
    looping.start()
    try:
        outcome = road.up(app({"web": {"environment": {"COLOUR": "blue"}}}), timeout=3)
    finally:
        over.set()
        looping.join()
    assert outcome.state == "rolled back"
    assert "running, having ended in between" in outcome.failures[0].reason
    assert answering(fake) == before


def test_an_update_that_was_cut_off_before_the_handover_is_finished(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop("red"))

    def press(event: Any) -> None:
        if event.step == "wait:web.1" and event.phase.value == "done":
            road.hand.press()

    road.on_event = press
    assert road.up(shop("blue")).state == "interrupted"
    assert [colour for colour, _ in answering(fake).values()] == ["red"]
    road.hand.level, road.on_event = 0, lambda event: None
    assert road.up(shop("blue")).state == "done"
    assert [colour for colour, _ in answering(fake).values()] == ["blue"]
    assert road.rows("shop", stopped=True).keys() == {"web.1"}


def test_a_failure_that_is_put_up_with_leaves_that_replica_as_it_was(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop("red", 3))
    before = road.rows("shop")
    fake.behave("*-web-2.*", Behaviour(healthy_after=None, unhealthy_after=0.1))
    outcome = road.up(shop("blue", 3, update={"failure_action": "continue"}))
    assert (outcome.state, outcome.exit_code) == ("done", Exit.FAILED)
    assert [failure.subject for failure in outcome.failures] == ["web.2"]
    after = road.rows("shop", stopped=True)
    assert after.keys() == before.keys()
    assert after["web.2"].id == before["web.2"].id
    assert sorted(colour for colour, _ in answering(fake).values()) == ["blue", "blue", "red"]


@pytest.mark.parametrize(("ratio", "state"), [(0.4, "done"), (0.3, "rolled back")])
def test_so_many_may_fail(fake: FakeCluster, road: Road, ratio: float, state: str) -> None:
    road.up(shop("red", 3))
    fake.behave("*-web-2.*", Behaviour(healthy_after=None, unhealthy_after=0.1))
    assert road.up(shop("blue", 3, update={"max_failure_ratio": ratio})).state == state


def test_an_update_can_stop_where_it_failed(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red", 3))
    fake.behave("*-web-2.*", Behaviour(healthy_after=None, unhealthy_after=0.1))
    outcome = road.up(shop("blue", 3, update={"failure_action": "pause"}))
    assert (outcome.state, outcome.exit_code) == ("failed", Exit.FAILED)
    assert outcome.left == (
        "web.2 on h2 still runs as before",
        "web.3 on h3 still runs as before",
    )
    assert sorted(colour for colour, _ in answering(fake).values()) == ["blue", "red", "red"]
    fake.behave("*-web-2.*", Behaviour())
    assert road.up(shop("green", 3)).state == "done"
    assert [colour for colour, _ in answering(fake).values()] == ["green"] * 3
    assert len(road.rows("shop", stopped=True)) == 3
