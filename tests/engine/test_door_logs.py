"""Container logs: lines put together from frames, and a lost connection told from an end."""

from __future__ import annotations

import struct
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.engine_logs import (
    LONGEST_LINE,
    PIECE,
    BrokenFrame,
    framed_lines,
    raw_lines,
)
from nap_compose.cluster.view import Absence
from tests.engine.fake_engine import Behaviour, FakeEngine


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(payload)) + payload


def cut_up(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 1000])
def test_lines_don_t_depend_on_how_they_were_cut(size: int) -> None:
    data = frame(1, b"one\ntw") + frame(2, b"bad\n") + frame(1, b"o\n") + frame(1, b"rest")
    assert list(framed_lines(cut_up(data, size))) == [
        ("stdout", b"one"),
        ("stderr", b"bad"),
        ("stdout", b"two"),
        ("stdout", b"rest"),
    ]


@pytest.mark.parametrize("size", [7, 1000, 16400, 100_000])
@pytest.mark.parametrize("end", [b"c\n", b"c"])
def test_a_long_line_kept_in_parts_has_one_timestamp(size: int, end: bytes) -> None:
    """The `local` driver has no line end after the last of them."""
    stamp = b"2024-05-01T10:00:00.123456789Z "
    data = frame(1, stamp + b"a" * PIECE) + frame(1, stamp + b"b" * PIECE) + frame(1, stamp + end)
    data += frame(1, stamp + b"next\n")
    lines = list(framed_lines(cut_up(data, size)))
    assert lines == [
        ("stdout", stamp + b"a" * PIECE + b"b" * PIECE + b"c"),
        ("stdout", stamp + b"next"),
    ]


def test_a_line_without_end_doesn_t_swallow_the_one_after_a_restart() -> None:
    early, late = b"2024-05-01T10:00:00.123456789Z ", b"2024-05-01T10:00:09.123456789Z "
    data = frame(1, early + b"no end") + frame(1, late + b"first\n")
    assert list(framed_lines([data])) == [
        ("stdout", early + b"no end"),
        ("stdout", late + b"first"),
    ]


def test_pieces_of_a_line_may_have_timestamps_of_their_own() -> None:
    early, late = b"2024-05-01T10:00:00.123456789Z ", b"2024-05-01T10:00:00.123987000Z "
    data = frame(1, early + b"a" * PIECE) + frame(1, late + b"b\n")
    assert list(framed_lines([data])) == [("stdout", early + b"a" * PIECE + b"b")]


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.text("ab\r", max_size=30)), max_size=20),
    st.integers(1, 400),
    st.integers(1, 20),
)
def test_every_line_comes_out_once_and_in_order(
    lines: list[tuple[int, str]], size: int, other: int
) -> None:
    """Whether many come at once or few, and though `other` has an end in the middle of a frame."""
    data = b"".join(
        frame(kind, text.encode() + b"\n")
        if n % other
        else frame(kind, text.encode()) + frame(kind, b"\n")
        for n, (kind, text) in enumerate(lines, 1)
    )
    found = list(framed_lines(cut_up(data, size)))
    names = {1: "stdout", 2: "stderr"}
    assert found == [(names[kind], text.removesuffix("\r").encode()) for kind, text in lines]


def test_half_a_frame_is_no_end() -> None:
    data = frame(1, b"one\n") + frame(1, b"two\n")
    for short in (data[:-1], data[: len(frame(1, b"one\n")) + 4]):
        lines = framed_lines([short])
        assert next(lines) == ("stdout", b"one")
        with pytest.raises(BrokenFrame):
            list(lines)


def test_a_terminal_s_lines_end_with_a_carriage_return() -> None:
    assert list(raw_lines([b"one\r\ntw", b"o\r\n"])) == [("stdout", b"one"), ("stdout", b"two")]


def test_a_line_without_end_is_handed_on_in_parts() -> None:
    pieces = [b"x" * 65536] * 40
    lines = [line for _, line in raw_lines(pieces)]
    assert sum(map(len, lines)) == 40 * 65536
    assert max(map(len, lines)) <= LONGEST_LINE + 65536


