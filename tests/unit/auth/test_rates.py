"""How often somebody may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.auth.rates import Rates
from nap_compose.errors import NotAllowed


@pytest.fixture
def rates(tmp_path: Path) -> Rates:
    return Rates(tmp_path / "rates")


def test_so_many_at_once_and_then_one_by_one(rates):
    for _ in range(3):
        rates.take("bob", "changes", 3, now=1000.0)
    with pytest.raises(NotAllowed, match="more than 3 changes in a minute") as refused:
        rates.take("bob", "changes", 3, now=1000.0)
    assert "try again in 20 s" in (refused.value.hint or "")
    with pytest.raises(NotAllowed):
        rates.take("bob", "changes", 3, now=1019.0)
    rates.take("bob", "changes", 3, now=1020.0)
    with pytest.raises(NotAllowed):
        rates.take("bob", "changes", 3, now=1020.0)


def test_others_and_other_things_are_counted_apart(rates):
    rates.take("bob", "changes", 1, now=1000.0)
    rates.take("carol", "changes", 1, now=1000.0)
    rates.take("bob", "calls", 1, now=1000.0)


def test_what_was_not_asked_is_saved_for_a_minute_at_most(rates):
    rates.take("bob", "calls", 2, now=0.0)
    for _ in range(2):
        rates.take("bob", "calls", 2, now=10_000.0)
    with pytest.raises(NotAllowed):
        rates.take("bob", "calls", 2, now=10_000.0)


def test_a_clock_that_was_set_back_locks_nobody_out(rates):
    rates.take("bob", "calls", 2, now=10_000.0)
    rates.take("bob", "calls", 2, now=0.0)
    rates.take("bob", "calls", 2, now=30.0)


def test_a_broken_file_is_begun_anew(rates, tmp_path):
    rates.take("bob", "calls", 1, now=0.0)
    (file,) = (tmp_path / "rates").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("x")
    rates.take("bob", "calls", 1, now=0.0)
