"""Many lines at once are the same as one by one: what is shown, and what is read again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.border import LogLines
from nap_compose.cli.output.loglines import Printer, as_json
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.targets import Aim
from nap_compose.cluster.engine import Engine
from nap_compose.cluster.engine_chunks import Chunks
from nap_compose.cluster.engine_logs import Line, framed_batches, raw_batches
from nap_compose.logs.block import Batch, Block
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.merge import in_order
from nap_compose.logs.stamps import PIECE
from tests.unit.logs.scripted import container, stamp

START = 1_700_000_000_000_000_000
WEB, DB = container("web.1", "h1"), container("db.2", "h2")

PLAIN = st.sampled_from([b"GET / 200", b"a line as long as they are", b"", b" ", b"x", b"{}"])
ODD = st.sampled_from(
    [
        b"return\r", b"bar\r bar\r", b"\r", b"\xff\xfe binary \x00", "grüße 🚢".encode(),
        b"\x1b[31mred\x1b[0m\ttab", b"\x1b[2J", b"x" * (PIECE - 32), b"y" * (PIECE + 5),
        b"z" * 2 * PIECE, stamp(START) + b" ", "\u202e".encode(), b"\xc3",
    ]
)  # fmt: skip
STEPS = st.sampled_from([0, 0, 0, 1, 17, 10**9, 3600 * 10**9, -5 * 10**9])
"""From line to line; a clock may be set back."""

printed = st.lists(
    st.tuples(STEPS, st.sampled_from("ooooe"), PLAIN | PLAIN | ODD, st.sampled_from("lllllnum")),
    max_size=60,
)
"""Lines: how much later than the one before, the stream, the text, and how it comes: as a line of
its own, without a line end, unstamped, or with the next one in its frame."""
cuts = st.lists(st.integers(1, 700), min_size=1, max_size=8)


def pieces_of(text: bytes) -> Iterator[bytes]:
    """A long line as the engine keeps it."""
    yield from (text[at : at + PIECE] for at in range(0, max(len(text), 1), PIECE))


def framed(lines: Iterable[tuple[int, str, bytes, str]]) -> bytes:
    """What an engine sends of a container without a terminal."""
    at, held, sent = START, b"", []
    for step, stream, text, how in lines:
        at += step
        for piece in pieces_of(text):
            whole = piece is text or len(piece) < PIECE
            payload = (b"" if how == "u" else stamp(at) + b" ") + piece
            payload += b"\n" if whole and how != "n" else b""
            if how == "m" and whole:
                held += payload
                continue
            payload, held = held + payload, b""
            sent.append(bytes([1 + (stream == "e"), 0, 0, 0]) + len(payload).to_bytes(4, "big"))
            sent[-1] += payload
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in sent) + b"0\r\n\r\n"


def on_a_terminal(lines: Iterable[tuple[int, str, bytes, str]]) -> bytes:
    """What an engine sends of a container with one: one stream, all lines with a return."""
    at, sent = START, []
    for step, _, text, how in lines:
        at += step
        pieces = [stamp(at) + b" " + piece for piece in pieces_of(text)]
        sent.append(b"".join(pieces) + (b"" if how == "n" else b"\r\n"))
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in sent) + b"0\r\n\r\n"


class Sends:
    """An engine that sends this, cut up so on its way."""

    def __init__(self, answer: bytes, sizes: Sequence[int], *, tty: bool = False) -> None:
        self.answer, self.sizes, self.tty = answer, sizes, tty

    def log_batches(self, container: str, **_: Any) -> Iterator[Sequence[Line]]:
        return (raw_batches if self.tty else framed_batches)(self._bodies())

    def _bodies(self) -> Iterator[bytes]:
        chunks, at, turn = Chunks(), 0, 0
        while at < len(self.answer):
            size = self.sizes[turn % len(self.sizes)]
            if body := chunks.add(self.answer[at : at + size]):
                yield body
            at, turn = at + size, turn + 1
        assert chunks.ended


def batches(log: ContainerLog, engine: Sends) -> Iterator[Batch]:
    return log.batches(cast(Engine, engine), follow=False)


def carefully(what: Callable[[], list[str]]) -> list[str]:
    """The same with every line looked at by itself."""
    with (
        patch("nap_compose.cluster.engine_logs._plain_frames", lambda _: None),
        patch("nap_compose.cluster.engine_chunks._lines_in_chunks", lambda _, at, __: at),
        patch.object(ContainerLog, "_plain", lambda *_: None),
    ):
        return what()


def shown(sources: Callable[[], list[Iterator[Batch]]], **how: bool) -> list[str]:
    """The lines of what is shown."""
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(), {})
    told = {"timestamps": False, "prefix": True, **how}
    printer = Printer(terminal, **told)
    terminal.say_all(map(printer.shown, in_order(sources())))
    return out.getvalue().split("\n")


@given(printed, cuts, st.sampled_from([{}, {"timestamps": True}, {"raw": True}, {"prefix": False}]))
def test_of_one_container(
    lines: list[tuple[int, str, bytes, str]], sizes: list[int], how: dict[str, bool]
) -> None:
    def read() -> list[str]:
        engine = Sends(framed(lines), sizes)
        return shown(lambda: [batches(ContainerLog(WEB), engine)], **how)

    assert read() == carefully(read)


@given(printed, cuts)
def test_of_a_container_with_a_terminal(
    lines: list[tuple[int, str, bytes, str]], sizes: list[int]
) -> None:
    def read() -> list[str]:
        engine = Sends(on_a_terminal(lines), sizes, tty=True)
        return shown(lambda: [batches(ContainerLog(WEB), engine)])

    assert read() == carefully(read)


@given(printed, printed, cuts, st.floats(-2, 2))
def test_of_several_containers(
    some: list[tuple[int, str, bytes, str]],
    others: list[tuple[int, str, bytes, str]],
    sizes: list[int],
    skew: float,
) -> None:
    def read() -> list[str]:
        return shown(
            lambda: [
                batches(ContainerLog(WEB), Sends(framed(some), sizes)),
                batches(ContainerLog(DB, skew=skew), Sends(framed(others), sizes[::-1])),
            ],
            timestamps=True,
        )

    assert read() == carefully(read)


@given(printed, cuts)
def test_as_json(lines: list[tuple[int, str, bytes, str]], sizes: list[int]) -> None:
    def read() -> list[str]:
        log, engine = ContainerLog(WEB), Sends(framed(lines), sizes)
        return [
            as_json(line, Aim("shop", "")) for batch in batches(log, engine) for _, line in batch
        ]

    assert read() == carefully(read)


@given(
    st.lists(st.tuples(st.sampled_from([0, 0, 1, 10**9]), st.sampled_from("oe"), PLAIN)), cuts, cuts
)
def test_what_was_read_isnt_read_again(
    lines: list[tuple[int, str, bytes]], sizes: list[int], later: list[int]
) -> None:
    """However many lines share a time: each stream's last lines are counted."""
    whole = [(*line, "l") for line in lines]
    log = ContainerLog(WEB)
    first = [
        line.text.encode()
        for batch in batches(log, Sends(framed(whole), sizes))
        for _, line in batch
    ]
    assert first == [text for _, _, text in lines]
    more = [*whole, (1, "o", b"new", "l"), (0, "e", b"new too", "l")]
    second = [line.text for batch in batches(log, Sends(framed(more), later)) for _, line in batch]
    assert second == ["new", "new too"]


@pytest.mark.parametrize("size", [PIECE - 31, PIECE, 1_000_000, (1 << 20) + 7, 3 << 20])
def test_a_long_line_among_others(size: int) -> None:
    short = [(1, "o", b"before", "l")] * 300
    lines = [*short, (1, "o", b"x" * size, "l"), *short, (1, "e", b"y" * size, "n")]

    def read() -> list[str]:
        engine = Sends(framed(lines), [65536])
        return shown(lambda: [batches(ContainerLog(WEB), engine)])

    assert read() == carefully(read)


def test_nearly_all_lines_of_a_log_come_in_blocks() -> None:
    """Else the tests here would compare one way with itself."""
    lines = [(n % 3, "oe"[n % 7 == 0], b"line %d" % n, "l") for n in range(5000)]
    found = list(batches(ContainerLog(WEB), Sends(framed(lines), [27_000])))
    blocks = [each for each in found if isinstance(each, Block)]
    assert sum(map(len, blocks)) > 4000
    assert all(isinstance(each.lines, LogLines) for each in blocks)
    assert [line.text for each in found for _, line in each] == [f"line {n}" for n in range(5000)]
