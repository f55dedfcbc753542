"""`nap audit`: what it asks for and how it shows what it gets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from nap_compose.border import AuditCheck, AuditRequest, AuditRow, Listing
from tests.unit.cli.scripted import Scripted, nap

UP = AuditRow(
    at="2026-03-01T12:00:00.000Z",
    person="ada",
    verb="up",
    app="ada/shop",
    hosts=("h1", "h2"),
    outcome="done",
    detail="",
    origin="ada@desk pid 7",
    deployment="d1",
    ended="2026-03-01T12:00:09.000Z",
    row=1,
)


@dataclass
class Audited(Scripted):
    acts: tuple[AuditRow, ...] = (UP,)
    check_found: AuditCheck = field(default_factory=lambda: AuditCheck(3, "abc"))

    def audit(self, request: AuditRequest) -> Listing:
        self.asked.append(request)
        return Listing(self.acts)

    def verify_audit(self) -> AuditCheck:
        return self.check_found


def test_a_line_for_each_act() -> None:
    told = nap("audit", control=Audited())
    assert told.code == 0
    titles, line = told.out.splitlines()
    assert titles.split() == "WHEN (UTC) WHO DID APP HOSTS ENDED FROM DETAIL".split()  # noqa: SIM905
    assert " ".join(line.split()) == (
        "2026-03-01 12:00:00 ada up ada/shop h1, h2 done ada@desk pid 7"
    )


def test_what_it_asks_for() -> None:
    control = Audited()
    words = ("--user", "ada", "--app", "bob/web", "--since", "2026-03-01T12:00:00Z", "-n", "5")
    assert nap("audit", *words, control=control).code == 0
    nap("audit", "--app", "web", control=control)
    assert control.asked == [
        AuditRequest("ada", "web", "bob", "2026-03-01T12:00:00.000Z", 5),
        AuditRequest(app="web"),
    ]


@pytest.mark.parametrize("words", [("--app", "a/b/c"), ("--app", "ada/"), ("--since", "noon")])
def test_words_that_mean_nothing(words: tuple[str, str]) -> None:
    assert nap("audit", *words, control=Audited()).code == 2


def test_a_detail_of_many_lines_stays_in_one() -> None:
    row = AuditRow(**{**vars(UP), "detail": "no room for web.1\n  h1  cpu\n  h2  port"})
    out = nap("audit", control=Audited(acts=(row,))).out
    assert out.splitlines()[-1].endswith("no room for web.1; h1  cpu; h2  port")


def test_json() -> None:
    (row,) = json.loads(nap("audit", "--format", "json", control=Audited()).out)
    assert (row["person"], row["hosts"], row["ended"]) == ("ada", ["h1", "h2"], UP.ended)


def test_what_a_row_holds_can_not_move_the_cursor() -> None:
    row = AuditRow(**{**vars(UP), "detail": "\x1b[2J\nnap: all is well"})
    told = nap("audit", control=Audited(acts=(row,)))
    assert "\x1b" not in told.out and len(told.out.splitlines()) == 2


def test_verify() -> None:
    told = nap("audit", "verify", control=Audited())
    assert (told.code, told.out) == (
        0,
        "3 rows, each as it was written, the last one's hash is abc\n",
    )
    broken = Audited(check_found=AuditCheck(3, "abc", "row 2 is missing"))
    told = nap("audit", "verify", control=broken)
    assert told.code == 1 and "row 2 is missing" in told.out
    assert json.loads(nap("audit", "verify", "--format", "json", control=broken).out)["rows"] == 3
