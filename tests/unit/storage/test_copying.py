"""Whether two volumes hold the same is told from all that is in them, whatever the order."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.storage.copying import digest


def tar(*members: dict[str, Any], piece: int = 700) -> Iterator[bytes]:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in members:
            given = dict(each)
            content = given.pop("content", b"")
            info = tarfile.TarInfo(given.pop("name"))
            for key, value in given.items():
                setattr(info, key, value)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    data = whole.getvalue()
    yield from (data[at : at + piece] for at in range(0, len(data), piece))


FOLDER = {"name": "volume", "type": tarfile.DIRTYPE, "mode": 0o755}
FILE = {"name": "volume/file", "mode": 0o644, "uid": 33, "gid": 44, "content": b"x" * 3000}
LINK = {"name": "volume/link", "type": tarfile.SYMTYPE, "linkname": "/etc"}
HARD = {"name": "volume/hard", "type": tarfile.LNKTYPE, "linkname": "volume/file"}
ALL = (FOLDER, FILE, LINK, HARD)


def test_order_pieces_and_times_make_no_difference() -> None:
    one = digest(tar(*ALL))
    assert digest(tar(FOLDER, LINK, FILE, HARD, piece=11)) == one
    assert digest(tar(*({**each, "mtime": 99} for each in ALL), piece=1 << 20)) == one


@pytest.mark.parametrize(
    "other",
    [
        {**FILE, "content": b"x" * 2999 + b"y"},
        {**FILE, "content": b"x" * 2999},
        {**FILE, "uid": 34},
        {**FILE, "gid": 45},
        {**FILE, "mode": 0o600},
        {**FILE, "name": "volume/File"},
        {**FILE, "pax_headers": {"SCHILY.xattr.user.a": "b"}},
        {**LINK, "name": "volume/file"},
    ],
)
def test_anything_else_does(other: dict[str, Any]) -> None:
    assert digest(tar(FOLDER, other, LINK, HARD)) != digest(tar(*ALL))


def test_what_is_missing_or_twice_does() -> None:
    assert digest(tar(FOLDER, FILE, LINK)) != digest(tar(*ALL))
    assert digest(tar(*ALL, LINK)) != digest(tar(*ALL))
    assert digest(tar({**LINK, "linkname": "/usr"})) != digest(tar(LINK))
