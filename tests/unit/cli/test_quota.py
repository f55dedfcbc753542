"""`nap quota`: what it asks for and how it shows what it gets."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from nap_compose.border import Listing, QuotaChange, QuotaRow
from tests.unit.cli.scripted import Scripted, nap

ROWS = (
    QuotaRow("*", "containers", 0, 20, whole=False),
    QuotaRow("ada", "containers", 20, 20),
    QuotaRow("ada", "memory", 1 << 30, None),
    QuotaRow("@staff", "cpus", 1_500_000_000, 4_000_000_000),
)


@dataclass
class Limited(Scripted):
    def quotas(self, subject: str = "") -> Listing:
        self.asked.append(subject)
        return Listing(ROWS, self.warnings)

    def set_quota(self, change: QuotaChange) -> None:
        self.asked.append(change)


def test_a_line_for_each_limit() -> None:
    told = nap("quota", "show", control=Limited())
    assert told.code == 0
    assert [line.split() for line in told.out.splitlines()] == [
        ["WHO", "RESOURCE", "USED", "OF"],
        ["everybody", "containers", "-", "20"],
        ["ada", "containers", "20", "20"],
        ["ada", "memory", "1GiB", "unlimited"],
        ["@staff", "cpus", "1.5", "4"],
    ]
    rows = json.loads(nap("quota", "show", "--format", "json", control=Limited()).out)
    assert rows[3] == {
        "subject": "@staff",
        "resource": "cpus",
        "used": 1_500_000_000,
        "most": 4_000_000_000,
        "whole": True,
    }


def test_what_it_asks_for() -> None:
    control = Limited()
    assert nap("quota", "show", "Ada.L", control=control).code == 0
    assert nap("quota", "show", "@staff", control=control).code == 0
    words = ("containers=20", "cpus=1.5", "memory=8g", "ports=unlimited")
    assert nap("quota", "set", "ada", *words, control=control).code == 0
    nap("quota", "set", "everybody", "volumes=3", control=control)
    nap("quota", "unset", "@staff", "cpus", "memory", control=control)
    wanted = {"containers": 20, "cpus": 1_500_000_000, "memory": 8 << 30, "ports": -1}
    assert control.asked == [
        "ada-2el",
        "@staff",
        QuotaChange("ada", wanted),
        QuotaChange("*", {"volumes": 3}),
        QuotaChange("@staff", {"cpus": None, "memory": None}),
    ]


@pytest.mark.parametrize("word", ["containers", "disks=3", "cpus=many", "memory=", "=3"])
def test_what_is_no_limit(word: str) -> None:
    control = Limited()
    told = nap("quota", "set", "ada", word, control=control)
    assert told.code == 2 and "containers=20" in told.err
    assert nap("quota", "unset", "ada", "disks", control=control).code == 2
    assert control.asked == []
