"""`nap health`: its words and what it prints."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nap_compose.border import Checkup, HappeningRequest, HealthReport, Target
from nap_compose.clock import written
from nap_compose.exits import Exit
from nap_compose.health.records import ContainerRecord, Happening, HostHealth, HostRecord
from tests.unit.cli.scripted import Scripted, nap

NOW = datetime.now(timezone.utc)
AGO = written(NOW - timedelta(hours=3, minutes=5))
WEB = ContainerRecord(
    "ada", "shop", "web", 1, "h1", "c1", "running", "healthy", since=AGO, revision=3
)
DEAD = replace(WEB, replica=2, host="h2", state="exited", health="none", exit_code=3, restarts=4)
UP = (HostRecord("h1"), HostRecord("h2"))
SILENT = HostRecord("h2", HostHealth.SILENT, "no answer within 10 s", AGO)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as late as when this file was read, however long the tests before took."""
    monkeypatch.setattr(time, "time", NOW.timestamp)


@dataclass
class Kept(Scripted):
    """A Control that has these records."""

    report: HealthReport = field(default_factory=lambda: HealthReport((WEB, DEAD), UP, as_of=AGO))
    checkup: Checkup = field(default_factory=lambda: Checkup(2, 2, (DEAD,), 5, 0.25))
    happened: tuple[Happening, ...] = ()

    def health(self, target: Target) -> HealthReport:
        self.asked.append(target)
        return self.report

    def check_health(self) -> Checkup:
        return self.checkup

    def health_events(self, request: HappeningRequest) -> Sequence[Happening]:
        self.asked.append(request)
        return self.happened


def test_status_is_a_table(empty: Path) -> None:
    found = nap("health", "status", control=Kept())
    assert (found.code, found.err) == (Exit.DONE, "")
    assert found.out == (
        "APP        REPLICA   HOST   STATE        HEALTH    SINCE   RESTARTS   REV\n"
        "ada/shop   web.1     h1     running      healthy   3h      0          3\n"
        "ada/shop   web.2     h2     exited (3)   -         3h      4          3\n"
    )


def test_what_stands_on_a_host_that_is_away_is_unknown(empty: Path) -> None:
    away = HealthReport((replace(WEB, host="h2"),), (UP[0], SILENT), as_of=AGO)
    found = nap("health", "status", control=Kept(report=away))
    assert found.code == Exit.PARTIAL
    assert "unknown   was running, healthy" in found.out
    assert found.err == ("nap: warning: host h2 is silent for 3h: no answer within 10 s\n")


def test_nobody_keeps_watch(empty: Path) -> None:
    stale = HealthReport((WEB,), UP, stale=True, as_of=AGO)
    found = nap("health", "status", "--format", "json", control=Kept(report=stale))
    assert found.code == Exit.PARTIAL
    assert found.err.startswith("nap: warning: nobody keeps watch: last seen 3h ago (nap health w")
    row = json.loads(found.out)
    assert (row["app"], row["replica"], row["state"], row["known"]) == (
        "shop", "web.1", "running", False,
    )  # fmt: skip
    never = nap("health", "status", control=Kept(report=HealthReport((), (), stale=True)))
    assert "never seen" in never.err


def test_check_says_what_it_found(empty: Path) -> None:
    found = nap("health", "check", control=Kept())
    assert (found.code, found.err) == (
        Exit.DONE,
        "nap: warning: ada/shop/web.2 on h2: exited (3)\n",
    )
    assert found.out == "2 containers on 2 hosts, 1 unwell; 5 records written (0.2s)\n"
    away = Kept(checkup=Checkup(1, 1, (), 1, 10.0, (SILENT,)))
    found = nap("health", "check", control=away)
    assert found.code == Exit.PARTIAL
    assert found.out == "1 container on 1 host; 1 record written (10.0s)\n"
    assert found.err == "nap: warning: host h2 was not seen: no answer within 10 s\n"
    told = json.loads(nap("health", "check", "--format", "json", control=away).out)
    assert told["unseen"] == {"h2": "no answer within 10 s"}


def test_events_have_their_time_and_whose_they_are(empty: Path) -> None:
    happened = (
        Happening("2026-01-01T12:00:00.250Z", "host", "h2: up → silent", "h2"),
        Happening(
            "2026-01-01T12:00:01.500Z", "state", "web.1\x1b[2J", "h1", "ada", "shop", "web.1"
        ),
    )
    control = Kept(happened=happened)
    found = nap("health", "events", "--since", "1767268800", "-n", "7", control=control)
    assert found.code == Exit.DONE
    first, second = found.out.splitlines()
    assert first.endswith(":00.250  h2: up → silent")
    assert second.endswith(":01.500  ada/shop: web.1\\x1b[2J")
    (request,) = control.asked
    assert (request.since, request.limit) == ("2026-01-01T12:00:00.000Z", 7)
    lines = nap("health", "events", "--format", "json", control=control).out.splitlines()
    assert json.loads(lines[0])["kind"] == "host"
