"""`nap logs search` and `nap logs stats`."""

import json
import re
from pathlib import Path

import pytest

from nap_compose.border import LogCount, LogLine, LogRequest, SearchRequest, Target
from nap_compose.cli.fixed import fixed_text
from tests.unit.cli.scripted import Scripted, nap, row

LINES = [
    LogLine(1_700_000_001, "web.1", "h1", "stdout", "request 17 timed out"),
    LogLine(1_700_000_002, "db.1", "h2", "stderr", "it timed itself out"),
]
ROWS = [row("web", 1), row("db", 1)]


@pytest.mark.parametrize(
    ("pattern", "fixed"),
    [
        ("plain", "plain"),
        (r"time(d)? out after \d+ s", " out after "),
        ("a|b", ""),
        ("(abc)def", "abc"),
        ("(?:xyz)+", "xyz"),
        ("x*", ""),
        ("[ab]cd.efg$", "efg"),
        (r"\bword\b", "word"),
        ("(?i:abc)d", "d"),
        (r"1\.2\.3", "1.2.3"),
    ],
)
def test_the_text_that_every_match_holds(pattern: str, fixed: str) -> None:
    assert fixed_text(re.compile(pattern)) == fixed


def test_what_is_searched_for(shop: Path) -> None:
    control = Scripted(lines=LINES, rows=ROWS)
    result = nap("logs", "search", "shop", r"timed \w+", "--since", "1700000000", control=control)
    assert (result.code, result.out) == (
        0,
        "web-1  | request 17 timed out\ndb-1   | it timed itself out\n",
    )
    lines = LogRequest(Target("shop"), since=1_700_000_000)
    assert control.asked[-1] == SearchRequest(lines, "timed ", any_case=False)
    assert nap("logs", "search", "shop", "timed out", control=control).out == (
        "web-1  | request 17 timed out\n"
    )


def test_in_any_case_or_fixed_or_counted(shop: Path) -> None:
    control = Scripted(lines=LINES, rows=ROWS)
    assert nap("logs", "search", "TIMED", "-i", "-c", control=control).out == "2\n"
    assert control.asked[-1] == SearchRequest(LogRequest(Target("shop")), "TIMED", any_case=True)
    result = nap("logs", "search", "-F", "out.", control=control)
    assert (result.code, result.out) == (1, "")
    assert control.asked[-1].text == "out."
    (shown,) = nap("logs", "search", "17", "--format", "json", control=control).out.splitlines()
    assert json.loads(shown)["service"] == "web"


def test_kept_services_are_enough(empty: Path) -> None:
    control = Scripted(lines=LINES, seen={"kept_services": ["db", "web"]})
    assert nap("logs", "search", "shop/db", "timed", control=control).code == 0
    assert not any(isinstance(each, tuple) for each in control.asked), "ps was asked"
    result = nap("logs", "search", "shop/dp", "timed", control=control)
    assert result.code == 2
    assert "it has: db, web" in result.err


def test_what_is_no_regular_expression(shop: Path) -> None:
    result = nap("logs", "search", "shop", "a(b", control=Scripted(rows=ROWS))
    assert result.code == 2
    assert "'a(b' is no regular expression" in result.err


COUNTS = [
    LogCount("web", "2023-11-14T22:00:00Z", 100, 4096, 3, 2),
    LogCount("db", "2023-11-14T23:00:00Z", 50, 1000, 0, 0),
    LogCount("web", "2023-11-14T23:00:00Z", 150, 9000, 0, 1),
]


def test_counts_as_a_table_json_and_a_chart(shop: Path) -> None:
    control = Scripted(rows=ROWS, seen={"counts": COUNTS})
    out = nap("logs", "stats", "shop", control=control).out.splitlines()
    assert [line.split() for line in out[:2]] == [
        ["HOUR", "SERVICE", "LINES", "SIZE", "STDERR", "ERRORS"],
        ["2023-11-14T22:00:00Z", "web", "100", "4KiB", "3", "2"],
    ]
    rows = nap("logs", "stats", "shop", "--format", "json", control=control).out.splitlines()
    assert json.loads(rows[1]) == {
        "service": "db",
        "hour": "2023-11-14T23:00:00Z",
        "lines": 50,
        "size": 1000,
        "stderr": 0,
        "errors": 0,
    }
    chart = nap("logs", "stats", "shop", "--format", "chart", control=control).out
    assert chart == (
        f"2023-11-14T22h  100  {'█' * 20}  2 errors\n2023-11-14T23h  200  {'█' * 40}  1 error\n"
    )
    plain = nap("logs", "stats", "--format", "chart", control=control, encoding="ascii").out
    assert "#" * 40 in plain
