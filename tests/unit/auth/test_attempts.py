"""Wrong passwords make the next try wait, for the name and for whoever tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.auth.attempts import Attempts
from nap_compose.errors import NotAllowed


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    return Attempts(tmp_path / "attempts")


def tries(attempts: Attempts, now: float, *whose: str, right: bool | None) -> None:
    with attempts.trying(*whose, now=now) as attempt:
        attempt.right = right


def test_three_are_free_then_each_waits_twice_as_long(attempts: Attempts) -> None:
    for _ in range(3):
        tries(attempts, 100.0, "bob", right=False)
    with pytest.raises(NotAllowed, match="too many"):
        tries(attempts, 100.9, "bob", right=True)
    tries(attempts, 101.0, "bob", right=False)
    with pytest.raises(NotAllowed) as refused:
        tries(attempts, 102.0, "bob", right=True)
    assert refused.value.hint == "try again in 1 s"
    tries(attempts, 103.0, "bob", right=False)


def test_a_wait_is_a_minute_at_most(attempts: Attempts) -> None:
    now = 0.0
    for _ in range(20):
        tries(attempts, now, "bob", right=False)
        now += 60.0
    tries(attempts, now, "bob", right=True)


def test_a_right_one_makes_good(attempts: Attempts) -> None:
    for _ in range(2):
        for _ in range(3):
            tries(attempts, 100.0, "bob", right=False)
        tries(attempts, 200.0, "bob", right=True)


def test_who_tries_other_names_waits_too(attempts: Attempts) -> None:
    for name in ("a", "b", "c"):
        tries(attempts, 100.0, f"name {name}", "caller mallory", right=False)
    with pytest.raises(NotAllowed):
        tries(attempts, 100.0, "name d", "caller mallory", right=False)
    tries(attempts, 100.0, "name d", "caller ada", right=True)


def test_what_nobody_could_judge_counts_for_nothing(attempts: Attempts) -> None:
    for _ in range(3):
        tries(attempts, 100.0, "bob", right=False)
    tries(attempts, 101.0, "bob", right=None)
    tries(attempts, 101.0, "bob", right=False)
    with pytest.raises(NotAllowed):
        tries(attempts, 102.0, "bob", right=True)


def test_a_try_that_breaks_off_is_written_down(attempts: Attempts) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), attempts.trying("bob", now=1.0) as attempt:
            attempt.right = False
            raise ZeroDivisionError
    with pytest.raises(NotAllowed):
        tries(attempts, 1.0, "bob", right=True)
