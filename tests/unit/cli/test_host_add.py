"""`host add` and `host rm`: who is asked what, and what is refused before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nap_compose.border import Added, AddRequest, Finding, Grade, RemoveRequest, Survey
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap

SURVEY = Survey(
    (Finding("h4", Grade.OK, "its clock is right"),), ("its engine is restarted",), ("wiki",)
)


LEFT = Added(complete=False, commands=("scp this", "ssh that"))


@dataclass
class Founder:
    """One that only notes what it is asked."""

    seen: Survey = SURVEY
    added: Added = LEFT
    asked: list[object] = field(default_factory=list)

    def survey(self, request: AddRequest) -> Survey:
        self.asked.append(("survey", request.name))
        return self.seen

    def add(self, request: AddRequest, tell: Callable[[str], None]) -> Added:
        self.asked.append(request)
        tell("made a certificate")
        return self.added

    def by_hand(self, request: AddRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        self.asked.append(("by hand", request.address))
        return self.added.commands

    def remove(self, request: RemoveRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        self.asked.append(request)
        return ()


@pytest.fixture
def founder(monkeypatch: pytest.MonkeyPatch) -> Founder:
    made = Founder()
    monkeypatch.setattr("nap_compose.control.connect.founder", lambda env: made)
    monkeypatch.setattr("nap_compose.control.connect.own_file", lambda option, env: "/c.yml")
    return made


def test_nothing_is_done_where_nobody_can_be_asked(founder: Founder, empty: Path) -> None:
    told = nap("host", "add", "h4", "--via", "ssh://admin@h4", control=Scripted())
    assert told.code == Exit.UNANSWERED
    assert "wiki stop for that long" in told.err
    assert founder.asked == [("survey", "h4")]


def test_a_fault_ends_it_even_with_yes(founder: Founder, empty: Path) -> None:
    fault = Finding("h4", Grade.FAULT, "its clock is 40 s behind", "run an NTP client")
    founder.seen = Survey((fault,), ("its engine is restarted",))
    told = nap("host", "add", "h4", "--via", "ssh://admin@h4", "-y", control=Scripted())
    assert told.code == Exit.FAILED
    assert "40 s behind" in told.out and "nothing was changed" in told.err
    assert founder.asked == [("survey", "h4")]


def test_what_is_left_is_printed_as_commands(founder: Founder, empty: Path) -> None:
    words = ("host", "add", "h4", "--address", "10.0.0.14", "--label", "zone=b", "-y")
    told = nap(*words, control=Scripted())
    assert told.code == Exit.PARTIAL
    assert told.out.splitlines()[-2:] == ["scp this", "ssh that"]
    asked = founder.asked[-1]
    assert isinstance(asked, AddRequest)
    assert (asked.file, asked.via, asked.labels) == ("/c.yml", "", {"zone": "b"})


def test_print_asks_nothing_of_the_host(founder: Founder, empty: Path) -> None:
    told = nap("host", "add", "h4", "--address", "10.0.0.14", "--print", control=Scripted())
    assert (told.code, told.out) == (Exit.DONE, "scp this\nssh that\n")
    assert founder.asked == [("by hand", "10.0.0.14")]


@pytest.mark.parametrize("words", [("H_4",), ("-h4",), ("h4", "--label", "zone")])
def test_words_that_are_off(founder: Founder, empty: Path, words: tuple[str, ...]) -> None:
    told = nap("host", "add", *words, "--via", "ssh://h4", control=Scripted())
    assert told.code == Exit.WRONG_USE
    assert founder.asked == []


def test_a_host_stays_where_nobody_can_be_asked(founder: Founder, empty: Path) -> None:
    told = nap("host", "rm", "h4", control=Scripted())
    assert told.code == Exit.UNANSWERED
    assert founder.asked == []
