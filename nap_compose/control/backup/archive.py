"""An archive's members: a tar within a vault, with a manifest of all of them at its end.

Nothing in it is ever unpacked by its own word: who reads gets each member's name and bytes, checked
against the manifest, and says where they go.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, cast

from nap_compose.cluster.vault import Damaged, Head, Reader, Sink, Writer, read_head
from nap_compose.control.backup.counting import JustSo
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

FORMAT = 1
ABOUT = "about.json"
MANIFEST = "manifest.json"
FILES, STATE, RECORDS, LATE, LOGS = "files/", "state/", "records/", "late/", "logs/"
"""What the members of each part are called."""

PIECE = 4 << 20
"""Bytes of a member that is one of many of a stream whose length isn't known before its end."""
_BLOCK = 1 << 18
_NAME = re.compile(r"(files|state|records|late|logs)(/[^/\0]+)+")


@dataclass(frozen=True)
class About:
    """What an archive is of: the `cluster` (empty: the local engine), when it was `made`, by which
    `nap`; `file` is the cluster file's path (empty: there is none), `state_dir` where nap keeps
    what it has on disk itself."""

    cluster: str
    made: str
    nap: str
    file: str
    state_dir: str
    format: int = FORMAT


@dataclass(frozen=True)
class Member:
    """One of an archive's members: its name, its size in bytes, its permissions, and the SHA-256
    of what it holds."""

    name: str
    size: int
    mode: int
    digest: str


class Packing:
    """Writes an archive. What isn't closed well is none."""

    def __init__(self, target: Sink, secret: str, about: About) -> None:
        self._vault = Writer(target, secret, {"cluster": about.cluster, "made": about.made})
        stream = cast("IO[bytes]", self._vault)
        self._tar = tarfile.open(fileobj=stream, mode="w|")  # noqa: SIM115 - see `close`
        self._members: list[list[object]] = []
        self._add_bytes(ABOUT, json.dumps(about.__dict__).encode(), 0o600)

    def file(self, name: str, path: Path) -> None:
        """A file as it is now; one that grows meanwhile is taken as far as it went."""
        with path.open("rb") as file:
            status = path.stat()
            self._add(name, file, status.st_size, status.st_mode & 0o777)

    def stream(self, name: str, pieces: Iterable[bytes]) -> int:
        """What comes in pieces, as members `NAME000000` and so on; gives how many there are."""
        number, rest = 0, bytearray()
        for piece in pieces:
            rest += piece
            while len(rest) >= PIECE:
                self._add_bytes(f"{name}{number:06d}", bytes(rest[:PIECE]), 0o600)
                del rest[:PIECE]
                number += 1
        if rest:
            self._add_bytes(f"{name}{number:06d}", bytes(rest), 0o600)
            number += 1
        return number

    def close(self) -> None:
        """Write the manifest, and the end."""
        text = json.dumps({"members": self._members}, separators=(",", ":")).encode()
        self._add_bytes(MANIFEST, text, 0o600)
        self._tar.close()
        self._vault.close()

    def _add_bytes(self, name: str, data: bytes, mode: int) -> None:
        self._add(name, io.BytesIO(data), len(data), mode)

    def _add(self, name: str, file: IO[bytes], size: int, mode: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, mode
        counted = JustSo(file, size)
        self._tar.addfile(info, cast("IO[bytes]", counted))
        cast("Any", self._tar).members.clear()  # which it keeps, one for each file, for nobody
        self._members.append([name, size, mode, counted.digest.hexdigest()])


class Unpacking:
    """Reads an archive from its beginning to its end. Raises Damaged, NotAllowed."""

    def __init__(self, source: BinaryIO, secret: str) -> None:
        self._vault = Reader(source, secret)
        self._seen: list[Member] = []
        try:
            stream = cast("IO[bytes]", self._vault)
            self._tar = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115 - see `__exit__`
        except tarfile.TarError:
            raise Damaged("the archive holds nothing that nap wrote") from None
        info = self._next()
        if info is None or info.name != ABOUT:
            raise Damaged("the archive doesn't say what it is of")
        self.about = _about(json.loads(b"".join(self._content(info))))

    def __enter__(self) -> Unpacking:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()

    def members(self) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """Name, permissions and bytes of each member; at the end all are held against the
        manifest. Bytes that aren't asked for are read all the same."""
        while (info := self._next()) is not None:
            content = self._content(info)
            if info.name == MANIFEST:
                self._check(json.loads(b"".join(content)))
                return
            if not _NAME.fullmatch(info.name) or ".." in info.name.split("/"):
                raise Damaged("the archive holds something that nap didn't write")
            # What has no `close`: who stops reading doesn't end it, the loop below reads on.
            yield info.name, info.mode, map(bytes, content)
            for _ in content:
                pass
        raise Damaged("the archive's manifest is missing")

    def _next(self) -> tarfile.TarInfo | None:
        try:
            info = self._tar.next()
        except tarfile.TarError:
            raise Damaged("the archive is damaged within") from None
        cast("Any", self._tar).members.clear()
        if info is not None and not info.isreg():
            raise Damaged("the archive holds something that nap didn't write")
        return info

    def _content(self, info: tarfile.TarInfo) -> Iterator[bytes]:
        """What a member holds, a block at a time."""
        file = self._tar.extractfile(info)
        if file is None:
            raise Damaged("the archive is damaged within")
        digest = hashlib.sha256()
        while data := file.read(_BLOCK):
            digest.update(data)
            yield data
        self._seen.append(Member(info.name, info.size, info.mode, digest.hexdigest()))

    def _check(self, manifest: Mapping[str, Any]) -> None:
        told = [Member(*each) for each in manifest["members"]]
        if told != self._seen[:-1]:
            raise Damaged("the archive isn't what its manifest says")
        self._vault.check_end()


def head_of(source: BinaryIO) -> Head:
    """What an archive says in clear: `cluster` and `made`."""
    return read_head(source)


def _about(told: Mapping[str, Any]) -> About:
    if int(told.get("format", 0)) > FORMAT:
        raise NapError(
            f"the backup was made by a newer nap ({told.get('nap')})",
            hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
        )
    return About(**{name: told[name] for name in About.__dataclass_fields__})
