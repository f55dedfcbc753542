"""Nothing that an app can put into a volume leads nap out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nap_compose.errors import NapError
from nap_compose.storage import folders
from nap_compose.storage.folders import parts_of


@pytest.mark.parametrize(
    "bad",
    ["", "..", "ada/..", "ada/../eve", "/etc", "ada//data", "ada/./data", "ada/da\0ta", "a" * 256],
)
def test_only_downwards(bad: str) -> None:
    with pytest.raises(NapError, match="no folder of the cluster storage"):
        parts_of(bad)


def test_ordinary_names() -> None:
    assert parts_of("ada/shop/my.data-1") == ("ada", "shop", "my.data-1")
    assert parts_of("ada/shop/..hidden") == ("ada", "shop", "..hidden")


def test_folders_are_made_on_the_way_with_the_permissions_asked(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with folders.opened(tmp_path, ["a", "b"], make=0o711):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o711
    assert folders.names(tmp_path, ["a"]) == ["b"]


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "secret").mkdir(parents=True)
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(outside)
    assert not folders.exists(base, ["link"])
    assert not folders.exists(base, ["link", "secret"])
    assert folders.names(base, []) == []
    assert folders.names(base, ["link"]) == []
    with pytest.raises(OSError), folders.opened(base, ["link", "new"], make=0o755):
        pass
    assert not (outside / "new").exists()


def test_only_an_empty_folder_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "empty").mkdir()
    assert not folders.drop_empty(tmp_path, ["full"])
    assert folders.drop_empty(tmp_path, ["empty"])
    assert folders.drop_empty(tmp_path, ["never was"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["full"]
