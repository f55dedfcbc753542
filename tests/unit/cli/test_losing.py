"""Before data is lost a person is asked; where nobody can be, nothing is done."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Outcome, UpRequest
from nap_compose.cli.losing import may_lose
from nap_compose.cli.output.terminal import Terminal
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change, Line, Plan
from tests.unit.cli.scripted import EMPTY_PLAN, Scripted, nap

PLAN = replace(EMPTY_PLAN, loses=("data", "logs"))


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_nothing_is_done(shop: Path) -> None:
    control = Scripted(outcome=Outcome("asks", PLAN, Exit.UNANSWERED))
    result = nap("up", "-d", control=control)
    assert result.code == Exit.UNANSWERED == 8
    assert len(control.asked) == 1
    assert result.err == (
        "nap: the definition of volume data, logs changed; made anew, it would lose its data\n"
        "     nothing was done. With -y it is made anew; or set its definition back\n"
    )


def test_yes_is_said_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = "name: shop\nservices: {web: {image: x, volumes: ['data:/d']}}\nvolumes: {data: {}}\n"
    (tmp_path / "compose.yaml").write_text(file)
    monkeypatch.chdir(tmp_path)
    control = Scripted()
    assert nap("up", "-d", "-y", control=control).code == 0
    assert control.asked[0].may_lose == {"data": True}


def test_on_a_terminal_each_volume_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Screen("y\n\n"))
    screen = Screen()
    assert may_lose(PLAN, Terminal(io.StringIO(), screen, {})) == {"data": True, "logs": False}
    assert screen.getvalue().count("lose the data in it? [y/N]") == 2


@dataclass
class Asking(Scripted):
    """Asks where the request is careful."""

    plan: Plan = EMPTY_PLAN

    def up(self, request: UpRequest, on_event: Any, cancel: Any) -> Outcome:
        self.asked.append(request)
        if request.careful:
            return Outcome("asks", self.plan, Exit.UNANSWERED)
        return Outcome("done", self.plan, 0)


GOES = replace(
    EMPTY_PLAN,
    summary=(
        Line(Change.KEEP, "db.1", "h1"),
        Line(Change.MOVE, "web.1", "h2", "the only host that fits"),
        Line(Change.REMOVE, "web.2", "h1", "scaled down"),
    ),
)


@pytest.mark.parametrize(("answer", "code", "times"), [("y\n", 0, 2), ("n\n", 8, 1), ("", 8, 1)])
def test_on_a_terminal_a_person_is_asked_before_something_moves_or_goes(
    shop: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, times: int
) -> None:
    monkeypatch.setattr("sys.stdin", Screen(answer))
    control = Asking(plan=GOES)
    result = nap("up", "-d", control=control, width=80)
    assert (result.code, [each.careful for each in control.asked]) == (code, [True, False][:times])
    assert (
        "  move     web.1 on h2 (the only host that fits)\n"
        "  remove   web.2 on h1 (scaled down)\n"
        "Go on? [y/N]\n"
    ) in result.err


@pytest.mark.parametrize(("words", "width"), [(("-y",), 80), ((), 0)])
def test_nobody_is_asked_who_said_yes_or_is_not_there(
    shop: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], width: int
) -> None:
    monkeypatch.setattr("sys.stdin", Screen(""))
    control = Asking(plan=GOES)
    assert nap("up", "-d", *words, control=control, width=width).code == 0
    assert [each.careful for each in control.asked] == [False]
