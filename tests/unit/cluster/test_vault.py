"""A vault gives back what was written, and nothing at all of what isn't as it was written."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator

import pytest

from nap_compose.cluster import vault
from nap_compose.cluster.vault import MAGIC, Damaged, Reader, Writer, read_head
from nap_compose.errors import NotAllowed

SECRET = "correct horse battery"
NOISE = random.Random(7)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vault._COST, "n", 1 << 4)
    monkeypatch.setattr(vault, "PIECE", 1000)


def written(*data: bytes) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, SECRET, {"cluster": "lab"})
    for each in data:
        writer.write(each)
    writer.close()
    return file.getvalue()


def read(sealed: bytes, secret: str = SECRET, size: int = 333) -> bytes:
    reader = Reader(io.BytesIO(sealed), secret)
    found = b"".join(iter(lambda: reader.read(size), b""))
    reader.check_end()
    return found


def pieces(sealed: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the pieces, and the pieces."""
    start = len(read_head(io.BytesIO(sealed)).raw)
    step = vault.PIECE + vault._TAG
    return sealed[:start], [sealed[at : at + step] for at in range(start, len(sealed), step)]


@pytest.mark.parametrize("size", [0, 1, 900, 1000, 1001, 5000, 12345])
def test_what_was_written_is_read(size: int) -> None:
    plain = NOISE.randbytes(size)
    sealed = written(plain[: size // 3], plain[size // 3 :])
    assert read(sealed) == plain
    assert plain[:64] not in sealed or size < 8


def test_much_of_the_same_is_read_a_little_at_a_time() -> None:
    plain = b"the same " * 200_000
    sealed = written(plain)
    assert len(sealed) < len(plain) // 20
    reader = Reader(io.BytesIO(sealed), SECRET)
    assert len(reader.read(100)) == 100
    assert len(reader._plain) <= 1000, "what is compressed isn't unpacked ahead of who reads"
    assert read(sealed) == plain


def damages(sealed: bytes) -> Iterator[tuple[str, bytes]]:
    head, parts = pieces(sealed)
    assert len(parts) > 3
    for at in range(0, len(sealed), 97):
        yield f"byte {at}", sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for kept in range(len(parts)):
        yield f"cut after piece {kept}", head + b"".join(parts[:kept])
    for size in (1, 10, 500, 1015):
        yield f"cut by {size}", sealed[:-size]
    yield "exchanged", head + b"".join([parts[1], parts[0], *parts[2:]])
    yield "one left out", head + b"".join([parts[0], *parts[2:]])
    yield "one twice", head + b"".join([parts[0], *parts])
    yield "something after", sealed + b"x"
    yield "itself after", sealed + sealed
    other, theirs = pieces(written(NOISE.randbytes(5000)))
    yield "another's pieces", head + b"".join(theirs)
    yield "another's head", other + b"".join(parts)


def test_what_was_changed_or_cut_is_refused() -> None:
    sealed = written(NOISE.randbytes(5000))
    for what, damaged in damages(sealed):
        with pytest.raises((Damaged, NotAllowed)):
            read(damaged)
            pytest.fail(what)


def test_another_secret_is_told_from_damage() -> None:
    with pytest.raises(NotAllowed, match="isn't the one"):
        read(written(b"x"), "another one altogether")


def test_what_never_was_one() -> None:
    for sealed in (b"", b"PK\x03\x04", MAGIC, MAGIC + b"[]\n", MAGIC + b'{"salt": 1}\n' * 9):
        with pytest.raises(Damaged):
            read(sealed)


def test_what_stands_in_clear() -> None:
    sealed = written(b"password")
    head = read_head(io.BytesIO(sealed))
    assert head.told == {"cluster": "lab"}
    assert set(json.loads(head.raw.splitlines()[1])) == {"cluster", "salt", "check"}
