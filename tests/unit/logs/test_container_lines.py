"""One container's lines: each exactly once, however often the connection is lost."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster.engine import Engine, EngineAway
from nap_compose.logs.container_lines import ContainerLog, Position
from nap_compose.logs.stamps import PIECE, as_text, split_stamp, stamped_alike
from nap_compose.stamps import nanoseconds
from tests.unit.logs.scripted import Printed, ScriptedEngine, container, stamp

START = 1_700_000_000_000_000_000
STREAMS = st.sampled_from(["stdout", "stderr"])


@st.composite
def printed(draw: st.DrawFn) -> list[tuple[int, str, bytes]]:
    """Lines as an engine keeps them: each stream's times grow, many are equal, the streams are
    out of turn with each other by less than a second."""
    at = {"stdout": START, "stderr": START + draw(st.integers(-900, 900)) * 1_000_000}
    lines = []
    for number, (stream, step) in enumerate(
        draw(st.lists(st.tuples(STREAMS, st.sampled_from([0, 0, 1, 999, 10**9])), max_size=40))
    ):
        if step == 10**9:
            at = {key: value + step for key, value in at.items()}
        else:
            at[stream] += step
        lines.append((at[stream], stream, b"%d" % number))
    return lines


def read_through(log: ContainerLog, engine: ScriptedEngine) -> list[str]:
    """Read to the end over as many lost connections as it takes."""
    read = []
    for _ in range(1000):
        try:
            for _, line in log.read(cast(Engine, engine), follow=False):
                read.append(line.text)
            return read
        except EngineAway:
            continue
    raise AssertionError("never came to the end")


@given(printed(), st.lists(st.integers(0, 60), max_size=8))
def test_every_line_once_over_lost_connections(
    lines: list[tuple[int, str, bytes]], cuts: list[int]
) -> None:
    view = container("web.1", "h1")
    engine = ScriptedEngine("h1", {view.id: Printed(lines)}, cuts)
    read = read_through(ContainerLog(view), engine)
    assert sorted(read, key=int) == [str(number) for number in range(len(lines))]


@given(printed(), st.integers(0, 12), st.lists(st.integers(0, 60), max_size=8))
def test_a_tail_over_lost_connections(
    lines: list[tuple[int, str, bytes]], tail: int, cuts: list[int]
) -> None:
    view = container("web.1", "h1")
    # One stream: where two are out of turn, what "the last" are depends on the moment.
    # A time that is shared across both the tail's beginning and a cut can't be told apart.
    share = 1 if cuts else 3
    lines = [(START + n // share, "stdout", text) for n, (_, _, text) in enumerate(lines)]
    engine = ScriptedEngine("h1", {view.id: Printed(lines)}, cuts)
    log = ContainerLog(view, tail=tail)
    wanted = [text.decode() for _, _, text in lines][len(lines) - min(tail, len(lines)) :]
    assert read_through(log, engine) == wanted
    # And what is printed afterwards comes whole.
    engine.printed[view.id].lines.append((START + 10**12, "stderr", b"later"))
    assert read_through(log, engine) == ["later"]


@given(st.lists(printed(), max_size=4), st.lists(st.integers(0, 60), max_size=8))
def test_reading_goes_on_where_it_stopped(
    batches: list[list[tuple[int, str, bytes]]], cuts: list[int]
) -> None:
    view = container("web.1", "h1")
    engine = ScriptedEngine("h1", {view.id: Printed()}, cuts)
    log, read = ContainerLog(view), []
    for number, batch in enumerate(batches):
        later = [(at + number * 10**12, stream, text) for at, stream, text in batch]
        engine.printed[view.id].lines.extend(later)
        read.append(sorted(read_through(log, engine), key=int))
    assert read == [[str(number) for number in range(len(batch))] for batch in batches]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["stdout", "stderr"])), max_size=30),
    st.integers(1, 7),
)
def test_counted_in_together_or_one_by_one(printed: list[tuple[int, str]], size: int) -> None:
    together, alone = Position(), Position()
    for first in range(0, len(printed), size):
        batch = printed[first : first + size]
        marks = "".join("e" if stream == "stderr" else "o" for _, stream in batch)
        together.advance_all(marks, b"".join(stamp(at) + b" " for at, _ in batch))
        for at, stream in batch:
            alone.advance(stream, at)
    assert together.last == alone.last


def test_a_copy_goes_its_own_way() -> None:
    view = container("web.1", "h1")
    engine = ScriptedEngine("h1", {view.id: Printed([(START, "stdout", b"one")])})
    log = ContainerLog(view)
    twin = log.copy()
    assert read_through(log, engine) == ["one"]
    assert read_through(twin, engine) == ["one"]
    assert read_through(log.copy(), engine) == []


def test_since_and_until_are_passed_on() -> None:
    view = container("web.1", "h1")
    lines = [(START + second * 10**9, "stdout", b"%d" % second) for second in range(10)]
    engine = ScriptedEngine("h1", {view.id: Printed(lines)}, [2])
    log = ContainerLog(view, since=START / 1e9 + 3, until=START / 1e9 + 6)
    assert read_through(log, engine) == ["3", "4", "5", "6"]


def test_a_line_says_where_it_comes_from() -> None:
    view = container("web.2", "h3")
    engine = ScriptedEngine("h3", {view.id: Printed([(START, "stderr", b"oh")])})
    ((at, line),) = ContainerLog(view).read(cast(Engine, engine), follow=False)
    assert at == START
    assert (line.subject, line.host, line.source, line.text) == ("web.2", "h3", "stderr", "oh")
    assert line.at == pytest.approx(START / 1e9)


@pytest.mark.parametrize(
    ("raw", "at", "text"),
    [
        (b"1970-01-01T00:00:00.000000001Z x", 1, b"x"),
        (b"1970-01-01T00:00:01.5Z x y ", 1_500_000_000, b"x y "),
        (b"1970-01-01T00:00:01Z ", 1_000_000_000, b""),
        (b"2024-02-29T23:59:59.999999999Z \x00\xff", 1709251199_999999999, b"\x00\xff"),
        (b"2024-02-29T23:59:59.123456789Z", 1709251199_123456789, b""),
    ],
)
def test_stamps(raw: bytes, at: int, text: bytes) -> None:
    assert split_stamp(raw) == (at, text)


@pytest.mark.parametrize("raw", [b"", b"hello", b"2024-13", b"error from daemon in stream: x"])
def test_what_has_no_stamp(raw: bytes) -> None:
    assert split_stamp(raw) is None


ORDINARY = (
    b"2023-11-14T22:13:20.000000001Z one",
    b"2023-11-14T22:13:20.900000000Z Z two Z ",
    b"2023-11-14T22:13:21.000000000Z \xc3\xa4 three",
    b"2023-11-14T22:13:21.000000000Z ",
)
ODD = (
    b"2023-11-14T22:13:21.000000002Z \xff",
    b"2023-11-14T22:13:21.000000003Z return\r",
    b"2023-11-14T22:13:21.000000004Z " + b"x" * PIECE,
    b"2023-11-14T22:13:21.5Z short",
    b"2023-11-14T22:13:21Z shorter",
    b"2023-13-14T22:13:21.000000005Z no month",
    b"2023-11-14T22:13:21.000000006ZZ no space",
    b"2023-11-14T22:13:21.00000000xZ no digit",
    b"none at all",
    b"",
)


@given(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=8))
def test_many_at_once_or_one_by_one(lines: list[bytes]) -> None:
    found = stamped_alike(lines)
    assert found is not None
    stamps, texts = found
    alone = [split_stamp(line) for line in lines]
    at = nanoseconds(stamps)
    assert list(zip(at, texts.encode().split(b"\n"), strict=True)) == alone
    assert stamped_alike([b"12345678" + line for line in lines], skip=8) == found


@given(
    st.lists(st.sampled_from(ORDINARY), max_size=4),
    st.sampled_from(ODD),
    st.lists(st.sampled_from(ORDINARY), max_size=4),
)
def test_among_which_one_is_odd(before: list[bytes], odd: bytes, after: list[bytes]) -> None:
    assert stamped_alike([*before, odd, *after]) is None


def test_an_unstamped_line_is_shown_at_the_time_of_its_neighbour() -> None:
    view = container("web.1", "h1")

    class Grumbling(ScriptedEngine):
        def logs(self, container: str, **_: object):  # type: ignore[no-untyped-def,override]
            yield "stdout", stamp(START) + b" fine"
            yield "stderr", b"Error grabbing logs: invalid character"

    read = list(ContainerLog(view).read(cast(Engine, Grumbling("h1")), follow=False))
    assert [(at, line.text) for at, line in read] == [
        (START, "fine"),
        (START, "Error grabbing logs: invalid character"),
    ]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 1_000_000])
def test_a_long_line_comes_in_one_piece(size: int) -> None:
    text = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    head = stamp(START) + b" "
    pieces = [text[start : start + PIECE] for start in range(0, size, PIECE)] or [b""]
    assert split_stamp(b"".join(head + piece for piece in pieces)) == (START, text)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"terminal\r", "terminal"),
        ("grüße 🚢".encode(), "grüße 🚢"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
    ],
)
def test_text(raw: bytes, text: str) -> None:
    assert as_text(raw) == text
