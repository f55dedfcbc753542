"""The situations in `cases/`: a cluster and an app in, the text of the placement or plan out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.situations import Case, cases

TOLD = ("placed", "plan", "balanced")
CASES = list(cases(Path(__file__).parent / "cases"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    expected = {key: case.written[key] for key in TOLD if key in case.written}
    assert expected, "a case says what comes out"
    assert {key: getattr(case, key) for key in expected} == expected


def test_no_two_cases_have_the_same_name() -> None:
    assert [
        name for name, number in Counter(case.name for case in CASES).items() if number > 1
    ] == []


def test_there_are_enough() -> None:
    assert len(CASES) >= 60
