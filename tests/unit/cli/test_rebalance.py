"""`nap rebalance`: what it shows, whom it asks, and how it ends."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Outcome, Rebalanced, RebalanceRequest
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from tests.unit.cli.scripted import Scripted, nap

PLAN = Plan(
    "ada", "shop", "ada_shop", 3, "d1",
    (Step("create:web.1", Kind.CREATE, "h3", "web.1", "web.1"),),
    (Line(Change.MOVE, "web.1", "h3", "the fewest of web", "start-first"),
     Line(Change.KEEP, "web.2", "h2")),
)  # fmt: skip
MOVED = Rebalanced(
    outcomes=(Outcome("done", PLAN, 0, seconds=2.0),),
    stays={"ada/shop/db.1": "h3 has less to do, but volume data is on h1"},
    skipped={"bob/blog": "it isn't settled: web.1 is exited"},
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Balancing(Scripted):
    """A Control that rebalances as told."""

    result: Rebalanced = field(default_factory=Rebalanced)

    def rebalance(self, request: RebalanceRequest, on_event: Any, cancel: Any) -> Rebalanced:
        self.asked.append(request)
        state = "planned" if request.dry_run else "done"
        outcomes = tuple(replace(each, state=state) for each in self.result.outcomes)
        return replace(self.result, outcomes=outcomes)


def test_yes_moves_and_says_what_stays(empty: Path) -> None:
    control = Balancing(result=MOVED)
    found = nap("rebalance", "-y", "-t", "5s", "--wait-timeout", "1m", control=control)
    assert control.asked == [RebalanceRequest(60.0, 5.0)]
    assert (found.code, found.out) == (
        Exit.DONE,
        "shop moved in 2.0s\n  web  1 kept, 1 moved on h3 (the fewest of web)\n",
    )
    assert found.err == (
        "nap: warning: bob/blog is left alone: it isn't settled: web.1 is exited\n"
        "nap: warning: ada/shop/db.1 stays: h3 has less to do, but volume data is on h1\n"
    )


def test_a_dry_run_shows_it(empty: Path) -> None:
    control = Balancing(result=MOVED)
    found = nap("rebalance", "--dry-run", control=control)
    assert (found.code, [each.dry_run for each in control.asked]) == (Exit.DONE, [True])
    assert "  move     web.1 on h3 (the fewest of web; start-first)\n" in found.out


def test_without_a_terminal_nothing_is_done(empty: Path) -> None:
    control = Balancing(result=MOVED)
    found = nap("rebalance", control=control)
    assert (found.code, [each.dry_run for each in control.asked]) == (Exit.UNANSWERED, [True])
    assert "  move     web.1 on h3 (the fewest of web)\n" in found.err
    assert "nothing was done. With -y they are moved without a question" in found.err


@pytest.mark.parametrize(("answer", "times"), [("y\n", 2), ("\n", 1), ("", 1)])
def test_on_a_terminal_a_person_is_asked(
    empty: Path, monkeypatch: pytest.MonkeyPatch, answer: str, times: int
) -> None:
    monkeypatch.setattr("sys.stdin", Screen(answer))
    control = Balancing(result=MOVED)
    found = nap("rebalance", control=control, width=80)
    assert (found.code, len(control.asked)) == (Exit.DONE, times)
    assert "Move them? [y/N]" in found.err


def test_what_is_even_is_said_to_be(empty: Path) -> None:
    found = nap("rebalance", control=Balancing())
    assert (found.code, found.err) == (Exit.DONE, "")
    assert found.out == "nothing to do: whatever can be moved is where it is best off\n"


def test_failures_have_their_code(empty: Path) -> None:
    failed = Rebalanced(failed={"bob/blog": "its lock is held"})
    found = nap("rebalance", "-y", "--progress", "json", control=Balancing(result=failed))
    assert found.code == Exit.FAILED
    assert json.loads(found.out)["failed"] == {"bob/blog": "its lock is held"}
    assert "nap: bob/blog: its lock is held" in found.err
