"""A removed folder: gone at once, listed, and finished wherever nap was killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nap_compose.storage import removal
from nap_compose.storage.settings import Settings

KEPT = Settings(goal=2, trash=3600, quota=0, files=0)
PARTS = ("ada", "shop", "data")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A storage with one volume in it."""
    base = tmp_path / "nap"
    data = base.joinpath(*PARTS)
    (data / "sub" / "empty").mkdir(parents=True)
    (data / "sub" / "file").write_text("x")
    (data / "sub").chmod(0o700)
    (data / "link").symlink_to("/etc")
    return base


class Killed(BaseException):
    """Stands for a kill at some point."""


def killed_at(name: str, monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """Let the `after`-th next call of an `os` function be the last."""
    real: Callable[..., object] = getattr(os, name)
    left = [after]

    def call(*args: object, **more: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return real(*args, **more)

    monkeypatch.setattr(f"nap_compose.storage.removal.os.{name}", call)


def test_it_goes_and_what_was_in_it_is_listed(base: Path) -> None:
    inode = (base.joinpath(*PARTS) / "sub" / "file").stat().st_ino
    removal.remove(base, PARTS, KEPT)
    assert not base.joinpath(*PARTS).exists()
    assert [each.name.endswith(".list") for each in (base / ".removed").iterdir()] == [True]
    (gone,) = removal.listed(base, whole=True)
    assert (gone.folder, gone.settings) == ("ada/shop/data", KEPT)
    entries = {each.path: each for each in gone.entries}
    assert entries["sub"].mode == 0o700
    assert entries["sub/file"].inode == inode
    assert (entries["link"].kind, entries["link"].target) == ("link", "/etc")
    assert entries["sub/empty"].kind == "folder"
    assert Path("/etc").exists()


@pytest.mark.parametrize(
    ("function", "after"),
    [("rename", 0), ("rename", 1), ("unlink", 0), ("rmdir", 0), ("rmdir", 1), ("stat", 2)],
)
def test_wherever_it_was_cut_off_the_next_one_finishes(
    base: Path, monkeypatch: pytest.MonkeyPatch, function: str, after: int
) -> None:
    with monkeypatch.context() as cut:
        killed_at(function, cut, after)
        with pytest.raises(Killed):
            removal.remove(base, PARTS, KEPT)
    whole = base.joinpath(*PARTS).exists()
    if whole:
        assert (base.joinpath(*PARTS) / "sub" / "file").read_text() == "x"
    removal.finish(base)
    left = sorted(each.name for each in (base / ".removed").iterdir())
    if whole:
        assert left == []
        return
    assert len(left) == 1
    (gone,) = removal.listed(base, whole=True)
    assert {"sub/file", "sub/empty", "link"} <= {entry.path for entry in gone.entries}


def test_what_another_is_at_work_on_is_left_alone(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two volumes of an app are removed at once."""
    real = os.rmdir

    def meanwhile(*args: Any, **more: Any) -> None:
        removal.finish(base)
        real(*args, **more)

    monkeypatch.setattr("nap_compose.storage.removal.os.rmdir", meanwhile)
    removal.remove(base, PARTS, Settings(trash=0))
    (gone,) = removal.listed(base, whole=True)
    assert {"sub/file", "sub/empty", "link"} <= {entry.path for entry in gone.entries}


def test_what_the_trash_no_longer_keeps_is_forgotten(base: Path) -> None:
    removal.remove(base, PARTS, Settings(trash=0))
    removal.finish(base)
    assert removal.listed(base) == []


def test_a_tree_of_any_depth_goes(base: Path) -> None:
    here = os.open(base.joinpath(*PARTS), os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    removal.remove(base, PARTS, KEPT)
    assert [each.name.endswith(".list") for each in (base / ".removed").iterdir()] == [True]


def test_names_that_are_no_text_are_listed(base: Path) -> None:
    name = os.fsencode(base.joinpath(*PARTS)) + b"/\xff\nname"
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    removal.remove(base, PARTS, KEPT)
    (gone,) = removal.listed(base, whole=True)
    assert "\udcff\nname" in {entry.path for entry in gone.entries}
