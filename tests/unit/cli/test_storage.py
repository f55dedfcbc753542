"""`nap storage`: its words, what it asks for and prints, and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    Listing,
    OneStored,
    Restored,
    ServerRow,
    SetRequest,
    SetUp,
    SetUpPoint,
    StorageStatus,
    StoredRequest,
    StoredRow,
    Target,
)
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap

ROW = StoredRow("ada", "shop", "data", 2, 86400, 10 << 30, 0, 3 << 20, 214, 6 << 20, ("h1", "h2"))
STATUS = StorageStatus(
    "mfsmaster:9421", "3.0.117", 4 << 40, 3 << 40, 1 << 30, 8, 0, 0, 0,
    (ServerRow("10.0.0.11", "h1", True, 1 << 40, 4 << 40, 8),), {"h1": ""}, {}, 60,
)  # fmt: skip


@dataclass
class Stored(Scripted):
    """A Control with one volume on cluster storage."""

    status: StorageStatus = STATUS
    good: bool = True
    row: StoredRow = ROW

    def storage_status(self) -> StorageStatus:
        return self.status

    def stored(self, request: StoredRequest) -> Listing:
        self.asked.append(request)
        return Listing((self.row,), ("host h3 was not seen",))

    def set_stored(self, request: SetRequest) -> StoredRow:
        self.asked.append(request)
        return ROW

    def snapshot(self, request: OneStored) -> str:
        self.asked.append(request)
        return request.snapshot or "now"

    def restore_stored(self, request: OneStored) -> Restored:
        self.asked.append(request)
        return Restored("before-1", 3, 1) if request.removed else Restored("before-1")

    def remove_stored(self, request: OneStored) -> int:
        self.asked.append(request)
        return 3600

    def release_locks(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        return ("/mnt/mfs",)

    def set_up_storage(self, *, change: bool) -> SetUp:
        self.asked.append(change)
        return SetUp((SetUpPoint("the master answers", self.good, "it is off", ("start it",)),))


def run(*words: str, control: Stored | None = None, **more: Any) -> Any:
    return nap("storage", *words, control=control or Stored(), **more)


@pytest.fixture
def control(empty: Path) -> Stored:
    return Stored()


def test_status_says_what_there_is_and_ends_with_what_is_wrong(control: Stored) -> None:
    ended = run("status", control=control)
    assert ended.code == Exit.DONE
    assert "3TiB free of 4TiB" in ended.out
    assert "kept for 60 s" in ended.out
    control.status = replace(STATUS, endangered=3, problems=("3 chunks are endangered",))
    ended = run("status", control=control)
    assert ended.code == Exit.FAILED
    assert "8: 0 missing, 3 endangered, 0 undergoal" in ended.out
    assert "3 chunks are endangered" in ended.err
    assert json.loads(run("status", "--format", "json", control=control).out)["endangered"] == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ls"], StoredRequest(Target())),
        (["ls", "shop"], StoredRequest(Target("shop"))),
        (["ls", "shop/data"], StoredRequest(Target("shop"), "data")),
        (["ls", "eve/shop/data"], StoredRequest(Target("shop", "eve"), "data")),
        (["ls", "--removed"], StoredRequest(Target(), removed=True)),
        (["du", "shop"], StoredRequest(Target("shop"), usage=True)),
        (["orphans"], StoredRequest(Target(), orphans=True)),
    ],
)
def test_what_is_listed(control: Stored, words: list[str], expected: StoredRequest) -> None:
    ended = run(*words, control=control)
    assert ended.code == Exit.DONE
    assert control.asked == [expected]
    assert "h3 was not seen" in ended.err
    assert "ada/shop/data" in ended.out
    (line,) = run(*words, "--format", "json", control=control).out.splitlines()
    assert json.loads(line)["key"] == "data"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["quota", "shop/data"], {}),
        (["quota", "shop/data", "1.5g"], {"quota": 3 << 29}),
        (["quota", "shop/data", "none", "--files", "none"], {"quota": 0, "max_files": 0}),
        (["quota", "shop/data", "--files", "100"], {"max_files": 100}),
        (["goal", "shop/data", "3"], {"goal": 3}),
        (["goal", "shop/data"], {}),
    ],
)
def test_what_is_set(control: Stored, words: list[str], expected: dict[str, int]) -> None:
    ended = run(*words, control=control)
    assert ended.code == Exit.DONE
    assert control.asked == [SetRequest(Target("shop"), "data", **expected)]
    assert "2 copies, 3MiB of 10GiB" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ["quota", "data"],
        ["quota", "a/b/c/d"],
        ["quota", "shop/"],
        ["quota", "/data"],
        ["quota", "shop/data", "much"],
        ["quota", "shop/data", "0"],
        ["quota", "shop/data", "--files", "-1"],
        ["quota", "shop/data", "--files", "٣"],
        ["goal", "shop/data", "0"],
        ["goal", "shop/data", "10"],
        ["rm"],
        ["ls", "a/b/c/d"],
    ],
)
def test_words_that_mean_nothing(control: Stored, words: list[str]) -> None:
    assert run(*words, control=control).code == Exit.WRONG_USE
    assert control.asked == []


def test_snapshots_and_the_way_back(control: Stored) -> None:
    assert "snapshot before" in run("snapshot", "shop/data", "before", control=control).out
    assert "before-1" in run("restore", "shop/data", "before", control=control).out
    ended = run("restore", "shop/data", "--removed", control=control)
    assert (ended.code, "3 files" in ended.out) == (Exit.FAILED, True)
    assert "1 files were no longer" in ended.err
    assert control.asked == [
        OneStored(Target("shop"), "data", "before"),
        OneStored(Target("shop"), "data", "before"),
        OneStored(Target("shop"), "data", removed=True),
    ]


def test_nothing_is_removed_unasked(control: Stored) -> None:
    ended = run("rm", "shop/data", control=control)
    assert (ended.code, control.asked) == (Exit.UNANSWERED, [])
    ended = run("rm", "shop/data", "-y", control=control)
    assert ended.code == Exit.DONE
    assert "restore shop/data --removed" in ended.out
    run("rm", "shop/data", "--snapshot", "old", "-y", control=control)
    assert control.asked[-1] == OneStored(Target("shop"), "data", "old")


def test_init_does_or_only_looks_and_says_what_is_left(control: Stored) -> None:
    assert run("init", control=control).code == Exit.DONE
    control.good = False
    ended = run("init", "--dry-run", control=control)
    assert ended.code == Exit.FAILED
    assert "start it" in ended.out
    assert control.asked == [True, False]


def test_release_names_what_was_ended(control: Stored) -> None:
    assert "/mnt/mfs is ended" in run("release", "h1", control=control).out
    assert control.asked == ["h1"]


def test_names_from_outside_do_nothing_to_the_terminal(control: Stored) -> None:
    control.row = replace(ROW, app="sh\x1b[2Jop")
    assert "\x1b" not in run("ls", control=control).out
