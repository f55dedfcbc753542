"""Tar streams packed and unpacked here: nothing lost, and nothing created outside of the folder."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.cli.archives.pack import pack, retarred
from nap_compose.cli.archives.unpack import unpack
from nap_compose.errors import NapError


def cut(data: bytes, size: int = 700) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def packed(path: Path, name: str, **more: Any) -> bytes:
    return b"".join(pack(path, name, follow=more.get("follow", False), warn=more.get("warn", no)))


def no(sentence: str) -> None:
    raise AssertionError(f"nobody expected: {sentence}")


def names(tar: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getnames()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "sub" / "empty").mkdir(parents=True)
    (tree / "a").write_bytes(b"a" * 1000)
    (tree / "sub" / "ä b").write_text("text")
    (tree / "sub" / "up").symlink_to("../a")
    (tree / "run").write_text("#!/bin/sh\n")
    (tree / "run").chmod(0o755)
    os.utime(tree / "a", (1_600_000_000, 1_600_000_000))
    return tree


def look(root: Path) -> dict[str, tuple[str, int, object]]:
    """All that is below a folder: kind, rights, and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content: object = None
        if stat.S_ISLNK(mode):
            content = path.readlink()
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (stat.filemode(mode)[0], mode & 0o7777, content)
    return found


@pytest.mark.parametrize("size", [1, 511, 512, 100_000])
def test_what_was_packed_comes_out_the_same(tree: Path, tmp_path: Path, size: int) -> None:
    done = unpack(cut(packed(tree, "tree"), size), tmp_path, "copy")
    assert look(tmp_path / "copy") == look(tree)
    assert done.left_out == []
    assert done.size == 1000 + 4 + 10
    assert (tmp_path / "copy" / "a").stat().st_mtime == 1_600_000_000


def test_a_folder_s_contents_alone(tree: Path, tmp_path: Path) -> None:
    assert "tree" not in names(packed(tree, ""))
    into = tmp_path / "into"
    into.mkdir()
    (into / "kept").write_text("here before")
    unpack(cut(packed(tree, "whatever")), into, "")
    assert set(look(into)) == {"kept", *look(tree)}


