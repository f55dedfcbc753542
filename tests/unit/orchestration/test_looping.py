"""When there is no sense in waiting for a container that its engine starts again and again."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster.engine import NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.health.verdict import Word, looping
from nap_compose.orchestration.steps.looping import PATIENCE, Loop

RESTARTING = ContainerView("c1", "shop-web-1", "h1", "restarting")


class Engine:
    """One that has restarted the container so many times."""

    def __init__(self, restarts: int | None) -> None:
        self.restarts = restarts
        self.asked = 0

    def inspect_container(self, container: str) -> dict[str, Any]:
        self.asked += 1
        if self.restarts is None:
            raise NotFound("h1", 404, container)
        return {"Id": container, "RestartCount": self.restarts, "State": {"ExitCode": 3}}


@pytest.mark.parametrize(("restarts", "loops"), [(0, False), (4, False), (5, True), (900, True)])
def test_some_restarts_are_no_loop(restarts: int, loops: bool) -> None:
    assert bool(looping(restarts, 3)) is loops


def test_it_is_said_after_a_while_and_with_the_count() -> None:
    now, engine = [100.0], Engine(9)
    loop = Loop(lambda: now[0])
    seen: list[Any] = [loop.verdict(engine, RESTARTING)]  # type: ignore[arg-type]
    now[0] += PATIENCE - 0.1
    seen.append(loop.verdict(engine, RESTARTING))  # type: ignore[arg-type]
    assert (seen, engine.asked) == ([None, None], 0)
    now[0] += 0.2
    verdict = loop.verdict(engine, RESTARTING)  # type: ignore[arg-type]
    assert verdict is not None and verdict.word is Word.HOPELESS
    assert verdict.text == "keeps restarting: exited with code 3, 9 times"


@pytest.mark.parametrize("restarts", [2, None])
def test_few_restarts_or_a_container_that_went_meanwhile_say_nothing(restarts: int | None) -> None:
    now = [0.0]
    loop = Loop(lambda: now[0])
    loop.verdict(Engine(restarts), RESTARTING)  # type: ignore[arg-type]
    now[0] = PATIENCE + 1
    assert loop.verdict(Engine(restarts), RESTARTING) is None  # type: ignore[arg-type]


def test_one_that_runs_is_not_asked_for() -> None:
    engine = Engine(9)
    loop = Loop(lambda: 1e9)
    running = ContainerView("c1", "shop-web-1", "h1", "running")
    assert loop.verdict(engine, running) is None  # type: ignore[arg-type]
    assert loop.verdict(engine, None) is None  # type: ignore[arg-type]
    assert engine.asked == 0
