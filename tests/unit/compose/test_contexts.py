"""A build's context as a tar: what is in it, and how it stays the same for the same files."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.contexts import context_of, pack
from nap_compose.compose.model import Service
from nap_compose.errors import BadFile, NapError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "sub").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "sub" / "big").write_bytes(os.urandom(700_000))
    (folder / "link").symlink_to("sub/big")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o4755)
    return folder


def packed(folder: Path, **build: Any) -> dict[str, tarfile.TarInfo]:
    """The members of a service's context, by name; read as any program would."""
    with tarfile.open(fileobj=io.BytesIO(whole(folder, **build))) as archive:
        return {member.name: member for member in archive.getmembers()}


def content(folder: Path, name: str, **build: Any) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(whole(folder, **build))) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def whole(folder: Path, **build: Any) -> bytes:
    return b"".join(pack(service(folder, **build)))


def service(folder: Path | str, **build: Any) -> Service:
    return Service.of("web", {"build": {"context": str(folder), **build}})


def test_the_folder_as_it_is_but_owned_by_root(folder: Path) -> None:
    members = packed(folder)
    assert list(members) == ["Dockerfile", "link", "run", "sub", "sub/big"]
    assert {(each.uid, each.gid) for each in members.values()} == {(0, 0)}
    assert (members["link"].type, members["link"].linkname) == (tarfile.SYMTYPE, "sub/big")
    assert members["run"].mode == 0o4755
    assert members["sub"].isdir()
    assert content(folder, "sub/big") == (folder / "sub/big").read_bytes()
    assert whole(folder) == whole(folder)


def test_what_is_ignored_stays_but_for_what_the_builder_needs(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*\n!run\n")
    assert list(packed(folder)) == [".dockerignore", "Dockerfile", "run"]
    (folder / ".dockerignore").write_text("sub\n")
    assert "sub" not in packed(folder)


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(folder: Path) -> None:
    (folder / "Other").write_text("FROM scratch\n")
    (folder / "Other.dockerignore").write_text("run\n")
    assert "run" not in packed(folder, dockerfile="Other")
    assert "run" in packed(folder)


def test_a_dockerfile_that_is_not_in_the_folder_goes_along_unseen(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "Elsewhere").write_text("FROM elsewhere\n")
    for build, text in (
        ({"dockerfile": "../Elsewhere"}, b"FROM elsewhere\n"),
        ({"dockerfile_inline": "FROM inline\n"}, b"FROM inline\n"),
    ):
        name = context_of(service(folder, **build)).dockerfile
        assert name.startswith(".dockerfile.nap-")
        assert content(folder, name, **build) == text
        ignored = content(folder, ".dockerignore", **build).decode().split()
        assert ignored == [".dockerignore", name]
        assert name == context_of(service(folder, **build)).dockerfile
    (folder / ".dockerignore").write_text("run")
    name = context_of(service(folder, dockerfile_inline="FROM a")).dockerfile
    ignored = content(folder, ".dockerignore", dockerfile_inline="FROM a").decode().split()
    assert ignored == ["run", name]


def test_a_url_is_no_folder() -> None:
    where = context_of(service("https://example.com/a.git#main", dockerfile="D"))
    assert (where.remote, where.dockerfile) == ("https://example.com/a.git#main", "D")


@pytest.mark.parametrize(
    ("build", "said", "path"),
    [
        ({"context": "/nowhere"}, "the build context /nowhere is no folder", ("context",)),
        ({"dockerfile": "None"}, "there is no Dockerfile", ("dockerfile",)),
        ({"dockerfile": "../None"}, "can't be read: No such file", ("dockerfile",)),
    ],
)
def test_what_is_not_there_is_told_with_its_place(
    folder: Path, build: dict[str, Any], said: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(BadFile, match=said) as told:
        whole(folder, **build)
    assert told.value.path == ("services", "web", "build", *path)


def test_a_bad_ignore_file_is_told(folder: Path) -> None:
    (folder / ".dockerignore").write_text("[a\n")
    with pytest.raises(BadFile, match=r"\.dockerignore: '\[a' has a \[ without its \]"):
        whole(folder)


def test_a_file_that_shrinks_meanwhile_is_told(folder: Path) -> None:
    pieces: Iterator[bytes] = pack(service(folder))
    with pytest.raises(NapError, match="became shorter while it was read"):
        for piece in pieces:
            if len(piece) > 100_000:
                (folder / "sub" / "big").write_bytes(b"short")
