"""When a container is started again."""

from __future__ import annotations

import pytest

from nap_compose.health.restarts import (
    Backoff,
    Ended,
    Tries,
    after_end,
    when_unhealthy,
)
from nap_compose.health.rules import Restart

ANY = Restart("any")
CRASH = Ended(1, 0.5)


def crashes(policy: Restart, times: int, ended: Ended = CRASH) -> list[float | None]:
    """Seconds from each end to the restart, of one that ends as soon as it was started."""
    tries, now, pauses = Tries(), 1000.0, []
    for _ in range(times):
        verdict = after_end(policy, ended, tries, now)
        pauses.append(None if verdict.due is None else verdict.due - now)
        if verdict.due is None:
            break
        tries, now = verdict.tries, verdict.due
    return pauses


def test_the_first_restart_is_at_once_and_the_rest_take_ever_longer() -> None:
    assert crashes(ANY, 9) == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_delay_that_was_asked_for_is_kept() -> None:
    assert crashes(Restart("any", delay=3.0), 3) == [3, 3, 3]


def test_after_so_many_attempts_it_is_given_up() -> None:
    assert crashes(Restart("any", attempts=2), 5) == [0, 1, None]
    verdict = after_end(Restart("any", attempts=2), CRASH, Tries(2, 999.0), 1000.0)
    assert verdict.why == "it was started 2 times and ended with code 1 each time"
    assert verdict.tries.given_up


@pytest.mark.parametrize(
    ("condition", "code", "again"),
    [
        ("none", 1, False),
        ("any", 0, True),
        ("any", 1, True),
        ("on-failure", 0, False),
        ("on-failure", 137, True),
    ],
)
def test_conditions(condition: str, code: int, again: bool) -> None:
    verdict = after_end(Restart(condition), Ended(code, 1.0), Tries(), 1000.0)
    assert (verdict.due is not None) is again


def test_what_ran_for_its_window_has_worked() -> None:
    tries = Tries(5, 900.0)
    assert after_end(ANY, Ended(1, 10.0), tries, 1000.0).due == 1000.0
    assert after_end(ANY, Ended(1, 9.9), tries, 901.0).due == 916.0
    patient = Restart("any", attempts=2, window=60.0)
    assert after_end(patient, Ended(1, 59.0), Tries(2, 900.0), 1000.0).due is None
    assert after_end(patient, Ended(1, 61.0), Tries(2, 900.0), 1000.0).due == 1000.0


def test_unhealthy_ones() -> None:
    assert when_unhealthy(ANY, 500.0, None, Tries(), 1000.0).due is None
    assert when_unhealthy(ANY, 59.0, 60.0, Tries(), 1000.0).due is None
    assert when_unhealthy(Restart("none"), 99.0, 60.0, Tries(), 1000.0).due is None
    first = when_unhealthy(ANY, 61.0, 60.0, Tries(), 1000.0)
    assert (first.due, first.tries) == (1000.0, Tries(1, 1000.0))
    assert when_unhealthy(ANY, 70.0, 60.0, first.tries, 1119.0).due is None
    assert when_unhealthy(ANY, 70.0, 60.0, first.tries, 1121.0).due == 1121.0
    last = when_unhealthy(Restart("any", attempts=1), 70.0, 60.0, first.tries, 2000.0)
    assert (last.due, last.why) == (None, "it stayed unhealthy each time")


def test_what_fails_again_and_again_is_left_alone_for_ever_longer() -> None:
    backoff, pauses = Backoff(), []
    for _ in range(8):
        backoff = backoff.failed(1000.0)
        pauses.append(backoff.until - 1000.0)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600]
    assert backoff.waits(1599.0) and not backoff.waits(1600.0)
    assert not Backoff().waits(0.0)
