"""`nap logs` has commands under it: `collect` and `status`."""

import json
import time
from pathlib import Path

import pytest

from nap_compose.border import CollectedHost, CollectedReplica, CollectRequest, Target
from tests.unit.cli.scripted import Scripted, nap, row


def test_each_host_and_what_is_wrong_with_it(empty: Path) -> None:
    at = time.time() + 3600
    hosts = [
        CollectedHost("h1", "here:1", at, 12, lines=1234.4, size=2048.0, behind=0.25),
        CollectedHost("h2", problem="nobody collects its lines"),
    ]
    result = nap("logs", "status", control=Scripted(seen={"collected": hosts}))
    assert result.code == 5
    assert [line.split() for line in result.out.splitlines()] == [
        ["HOST", "COLLECTOR", "CONTAINERS", "LINES/S", "SIZE/S", "BEHIND", "PROBLEM"],
        ["h1", "here:1", "12", "1234", "2KiB", "0.2", "s"],
        ["h2", "-", "-", "-", "-", "-", "nobody", "collects", "its", "lines"],
    ]


def test_a_collector_that_says_nothing(empty: Path) -> None:
    old = CollectedHost("h1", "here:1", time.time() - 310, 12)
    result = nap("logs", "status", control=Scripted(seen={"collected": [old]}))
    assert result.code == 5
    assert "has said nothing for 5m" in result.out


def test_an_app_s_replicas(empty: Path) -> None:
    kept = CollectedReplica(
        "", "shop", "web.1", "h1", "here:1", time.time(), time.time() - 7300, 5, 0.1
    )
    control = Scripted(seen={"collected": [kept]}, rows=[row("web", 1)])
    result = nap("logs", "status", "shop", control=control)
    assert (result.code, control.asked[-1]) == (0, Target("shop"))
    assert result.out.splitlines()[1].split()[:4] == ["web.1", "h1", "2h", "ago"]
    (shown,) = nap("logs", "status", "shop", "--format", "json", control=control).out.splitlines()
    assert json.loads(shown)["subject"] == "web.1"


def test_collecting_tells_beside_the_result(empty: Path) -> None:
    control = Scripted(warnings=("host h1: no route",))
    result = nap("logs", "collect", "--once", control=control)
    assert (result.code, result.out) == (0, "")
    assert result.err == "nap: host h1: no route\n"
    assert control.asked == [CollectRequest(once=True)]


def test_logs_shows_what_else_there_is(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("logs", "--help"), ("help", "logs")):
        out = nap(*words).out or capsys.readouterr().out
        assert "Usage: nap logs [OPTIONS] [TARGET]..." in out
        assert "--grep REGEX" in out
        assert "status" in out.split("Commands:")[1]


def test_an_app_of_such_a_name_is_given_in_another_way(empty: Path) -> None:
    control = Scripted(rows=[row("web", 1)])
    nap("logs", "-p", "status", control=control)
    assert control.asked[-1].target == Target("status")
