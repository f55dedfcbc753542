"""`nap status`, as its reader sees it."""

from __future__ import annotations

import json
from pathlib import Path

from nap_compose.border import Grade, StatusRow
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap

HOSTS = StatusRow("hosts", "hosts", Grade.OK, "3 of 3 answer")
SHOP = StatusRow("apps", "ada/shop", Grade.OK, "2 run", "", "ada", "shop")
BLOG = StatusRow("apps", "ada/blog", Grade.OK, "1 run", "", "ada", "blog")
SICK = StatusRow(
    "apps", "ada/wiki", Grade.FAULT, "web.1 on h1 is unhealthy", "nap logs ada/wiki/web.1",
    "ada", "wiki",
)  # fmt: skip
CORDONED = StatusRow("hosts", "h1", Grade.WARNING, "it is cordoned", "nap host activate h1")


def test_apps_that_are_well_are_one_line(empty: Path) -> None:
    result = nap("status", control=Scripted(seen={"standing": [HOSTS, CORDONED, SHOP, BLOG]}))
    assert result.code == Exit.DONE
    assert result.out.splitlines() == [
        "hosts  ok       hosts  3 of 3 answer",
        "       warning  h1     it is cordoned",
        "                       nap host activate h1",
        "apps   ok       apps   2 are as they should be",
        "It works; 1 thing wants a look.",
    ]


def test_all_is_well(empty: Path) -> None:
    result = nap("status", control=Scripted(seen={"standing": [HOSTS, SHOP]}))
    assert (result.code, result.out.splitlines()[-1]) == (Exit.DONE, "All is well.")


def test_what_needs_a_person_ends_with_1(empty: Path) -> None:
    result = nap("status", control=Scripted(seen={"standing": [HOSTS, SICK, SHOP]}))
    assert result.code == Exit.FAILED
    assert result.out.splitlines()[-1] == "1 thing needs somebody now."
    assert "nap logs ada/wiki/web.1" in result.out


def test_quiet_shows_that_alone(empty: Path) -> None:
    result = nap("status", "-q", control=Scripted(seen={"standing": [HOSTS, SICK, SHOP]}))
    assert result.code == Exit.FAILED
    assert [line.split()[0] for line in result.out.splitlines()] == ["apps", "nap"]
    assert nap("status", "-q", control=Scripted(seen={"standing": [HOSTS]})).out == ""


def test_a_line_of_json_for_each(empty: Path) -> None:
    control = Scripted(seen={"standing": [HOSTS, SICK]})
    result = nap("status", "--format", "json", control=control)
    found = [json.loads(line) for line in result.out.splitlines()]
    assert [(each["part"], each["grade"]) for each in found] == [("hosts", "ok"), ("apps", "fault")]
    assert found[1]["remedy"] == "nap logs ada/wiki/web.1"
    assert result.code == Exit.FAILED


def test_text_from_outside_can_not_reach_the_terminal(empty: Path) -> None:
    evil = StatusRow("hosts", "h1", Grade.FAULT, "\x1b[2Jgone")
    result = nap("status", control=Scripted(seen={"standing": [evil]}))
    assert "\x1b" not in result.out
