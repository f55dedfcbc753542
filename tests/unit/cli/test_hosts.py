"""`host inspect`, `label`, `cordon`, `activate`: their words and what they print."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    Drained,
    DrainRequest,
    HostChange,
    HostDetail,
    HostRow,
    Outcome,
)
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change, Line, Plan
from tests.unit.cli.scripted import Scripted, nap, row

ROW = HostRow(
    "h1", "tcp://10.0.0.11:2376", "active", "28.5.2", "linux", "amd64", 3.5, 8 << 30, 2,
    {"zone": "a"}, "swarm manager",
)  # fmt: skip
DETAIL = HostDetail(
    ROW, (row(owner="ada"),), "1.51", -0.25, 0.5, 0, 3, 2, ("ada_shop_data",), 4, 1 << 30
)


@dataclass
class Hosted(Scripted):
    """A Control that has one host."""

    detail: HostDetail = DETAIL

    def host(self, name: str) -> HostDetail:
        self.asked.append(name)
        return self.detail

    def confirm_lost(self, name: str) -> None:
        self.asked.append(("lost", name))

    def change_host(self, change: HostChange) -> None:
        self.asked.append(change)


def test_inspect_shows_a_host_in_a_line_for_each_thing(empty: Path) -> None:
    found = nap("host", "inspect", "h1", control=Hosted())
    assert (found.code, found.err) == (Exit.DONE, "")
    assert found.out == (
        "host      h1\n"
        "state     active\n"
        "endpoint  tcp://10.0.0.11:2376\n"
        "engine    28.5.2 (API 1.51, linux/amd64)\n"
        "cpus      3.5 for replicas, 0.5 kept back\n"
        "memory    8GiB for replicas\n"
        "clock     -0.2 s against this machine's\n"
        "overlay   swarm manager\n"
        "images    4, 1GiB in all\n"
        "networks  2 of nap's\n"
        "volumes   ada_shop_data\n"
        "others    3 containers that aren't nap's\n"
        "labels    zone=a\n"
        "  ada/shop/web.1  running, healthy  nginx:1\n"
    )


def test_inspect_names_what_failed_and_is_kept(empty: Path) -> None:
    kept = replace(DETAIL, failed=("ada_shop-web-1.failed.3f2a91c0",))
    found = nap("host", "inspect", "h1", control=Hosted(detail=kept))
    assert "failed    kept for a look: ada_shop-web-1.failed.3f2a91c0\n" in found.out


def test_inspect_of_a_host_that_is_away(empty: Path) -> None:
    away = HostDetail(HostRow("h1", "tcp://h1:2376", "timeout", problem="no answer within 10 s"))
    found = nap("host", "inspect", "h1", control=Hosted(detail=away))
    assert found.code == Exit.PARTIAL
    assert "host h1: no answer within 10 s" in found.err
    assert (
        json.loads(
            nap("host", "inspect", "h1", "--format", "json", control=Hosted(detail=away)).out
        )["row"]["state"]
        == "timeout"
    )


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        (
            ("label", "h1", "zone=a", "disk-", "empty="),
            [HostChange("h1", labels={"zone": "a", "disk": None, "empty": ""})],
            "h1: zone=a\nh1: no label disk\nh1: empty=\n",
        ),
        (
            ("cordon", "h1", "h2"),
            [HostChange("h1", "cordoned"), HostChange("h2", "cordoned")],
            "h1 is cordoned: nothing new is placed there, what runs there stays\n"
            "h2 is cordoned: nothing new is placed there, what runs there stays\n",
        ),
        (("activate", "h1"), [HostChange("h1", "active")], "h1 is active: it takes replicas\n"),
        (
            ("cordon", "h1", "--dry-run"),
            [HostChange("h1", "cordoned", dry_run=True)],
            "h1 would be cordoned: nothing new is placed there, what runs there stays\n",
        ),
        (
            ("label", "h1", "zone=a", "--dry-run"),
            [HostChange("h1", labels={"zone": "a"}, dry_run=True)],
            "would set h1: zone=a\n",
        ),
        (("uncordon", "h1"), [HostChange("h1", "active")], "h1 is active: it takes replicas\n"),
    ],
)
def test_what_is_set(empty: Path, words: tuple[str, ...], changes: list[Any], said: str) -> None:
    control = Hosted()
    found = nap("host", *words, control=control)
    assert (found.code, found.out, control.asked) == (Exit.DONE, said, changes)


def test_a_person_is_asked_before_a_host_counts_as_lost(empty: Path) -> None:
    control = Hosted()
    found = nap("host", "confirm-lost", "h1", control=control)
    assert (found.code, control.asked) == (Exit.UNANSWERED, [])
    assert "nothing was done. With -y it is so without a question" in found.err
    found = nap("host", "confirm-lost", "h1", "-y", control=control)
    assert (found.code, control.asked) == (Exit.DONE, [("lost", "h1")])
    assert found.out == "h1 is lost: what it shared with others may run elsewhere\n"


@pytest.mark.parametrize(
    "words", [("label", "h1"), ("label", "h1", "zone"), ("label", "h1", "=x"), ("cordon",)]
)
def test_wrong_words(empty: Path, words: tuple[str, ...]) -> None:
    control = Hosted()
    assert nap("host", *words, control=control).code == Exit.WRONG_USE
    assert control.asked == []


def drained(**more: Any) -> Drained:
    plan = Plan(
        "ada", "shop", "ada_shop", 3, "d1", (),
        (Line(Change.MOVE, "web.1", "h1", "h2 is drained", "start-first"),),
    )  # fmt: skip
    note = "db.1 stays on h2, which is drained: h1: volume data is on h2"
    done = Outcome("done", plan, 0, notes=(note,) if more.get("stays") else ())
    return Drained("h2", **{"outcomes": (done,), **more})


@dataclass
class Draining(Hosted):
    """A Control that drains as told."""

    result: Drained = field(default_factory=lambda: Drained("h2"))

    def drain(self, request: DrainRequest, on_event: Any, cancel: Any) -> Drained:
        self.asked.append(request)
        return self.result


def test_drain_says_what_moved_and_what_stays(empty: Path) -> None:
    control = Draining(result=drained())
    found = nap("host", "drain", "h2", "-t", "5s", "--wait-timeout", "1m", control=control)
    assert control.asked == [DrainRequest("h2", 60.0, 5.0)]
    assert (found.code, found.err) == (Exit.DONE, "")
    assert found.out == (
        "shop moved\n"
        "  web  moved on h1 (h2 is drained)\n"
        "h2 is drained: nothing of nap's runs there\n"
    )
    found = nap(
        "host", "drain", "h2", control=Draining(result=drained(stays=("ada/shop/db.1",), foreign=2))
    )
    assert found.code == Exit.NO_ROOM
    assert found.err == (
        "nap: warning: db.1 stays on h2, which is drained: h1: volume data is on h2\n"
        "nap: warning: h2 still has ada/shop/db.1\n"
        "nap: warning: 2 containers on h2 aren't nap's and stay\n"
    )


def test_drain_of_an_empty_host_and_of_one_that_fails(empty: Path) -> None:
    assert nap("host", "drain", "h2", control=Draining()).out == (
        "h2 is drained: nothing of nap's runs there\n"
    )
    failed = drained(failed={"bob/blog": "its lock is held"}, stays=("bob/blog/web.1",))
    found = nap("host", "drain", "h2", "--progress", "json", control=Draining(result=failed))
    assert found.code == Exit.FAILED
    assert json.loads(found.out)["failed"] == {"bob/blog": "its lock is held"}
