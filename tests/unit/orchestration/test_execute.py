"""Running a plan: what is still begun, and what is taken back, when something gets in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nap_compose.cluster.cluster import Cluster, Logs
from nap_compose.errors import NapError
from nap_compose.orchestration import execute as running
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Event
from nap_compose.orchestration.plan import Kind, Plan, Step
from nap_compose.orchestration.steps.workshop import Workshop
from tests.support.views import view

Act = Callable[..., str]


class Stage:
    """Runs plans whose steps do what the test says; `taken_back` are the undone steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        self.patch = monkeypatch
        self.cluster = Cluster("test", {}, tmp_path, Logs(tmp_path))
        self.begun: list[str] = []
        self.taken_back: list[str] = []
        self.events: list[Event] = []
        self.listener: Callable[[Event], None] = self.events.append

    def run(self, acts: dict[str, Act], *, needs: dict[str, str] | None = None, **how: Any) -> Any:
        steps = tuple(
            Step(
                name,
                Kind.START,
                "h1",
                name,
                name,
                tuple((needs or {}).get(name, "").split()),
                "stop",
            )
            for name in acts
        )
        plan = Plan("ada", "shop", "ada_shop", 1, "d" * 32, steps)
        shop = Workshop(plan, None, self.cluster, view(), None, None)  # type: ignore[arg-type]

        def act(step: Step, shop: Workshop, _report: Any) -> str:
            self.begun.append(step.id)
            return acts[step.id](shop) or ""

        def undo(step: Step, _shop: Workshop) -> str:
            self.taken_back.append(step.id)
            return ""

        self.patch.setattr(running, "DO", {Kind.START: act})
        self.patch.setattr(running, "UNDO", {(Kind.START, "stop"): how.pop("undo", undo)})
        emitter = Emitter("d" * 32, [self.listener])
        return running.execute(plan, shop, emitter, **how)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Stage:
    return Stage(monkeypatch, tmp_path)


def fine(_shop: Any) -> str:
    return "fine"


def fail(_shop: Any) -> str:
    raise NapError("no")


def until_stopped(shop: Workshop) -> str:
    until = time.monotonic() + 5
    while not shop.stopped():
        if time.monotonic() > until:
            return "nobody told it to stop"
        time.sleep(0.01)
    return "stopped"


def test_a_failure_takes_back_what_was_done_last_first(stage: Stage) -> None:
    done = stage.run({"a": fine, "b": fine, "c": fail}, needs={"b": "a", "c": "b"})
    assert done.state == "rolled back"
    assert stage.taken_back == ["c", "b", "a"]


def test_a_lock_that_is_lost_on_the_way_back_ends_it_there(stage: Stage) -> None:
    """Somebody else may be at work on the app already."""
    done = stage.run(
        {"a": fine, "b": fine, "c": fail},
        needs={"b": "a", "c": "b"},
        lost=lambda: len(stage.taken_back) >= 2,
    )
    assert stage.taken_back == ["c", "b"]
    assert done.state == "abandoned"
    assert any("a" in sentence for sentence in done.left)


def test_a_lock_that_is_lost_with_the_failure_takes_nothing_back(stage: Stage) -> None:
    done = stage.run({"a": fail}, lost=lambda: bool(stage.begun))
    assert (done.state, stage.taken_back) == ("abandoned", [])


def test_the_second_ctrl_c_ends_the_way_back_too(stage: Stage) -> None:
    done = stage.run(
        {"a": fine, "b": fail},
        needs={"b": "a"},
        cancelled=lambda: 2 if stage.taken_back else 0,
    )
    assert (done.state, stage.taken_back) == ("interrupted", ["b"])
    assert done.left


def test_both_ctrl_c_may_come_between_two_looks(stage: Stage) -> None:
    looks = iter([0])
    done = stage.run({"a": until_stopped}, cancelled=lambda: next(looks, 2))
    assert (done.state, done.done) == ("interrupted", [])


def test_steps_that_wait_for_a_thread_are_not_begun_once_one_has_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WORKERS", 1)

    def slow_fail(_shop: Any) -> str:
        time.sleep(0.05)
        raise NapError("no")

    def slow(_shop: Any) -> str:
        time.sleep(0.3)
        return ""

    stage.run({"a": slow_fail, "b": slow, "c": fine, "d": fine})
    assert stage.begun in (["a"], ["a", "b"])
    assert sorted(stage.taken_back) == sorted(stage.begun)


def test_a_fault_of_nap_itself_lets_waiting_steps_end(stage: Stage) -> None:
    def crash(_shop: Any) -> str:
        time.sleep(0.1)
        raise ZeroDivisionError

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        stage.run({"a": crash, "b": until_stopped})
    assert time.monotonic() - began < 20


def test_a_listener_that_can_not_write_any_more_stops_no_deployment(stage: Stage) -> None:
    """The terminal was closed, the disk is full."""
    heard: list[Event] = []

    def listener(event: Event) -> None:
        heard.append(event)
        raise BrokenPipeError

    stage.listener = listener
    assert stage.run({"a": fine, "b": fine}, needs={"b": "a"}).state == "done"
    assert len(heard) == 1, "it isn't asked again"


def test_events_come_one_at_a_time_and_in_order(stage: Stage) -> None:
    inside = threading.Semaphore(1)
    seen: list[int] = []

    def listener(event: Event) -> None:
        assert inside.acquire(blocking=False)
        seen.append(event.seq)
        inside.release()

    stage.listener = listener
    stage.run({str(number): fine for number in range(100)})
    assert seen == list(range(1, len(seen) + 1))
