"""An answer in chunks is the same however it was cut up on the way."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster.engine_chunks import Chunks, chunked
from nap_compose.cluster.engine_wire import CutShort, HttpFault


def encoded(parts: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = [
        b"%x%s\r\n%s\r\n" % (len(part), b";name=x" * (n % 3 == 2), part)
        for n, part in enumerate(parts)
    ]
    return b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=300), max_size=12),
    st.sampled_from([b"", b"Digest: x\r\n", b"A: 1\r\nB: 2\r\n"]),
    st.integers(1, 400),
)
def test_cut_up_in_any_way(parts: list[bytes], trailer: bytes, size: int) -> None:
    data = encoded(parts, trailer)
    chunks = Chunks()
    found = b""
    for at in range(0, len(data), size):
        assert not chunks.ended
        found += chunks.add(data[at : at + size])
    assert found == b"".join(parts)
    assert chunks.ended


lines = st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"\r") + b"\n")
"""As in a log. Of ten bytes one's size is a line end itself, in a frame's head."""


@given(st.lists(lines | st.binary(min_size=1, max_size=9), max_size=30), st.integers(1, 400))
def test_lines_in_chunks_of_their_own_and_others_among_them(parts: list[bytes], size: int) -> None:
    data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    chunks = Chunks()
    found = [chunks.add(data[at : at + size]) for at in range(0, len(data), size)]
    assert b"".join(found) == b"".join(parts)
    assert chunks.ended


@given(st.lists(st.tuples(lines, st.integers(-2, 2)), min_size=1, max_size=4))
def test_lines_in_chunks_of_a_wrong_size(parts: list[tuple[bytes, int]]) -> None:
    """What only looks like chunks is taken as it is byte by byte."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(part) + off, part) for part, off in parts)

    def taken(size: int) -> bytes | None:
        chunks, found = Chunks(), b""
        try:
            for at in range(0, len(data), size):
                found += chunks.add(data[at : at + size])
        except HttpFault:
            return None
        return found

    assert taken(len(data)) == taken(1)


@pytest.mark.parametrize("data", [b"no size\r\n", b"-5\r\nabc", b"x" * 5000, b"\r\n"])
def test_what_is_no_http(data: bytes) -> None:
    with pytest.raises(HttpFault):
        Chunks().add(data)


def test_an_answer_that_breaks_off_is_no_end() -> None:
    data = encoded([b"one", b"two"])
    for size in range(len(data)):
        pieces = chunked(io.BytesIO(data[:size]), lambda _: None)
        with pytest.raises(CutShort):
            list(pieces)
    assert b"".join(chunked(io.BytesIO(data), lambda _: None)) == b"onetwo"


def test_what_is_there_comes_at_once_and_nothing_is_waited_for() -> None:
    data = encoded([b"%d\n" % n for n in range(1000)])
    waits: list[bool] = []
    (piece,) = chunked(io.BytesIO(data), waits.append)
    assert piece == b"".join(b"%d\n" % n for n in range(1000))
    assert waits == [False, True]


def test_a_read_that_would_wait_ends_the_piece() -> None:
    class Slow(io.BytesIO):
        def __init__(self, parts: Iterator[bytes]) -> None:
            super().__init__()
            self.parts = parts
            self.waits = True

        def read1(self, size: int | None = -1, /) -> bytes:
            if not self.waits:
                raise BlockingIOError
            return next(self.parts)

    data = encoded([b"one", b"two"])
    slow = Slow(iter([data[:8], data[8:]]))

    def wait(waits: bool) -> None:
        slow.waits = waits

    assert list(chunked(slow, wait)) == [b"one", b"two"]
