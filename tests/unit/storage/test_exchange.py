"""One folder in place of another: wherever nap is killed, one of them is there, whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nap_compose.storage import exchange

PLACE = ("ada", "shop", "data")
ASIDE = ("ada", ".snapshots", "shop", "data", "before")


class Killed(BaseException):
    """Stands for a kill at some point."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A storage with a volume, and another made ready."""
    for folder, text in ((tmp_path.joinpath(*PLACE), "old"), (tmp_path / ".new" / "n1", "new")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
    return tmp_path


def told(base: Path, parts: tuple[str, ...]) -> str:
    file = base.joinpath(*parts) / "file"
    return file.read_text() if file.exists() else ""


def test_it_takes_the_place_and_what_was_there_is_kept(base: Path) -> None:
    exchange.exchange(base, "n1", PLACE, ASIDE)
    assert (told(base, PLACE), told(base, ASIDE)) == ("new", "old")
    assert list((base / ".new").iterdir()) == []


def test_where_nothing_is_nothing_is_kept(base: Path) -> None:
    (base.joinpath(*PLACE) / "file").unlink()
    base.joinpath(*PLACE).rmdir()
    exchange.exchange(base, "n1", PLACE, ASIDE)
    assert told(base, PLACE) == "new"
    assert not base.joinpath(*ASIDE).exists()


@pytest.mark.parametrize(
    ("function", "after"),
    [("open", 0), ("open", 1), ("fsync", 0), ("rename", 0), ("rename", 1), ("unlink", 0)],
)
def test_what_was_cut_off_is_finished(
    base: Path, monkeypatch: pytest.MonkeyPatch, function: str, after: int
) -> None:
    real = getattr(os, function)
    left = [after]

    def call(*args: object, **more: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return real(*args, **more)

    with monkeypatch.context() as cut:
        cut.setattr(f"nap_compose.storage.exchange.os.{function}", call)
        with pytest.raises(Killed):
            exchange.exchange(base, "n1", PLACE, ASIDE)
    exchange.finish(base)
    now = told(base, PLACE)
    assert now in ("old", "new")
    assert told(base, ASIDE) == ("old" if now == "new" else "")
    assert [each for each in (base / ".new").iterdir() if each.suffix == ".intent"] == []


def test_a_place_that_is_taken_is_left_alone(base: Path) -> None:
    assert not exchange.move_in(base, "n1", PLACE)
    assert told(base, PLACE) == "old"
    assert exchange.move_in(base, "n1", ("ada", "shop", "more"))
    assert told(base, ("ada", "shop", "more")) == "new"