def test_one_file_under_another_name(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old and longer than the new one")
    unpack(cut(packed(tree / "sub" / "ä b", "x")), tmp_path, "there")
    assert (tmp_path / "there").read_text() == "text"


def test_a_link_is_followed_only_where_that_is_asked(tree: Path) -> None:
    link = tree / "sub" / "up"
    with tarfile.open(fileobj=io.BytesIO(packed(link, "up"))) as archive:
        assert archive.getmember("up").linkname == "../a"
    with tarfile.open(fileobj=io.BytesIO(packed(link, "up", follow=True))) as archive:
        assert archive.getmember("up").size == 1000


def test_a_pipe_is_left_out_and_told(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    told: list[str] = []
    assert "tree/pipe" not in names(packed(tree, "tree", warn=told.append))
    assert told == [f"{tree}/pipe is neither file, folder nor link, and was left out"]


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(bytes(5 << 20))
    pieces = pack(file, "log", follow=False, warn=no)
    next(pieces)
    next(pieces)
    os.truncate(file, 0)
    with pytest.raises(NapError, match="became shorter"):
        list(pieces)


def test_what_isn_t_there(tmp_path: Path) -> None:
    with pytest.raises(NapError, match="can't be read: No such file"):
        packed(tmp_path / "none", "none")


def test_a_stream_under_another_name(tree: Path) -> None:
    tar = b"".join(retarred(cut(packed(tree, "tree")), "other"))
    assert {name.split("/")[0] for name in names(tar)} == {"other"}
    inside = b"".join(retarred(cut(packed(tree, "tree")), ""))
    assert sorted(names(inside)) == sorted(names(packed(tree, "")))


def test_size_costs_no_memory(tmp_path: Path) -> None:
    size = 64 << 20
    (tmp_path / "big").write_bytes(b"")
    os.truncate(tmp_path / "big", size)
    tracemalloc.start()
    try:
        done = unpack(pack(tmp_path / "big", "big", follow=False, warn=no), tmp_path, "copy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.size == size
    assert peak < 16 << 20


# -- streams of somebody who means no good


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    content = fields.pop("content", b"evil" if kind == tarfile.REGTYPE else b"")
    member = tarfile.TarInfo(name)
    member.type, member.size, member.mode = kind, len(content), 0o644
    for key, value in fields.items():
        setattr(member, key, value)
    return member, content


def hostile(*entries: tuple[tarfile.TarInfo, bytes]) -> Iterator[bytes]:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        top = tarfile.TarInfo("top")
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        for member, content in entries:
            archive.addfile(member, io.BytesIO(content))
    return cut(whole.getvalue())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where it is unpacked; beside it lies what nobody may touch."""
    (tmp_path / "secret").write_text("mine")
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.mark.parametrize(
    "bad",
    [
        entry("top/../../secret"),
        entry("../secret"),
        entry("top/a/../../../secret"),
        entry("top/link", tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("top/link", tarfile.SYMTYPE, linkname="../secret"),
        entry("top/link", tarfile.SYMTYPE, linkname="a/../../secret"),
        entry("top/hard", tarfile.LNKTYPE, linkname="../secret"),
        entry("top/hard", tarfile.LNKTYPE, linkname="top/none"),
        entry("top/null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        entry("top/disk", tarfile.BLKTYPE, devmajor=8),
        entry("top/pipe", tarfile.FIFOTYPE),
        entry("top/deep/file"),
    ],
)
def test_what_is_left_out(home: Path, bad: tuple[tarfile.TarInfo, bytes]) -> None:
    done = unpack(hostile(bad, entry("top/good")), home, "here")
    assert len(done.left_out) == 1
    assert set(look(home)) == {"here", "here/good"}
    assert (home.parent / "secret").read_text() == "mine"
    assert {path.name for path in home.parent.iterdir()} == {"home", "secret"}


def test_nothing_is_written_through_a_link_that_came_before(home: Path) -> None:
    done = unpack(
        hostile(
            entry("top/inner", tarfile.DIRTYPE, mode=0o755),
            entry("top/way", tarfile.SYMTYPE, linkname="inner"),
            entry("top/way/file"),
            entry("top/inner/file", content=b"good"),
            entry("top/alias", tarfile.SYMTYPE, linkname="inner/file"),
            entry("top/alias"),
        ),
        home,
        "here",
    )
    assert done.left_out == ["top/way/file: way on its way is a link or no folder"]
    assert (home / "here" / "inner" / "file").read_bytes() == b"good"
    assert not (home / "here" / "alias").is_symlink()


def test_nothing_is_written_through_a_link_that_lay_there(home: Path) -> None:
    (home / "here").mkdir()
    (home / "here" / "way").symlink_to(home.parent)
    (home / "here" / "file").symlink_to(home.parent / "secret")
    done = unpack(hostile(entry("top/way/secret"), entry("top/file")), home, "here")
    assert len(done.left_out) == 1
    assert (home.parent / "secret").read_text() == "mine"
    assert (home / "here" / "file").read_bytes() == b"evil"


def test_setuid_and_the_like_are_dropped(home: Path) -> None:
    unpack(
        hostile(
            entry("top/tool", mode=0o6755),
            entry("top/shared", tarfile.DIRTYPE, mode=0o3777),
        ),
        home,
        "here",
    )
    modes = {name: mode for name, (_, mode, _) in look(home).items()}
    assert modes == {"here": 0o755, "here/tool": 0o755, "here/shared": 0o777}


def test_a_folder_that_nobody_may_read_is_still_filled(home: Path) -> None:
    stream = hostile(entry("top/shut", tarfile.DIRTYPE, mode=0), entry("top/shut/file"))
    unpack(stream, home, "here")
    assert stat.S_IMODE((home / "here" / "shut").stat().st_mode) == 0
    (home / "here" / "shut").chmod(0o700)
    assert (home / "here" / "shut" / "file").read_bytes() == b"evil"


def test_no_folder_makes_room_for_a_file(home: Path) -> None:
    (home / "here" / "data").mkdir(parents=True)
    done = unpack(hostile(entry("top/data")), home, "here")
    assert len(done.left_out) == 1
    assert (home / "here" / "data").is_dir()


@pytest.mark.parametrize("garbage", [b"no tar at all" * 100, b"\0" * 100, b""])
def test_what_is_no_tar(home: Path, garbage: bytes) -> None:
    with pytest.raises(NapError, match="no tar stream"):
        unpack(cut(garbage), home, "here")


def test_a_stream_that_breaks_off(home: Path) -> None:
    whole = b"".join(hostile(entry("top/file", content=b"x" * 10_000)))
    with pytest.raises(NapError, match="no tar stream"):
        unpack(cut(whole[:3000]), home, "here")
