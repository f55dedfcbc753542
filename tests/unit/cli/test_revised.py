"""`history`, `diff`, `rollback`: their words and what they print."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    Diff,
    DiffRequest,
    HistoryRow,
    Listing,
    RollbackRequest,
    Target,
)
from nap_compose.exits import Exit
from nap_compose.orchestration.differences import Difference
from tests.unit.cli.scripted import Scripted, nap

ROWS = [
    HistoryRow(
        3, "2026-03-02T10:11:12.000Z", "ada", "up", "rolled back", False, ("web",), "web.1 …"
    ),
    HistoryRow(2, "2026-03-01T10:11:12.000Z", "ada", "up", "done", True, ("web", "volume data")),
    HistoryRow(1, "2026-02-01T10:11:12.000Z", "bob", "up", "done", False),
]
CHANGES = (
    Difference("web", "image", "web:1", "web:\x1b2"),
    Difference("web", "user", "7", None),
    Difference("web", "read_only", None, "true"),
    Difference("cache", "", None, ""),
    Difference("volume data", "", "", None),
)


@dataclass
class Revised(Scripted):
    """A Control that has revisions."""

    differences: tuple[Difference, ...] = field(default=CHANGES)

    def history(self, target: Target, *, limit: int = 20) -> Listing:
        self.asked.append((target, limit))
        return Listing(tuple(ROWS[:limit]))

    def diff(self, request: DiffRequest) -> Diff:
        self.asked.append(request)
        return Diff(request.before or 1, request.after or 2, self.differences)

    def rollback(self, request: RollbackRequest, on_event: Any, cancel: Any) -> Any:
        return self._deploy(request, on_event, cancel)


@pytest.fixture
def control() -> Revised:
    return Revised()


def test_history_marks_the_revision_that_runs(empty: Path, control: Revised) -> None:
    assert nap("history", "shop", control=control).out == (
        "REV   CREATED            BY    STATE         CHANGED\n"
        "3     2026-03-02 10:11   ada   rolled back   web\n"
        "2*    2026-03-01 10:11   ada   running       web, volume data\n"
        "1     2026-02-01 10:11   bob   done          -\n"
    )
    assert nap("history", "shop", "-q", "-n", "2", control=control).out == "3\n2\n"
    found = json.loads(nap("history", "shop", "--format", "json", control=control).out)
    assert [each["revision"] for each in found] == [3, 2, 1]


def test_diff_shows_each_field_with_a_sign(empty: Path, control: Revised) -> None:
    assert nap("diff", "shop", control=control).out == (
        "shop: revision 1 → 2\n"
        "web\n"
        "  ~ image: web:1 → web:\\x1b2\n"
        "  - user: 7\n"
        "  + read_only: true\n"
        "+ cache\n"
        "- volume data\n"
    )
    control.differences = ()
    assert nap("diff", "shop", control=control).out == "shop: revision 1 → 2\nno difference\n"


@pytest.mark.parametrize(
    ("words", "numbers"), [((), (0, 0)), (("4",), (0, 4)), (("2", "5"), (2, 5))]
)
def test_words_of_diff(
    empty: Path, control: Revised, words: tuple[str, ...], numbers: tuple[int, int]
) -> None:
    nap("diff", "shop", *words, "--show-values", control=control)
    assert control.asked == [DiffRequest(Target("shop"), *numbers, show_values=True)]


def test_where_a_file_gives_the_app_numbers_are_revisions(empty: Path, control: Revised) -> None:
    (empty / "compose.yaml").write_text("name: shop\nservices: {web: {image: x}}\n")
    nap("diff", "2", "5", control=control)
    nap("rollback", "4", control=control)
    nap("rollback", control=control)
    nap("history", "-p", "blog", control=control)
    assert [getattr(each, "target", each) for each in control.asked] == [
        Target("shop"),
        Target("shop"),
        Target("shop"),
        (Target("blog"), 20),
    ]
    assert [each.revision for each in control.asked[1:3]] == [4, 0]


def test_an_app_may_be_called_like_a_number(empty: Path, control: Revised) -> None:
    nap("rollback", "2048", "3", control=control)
    assert control.asked == [RollbackRequest(Target("2048"), 3)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("history",), "which app?"),
        (("diff", "shop", "new"), "'new' is no revision"),
        (("diff", "shop", "1", "2", "3"), "2 at most"),
        (("rollback", "shop", "0"), "'0' is no revision"),
        (("rollback", "shop/web"), "revisions are of a whole app"),
    ],
)
def test_wrong_words(empty: Path, control: Revised, words: tuple[str, ...], said: str) -> None:
    result = nap(*words, control=control)
    assert (result.code, said in result.err) == (Exit.WRONG_USE, True), result.err
    assert control.asked == []
