"""Putting questions to many: some at a time, and nobody waits for who is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from nap_compose.cluster.asking import ask_each


def answers(questions: dict[str, Callable[[], int]], **limits: float) -> dict[str, int | str]:
    """What came of each: its answer, or the name of the error."""
    found: dict[str, int | str] = {}
    for key, asked, ends in ask_each(questions, **{"deadline": 5.0, **limits}):  # type: ignore[arg-type]
        try:
            found[key] = asked.answer(ends)
        except Exception as error:
            found[key] = type(error).__name__
    return found


def test_all_are_answered_and_errors_are_told() -> None:
    questions: dict[str, Callable[[], int]] = {f"q{n}": (lambda n=n: n * n) for n in range(100)}
    questions["bad"] = lambda: 1 // 0
    found = answers(questions)
    assert found.pop("bad") == "ZeroDivisionError"
    assert found == {f"q{n}": n * n for n in range(100)}


def test_no_more_than_some_at_a_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def question() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return 0

    assert len(answers({f"q{n}": question for n in range(40)}, at_once=4)) == 40
    assert most <= 4


def test_the_dead_cost_one_deadline_and_hold_up_nobody() -> None:
    over = threading.Event()
    dead = {f"dead{n}": (lambda: int(over.wait(30))) for n in range(20)}
    alive = {f"q{n}": (lambda: 7) for n in range(20)}
    began = time.monotonic()
    # All the places are taken by the dead at first.
    found = answers({**dead, **alive}, at_once=5, deadline=3.0)
    took = time.monotonic() - began
    over.set()
    assert [found[key] for key in alive] == [7] * 20
    assert {found[key] for key in dead} == {"TimeoutError"}
    assert took < 20 / 5 * 3.0, "not one deadline for each place full of them"


def test_each_has_its_own_time() -> None:
    """Who is put late isn't given up on early."""
    questions = {f"q{n}": (lambda: time.sleep(0.2) or 1) for n in range(6)}
    assert set(answers(questions, at_once=1, deadline=0.5).values()) == {1}


@pytest.mark.parametrize("number", [0, 1])
def test_few(number: int) -> None:
    asked = {f"q{n}": (lambda: 1) for n in range(number)}
    assert answers(asked) == dict.fromkeys(asked, 1)
