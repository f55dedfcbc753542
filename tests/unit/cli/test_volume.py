"""`nap volume move`: its words, what it asks for, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Moved, MoveRequest, Target
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap

ARRIVED = Moved("h2", 5 << 20)


@dataclass
class Moving(Scripted):
    """A Control that moves volumes."""

    moved: Moved = ARRIVED

    def move_volume(self, request: MoveRequest, tell: Any, on_event: Any, cancel: Any) -> Moved:
        self.asked.append(request)
        tell(1 << 20)
        return self.moved


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["shop/data", "--to", "h2"], {"to": "h2"}),
        (["shop/data", "--to-cluster", "--stop"], {"cluster": True, "stop": True}),
        (["shop/data"], {}),
        (["eve/shop/data", "--abandon"], {"abandon": True}),
    ],
)
def test_what_is_asked(empty: Path, words: list[str], expected: dict[str, Any]) -> None:
    control = Moving()
    ended = nap("volume", "move", *words, control=control)
    assert ended.code == Exit.DONE
    owner = "eve" if words[0].startswith("eve") else ""
    assert control.asked == [MoveRequest(Target("shop", owner), "data", **expected)]
    assert "is on h2 now: 5MiB sent, and compared" in ended.out
    assert "1MiB sent" in ended.err


def test_how_it_ends(empty: Path) -> None:
    assert (
        "stays where it was"
        in nap("volume", "move", "shop/data", "--abandon", control=Moving(moved=Moved(""))).out
    )
    failed = nap("volume", "move", "shop/data", control=Moving(moved=Moved("h2", 0, 3)))
    assert failed.code == 3, "the app couldn't be brought up there"


@pytest.mark.parametrize(
    "words",
    [
        ["data"],
        ["shop/data", "--to", "h2", "--to-cluster"],
        ["shop/data", "--abandon", "--to", "h2"],
        ["shop/data", "--abandon", "--stop"],
        [],
    ],
)
def test_words_that_mean_nothing(empty: Path, words: list[str]) -> None:
    control = Moving()
    assert nap("volume", "move", *words, control=control).code == Exit.WRONG_USE
    assert control.asked == []
