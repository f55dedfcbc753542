"""A build's context: the folder that an image is made of, as one tar stream.

Owners are root's and times are kept, as with the classic builder's own client, so that a folder
which hasn't changed is the same to the builder's cache. Links are kept as links, and sockets left
out. Nothing is ever whole in memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nap_compose.compose.dockerignore import Ignore, read_patterns
from nap_compose.compose.model import Json, Service
from nap_compose.compose.paths import is_remote
from nap_compose.errors import BadFile, NapError

_PIECE = 1 << 18
_IGNORE = ".dockerignore"
_ADDED = ".dockerfile.nap-"
"""Begins the name of a Dockerfile that isn't in the folder; the name's end is its digest."""


class Context(NamedTuple):
    """What a service's image is built from.

    `remote` is a URL that the builder itself fetches, and nothing is packed then; `dockerfile` is
    the Dockerfile's name in the context.
    """

    service: str
    remote: str
    dockerfile: str


def context_of(service: Service) -> Context:
    """Where the context of a service with a `build:` is, told without reading its files."""
    build = service.spec["build"]
    folder = str(build.get("context") or "")
    if is_remote(folder):
        return Context(service.name, folder, str(build.get("dockerfile") or ""))
    return Context(service.name, "", _dockerfile(service.name, build)[0])


def pack(service: Service) -> Iterator[bytes]:
    """The context as a tar, in pieces.

    Raises BadFile, with the path in the document, where the folder, its Dockerfile or its
    `.dockerignore` can't be read, and NapError where a file changes meanwhile.
    """
    build = service.spec["build"]
    path = ("services", service.name, "build")
    folder = Path(str(build.get("context") or "."))
    if not folder.is_dir():
        raise BadFile(f"the build context {folder} is no folder", path=(*path, "context"))
    name, text = _dockerfile(service.name, build)
    if not text and not (folder / name).is_file():
        raise BadFile(
            f"there is no Dockerfile {folder / name}",
            hint="`dockerfile:` says which one, relative to the context",
            path=(*path, "dockerfile") if build.get("dockerfile") else path,
        )
    patterns, ignored = _patterns(folder, name, path)
    wanted = _IGNORE, *(() if text else (name,))
    ignore = Ignore(patterns)
    # The builder wants these, whatever they say of themselves.
    ignore = Ignore([*patterns, *(f"!{each}" for each in wanted if ignore.leaves_out(each))])
    if text:
        ignored += f"\n{name}\n" if ignored else f"{_IGNORE}\n{name}\n"
    for each in _walk(folder, ignore):
        if not (text and each.path == _IGNORE):
            yield from _packed(each, folder)
    if text:
        yield from _in_memory(name, text)
        yield from _in_memory(_IGNORE, ignored.encode())
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


class _Found(NamedTuple):
    path: str
    state: os.stat_result


def _dockerfile(service: str, build: Json) -> tuple[str, bytes]:
    """The Dockerfile's name in the context; and its content where it isn't there by itself."""
    folder = Path(str(build.get("context") or "."))
    text = build.get("dockerfile_inline")
    if text is None:
        named = os.path.normpath(folder / str(build.get("dockerfile") or "Dockerfile"))
        inside = os.path.relpath(named, folder)
        if not inside.startswith(".."):
            return inside, b""
        try:
            content = Path(named).read_bytes()
        except OSError as error:
            raise BadFile(
                f"the Dockerfile {named} can't be read: {error.strerror}",
                path=("services", service, "build", "dockerfile"),
            ) from None
    else:
        content = str(text).encode()
    return _ADDED + hashlib.sha256(content).hexdigest()[:16], content or b"\n"


def _patterns(folder: Path, name: str, path: tuple[str, ...]) -> tuple[list[str], str]:
    """The patterns that hold, and the text that they stand in. A Dockerfile may have its own."""
    for file in (folder / f"{name}{_IGNORE}", folder / _IGNORE):
        try:
            text = file.read_text(errors="surrogateescape")
            return read_patterns(text), text
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            said = f"{file} can't be read: {error.strerror}"
            raise BadFile(said, path=(*path, "context")) from None
        except ValueError as error:
            raise BadFile(f"{file}: {error}", path=(*path, "context")) from None
    return [], ""


def _walk(folder: Path, ignore: Ignore, below: str = "") -> Iterator[_Found]:
    try:
        with os.scandir(folder / below) as listing:
            names = sorted(each.name for each in listing)
    except OSError as error:
        raise _unreadable(folder / below, error) from None
    for name in names:
        path = f"{below}/{name}" if below else name
        try:
            state = (folder / path).lstat()
        except OSError as error:
            raise _unreadable(folder / path, error) from None
        left_out = ignore.leaves_out(path)
        if not (left_out or stat.S_ISSOCK(state.st_mode)):
            yield _Found(path, state)
        if stat.S_ISDIR(state.st_mode) and not (left_out and not ignore.may_hold(path)):
            yield from _walk(folder, ignore, path)


def _packed(found: _Found, folder: Path) -> Iterator[bytes]:
    path, state = found
    head = tarfile.TarInfo(path)
    head.mode = stat.S_IMODE(state.st_mode)
    head.mtime = int(state.st_mtime)
    kind = stat.S_IFMT(state.st_mode)
    if kind == stat.S_IFREG:
        head.size = state.st_size
        yield _head(head)
        yield from _content(folder / path, state.st_size)
        return
    if kind == stat.S_IFDIR:
        head.type = tarfile.DIRTYPE
    elif kind == stat.S_IFLNK:
        head.type = tarfile.SYMTYPE
        head.linkname = str((folder / path).readlink())
    elif kind == stat.S_IFIFO:
        head.type = tarfile.FIFOTYPE
    else:
        head.type = tarfile.CHRTYPE if kind == stat.S_IFCHR else tarfile.BLKTYPE
        head.devmajor, head.devminor = os.major(state.st_rdev), os.minor(state.st_rdev)
    yield _head(head)


def _content(file: Path, size: int) -> Iterator[bytes]:
    left = size
    try:
        with file.open("rb") as source:
            while left:
                piece = source.read(min(_PIECE, left))
                if not piece:
                    raise NapError(
                        f"{file} became shorter while it was read", hint="run the command again"
                    )
                left -= len(piece)
                yield piece
    except OSError as error:
        raise _unreadable(file, error) from None
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


def _in_memory(path: str, content: bytes) -> Iterator[bytes]:
    head = tarfile.TarInfo(path)
    head.size, head.mode = len(content), 0o644
    yield _head(head)
    yield io.BytesIO(content).getvalue() + b"\0" * (-len(content) % tarfile.BLOCKSIZE)


def _head(head: tarfile.TarInfo) -> bytes:
    return head.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _unreadable(path: Path, error: OSError) -> BadFile:
    return BadFile(f"{path} can't be read, and the build needs it: {error.strerror}")
