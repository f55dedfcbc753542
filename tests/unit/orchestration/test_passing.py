"""Faults that pass: what is tried again, when, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nap_compose.cluster.engine import EngineError
from nap_compose.orchestration.steps import passing
from nap_compose.orchestration.steps.passing import until_it_passes

ELECTION = "rpc error: code = Unknown desc = The swarm does not have a leader"
JOIN = (
    "attaching to network failed, make sure your network options are correct and check manager "
    "logs: context deadline exceeded"
)
NO_ANSWER = "Could not attach to network root_shop_default: context deadline exceeded"
STORE = "failed to update store for object type *libnetwork.endpointCnt: connection refused"


class Clock:
    """Time that goes by only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(passing, "time", clock)
    return clock


def failing(
    clock: Clock, text: str, times: int, takes: float = 0.0
) -> tuple[Callable[[], str], list[float]]:
    """An act that takes so long and fails so often, and the moments at which it was tried."""
    tried: list[float] = []

    def act() -> str:
        tried.append(clock.now)
        if len(tried) <= times:
            clock.now += takes
            raise EngineError("h1", 500, text)
        return "done"

    return act, tried


def test_a_join_is_tried_again_when_the_engine_has_given_up_the_first(clock: Clock) -> None:
    act, tried = failing(clock, JOIN, times=1, takes=20.0)
    assert until_it_passes(act, "swarm") == "done"
    first, second = tried
    assert second - first > 30, "the engine waits so long for what it asked"


def test_a_join_that_never_comes_is_told_in_the_end(clock: Clock) -> None:
    act, tried = failing(clock, JOIN, times=9, takes=20.0)
    with pytest.raises(EngineError, match="attaching to network failed"):
        until_it_passes(act, "swarm")
    assert len(tried) == 3


def test_managers_that_did_not_answer_are_asked_once_more(clock: Clock) -> None:
    act, tried = failing(clock, NO_ANSWER, times=1, takes=20.0)
    assert until_it_passes(act, "swarm") == "done"
    assert tried == [0.0, 21.0]
    act, tried = failing(clock, NO_ANSWER, times=9, takes=20.0)
    with pytest.raises(EngineError, match="deadline exceeded"):
        until_it_passes(act, "swarm")
    assert len(tried) == 2


def test_each_fault_has_its_own_time(clock: Clock) -> None:
    """After a long wait for a network the engine may not have heard of it yet."""
    texts = [JOIN, JOIN, *[f"network {name} not found" for name in ("a_b", "a_b")]]

    def act() -> str:
        if not texts:
            return "done"
        text = texts.pop(0)
        clock.now += 20 if text == JOIN else 0
        raise EngineError("h1", 404, text)

    assert until_it_passes(act, "swarm") == "done"
    gone, tried = failing(clock, "network a_b not found", times=99)
    with pytest.raises(EngineError):
        until_it_passes(gone, "swarm")
    assert tried[-1] - tried[0] < 6, "one that was removed is told of soon"


@pytest.mark.parametrize(("text", "overlay"), [(ELECTION, "swarm"), (STORE, "consul")])
def test_what_passes_is_waited_for_on_its_own_kind_of_network(
    clock: Clock, text: str, overlay: str
) -> None:
    act, _ = failing(clock, text, times=5)
    said: list[str] = []
    report = lambda text, done=0, total=0: said.append(text)  # noqa: E731
    assert until_it_passes(act, overlay, report) == "done"
    assert said == ["trying again"] * 5
    act, tried = failing(clock, text, times=1)
    with pytest.raises(EngineError):
        until_it_passes(act, "consul" if overlay == "swarm" else "swarm")
    assert len(tried) == 1


def test_any_other_fault_is_final(clock: Clock) -> None:
    act, tried = failing(clock, "port is already allocated", times=1)
    with pytest.raises(EngineError):
        until_it_passes(act, "swarm")
    assert len(tried) == 1


def test_once_it_is_stopped_nothing_more_is_tried(clock: Clock) -> None:
    act, tried = failing(clock, JOIN, times=1, takes=20.0)
    with pytest.raises(EngineError):
        until_it_passes(act, "swarm", stopped=lambda: clock.now > 21)
    assert len(tried) == 1
    assert clock.now < 22