@pytest.fixture
def running(fake_engine: FakeEngine, door: DockerEngine) -> str:
    fake_engine.add_image("app:1")
    fake_engine.behave("*", Behaviour(output=("ready", "serving"), errors=("careful",)))
    door.create_container("web", {"Image": "app:1"})
    door.start_container("web")
    return "web"


def test_both_streams_with_their_timestamps(door: DockerEngine, running: str) -> None:
    lines = list(door.logs(running))
    assert [(source, line.partition(b" ")[2]) for source, line in lines] == [
        ("stdout", b"ready"),
        ("stdout", b"serving"),
        ("stderr", b"careful"),
    ]
    assert lines[0][1].startswith(b"20")
    assert len(list(door.logs(running, tail=1))) == 1


def test_a_terminal_s_log(fake_engine: FakeEngine, door: DockerEngine, running: str) -> None:
    door.create_container("tty", {"Image": "app:1", "Tty": True})
    door.start_container("tty")
    assert [source for source, _ in door.logs("tty")] == ["stdout"] * 3
    assert next(door.logs("tty"))[1].endswith(b" ready")


def test_since_takes_up_where_one_left_off(
    fake_engine: FakeEngine, door: DockerEngine, running: str
) -> None:
    time.sleep(0.05)
    middle = time.time()
    fake_engine.say("web", "later")
    assert [line[-5:] for _, line in door.logs(running, since=middle)] == [b"later"]
    assert len(list(door.logs(running, until=middle))) == 3


def test_following_ends_with_the_container(
    fake_engine: FakeEngine, door: DockerEngine, running: str
) -> None:
    lines = door.logs(running, follow=True, tail=1)
    next(lines)
    fake_engine.say("web", "bye")
    assert next(lines)[1].endswith(b"bye")
    fake_engine.exit("web", 0)
    assert list(lines) == []


def test_following_through_a_restart_ends_with_the_first_run(
    fake_engine: FakeEngine, door: DockerEngine, running: str
) -> None:
    lines = door.logs(running, follow=True)
    next(lines)
    door.restart_container(running, grace=0)
    assert len(list(lines)) >= 2  # no EngineAway: that run did end


def test_a_lost_engine_is_no_end(fake_engine: FakeEngine, door: DockerEngine, running: str) -> None:
    lines = door.logs(running, follow=True)
    next(lines)
    threading.Timer(0.2, fake_engine.cut).start()
    with pytest.raises(EngineAway) as away:
        list(lines)
    assert away.value.why is Absence.BROKEN


@pytest.mark.parametrize("cut", [0, 4, 30, 100])
def test_a_log_that_breaks_off_anywhere_is_no_end(
    fake_engine: FakeEngine, door: DockerEngine, running: str, cut: int
) -> None:
    fake_engine.fault("GET", ".*/logs", cut=cut)
    with pytest.raises(EngineAway) as away:
        list(door.logs(running))
    assert away.value.why is Absence.BROKEN


def test_an_engine_that_ends_the_stream_in_good_order_while_the_container_runs(
    fake_engine: FakeEngine, door: DockerEngine, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an engine does that is told to stop, with live-restore for its containers."""
    monkeypatch.setattr("nap_compose.cluster.engine_client._SETTLE", 0.3)
    lines = door.logs(running, follow=True)
    next(lines)
    fake_engine.ends_logs = True
    with pytest.raises(EngineAway, match="goes on"):
        list(lines)


def test_closing_the_door_ends_a_stream_that_waits(
    fake_engine: FakeEngine, door: DockerEngine, running: str
) -> None:
    lines = door.logs(running, follow=True)
    next(lines)
    threading.Timer(0.2, door.close).start()
    began = time.monotonic()
    with pytest.raises(EngineAway):
        list(lines)
    assert time.monotonic() - began < 30
    assert door.info()["Name"] == "local"  # and it can be used again
