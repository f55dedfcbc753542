"""What one person's broker holds at once has a bound, whatever they send by hand."""

from __future__ import annotations

import os
import struct
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nap_compose import border as b
from nap_compose.control.stream import peer
from nap_compose.control.stream.frames import MOST_VALUES, VERSION, Frames
from tests.engine.test_stream import answer, call
from tests.support.nap import eventually
from tests.support.stream import connected


class Endless:
    """Lines without end, and whether nobody wants them any more."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"line"

    def close(self) -> None:
        self.closed.set()


class Control:
    """One whose answers take their time, and whose streams never end."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.streams: list[Endless] = []

    def site(self) -> str:
        self.goes_on.wait(20)
        return "answered"

    def logs(self, request: b.LogRequest, warn: Callable[[str], None]) -> Iterator[bytes]:
        self.streams.append(Endless())
        return self.streams[-1]


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def frames(control: Control) -> Iterator[Frames]:
    """Frames to a broker that was greeted."""
    frames, thread, end = connected(control, [])  # type: ignore[arg-type]
    frames.send({"nap": VERSION, "token": ""})
    frames.receive()
    yield frames
    control.goes_on.set()
    end()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_few_bytes_that_stand_for_many_values_are_not_read(frames: Frames) -> None:
    """Each takes a hundred times the memory of what it is written with."""
    head = b'{"call":5,"of":0,"name":"ps","args":[%s],"more":{},"b":[]}'
    head %= b",".join([b"{}"] * (MOST_VALUES // 2))
    tracemalloc.start()
    try:
        os.write(frames._writes, struct.pack("!II", len(head), len(head)))
        left = memoryview(head)
        while left:
            left = left[os.write(frames._writes, left) :]
        assert "more is asked for at once" in answer(frames)["over"]["message"]
        assert tracemalloc.get_traced_memory()[1] < 8 * len(head)
    finally:
        tracemalloc.stop()


def test_all_calls_together_weigh_no_more(
    control: Control, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blob(size: int) -> None:
        frames.send(
            {"call": 5, "of": 0, "name": "site", "args": [], "more": {}},
            [bytes(size)],
        )

    monkeypatch.setattr(peer, "MOST_VALUES", 1000)
    for _ in range(3):
        blob(50_000)
    assert "too much" in answer(frames)["error"]["message"]
    control.goes_on.set()
    assert [answer(frames)["answer"] for _ in range(2)] == ["answered"] * 2
    blob(50_000)
    assert answer(frames)["answer"] == "answered"


def test_streams_that_are_open_at_once_have_a_bound(
    control: Control, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "MOST_OPEN", 3)

    def opened() -> dict[str, Any]:
        call(frames, "logs", b.LogRequest(b.Target("shop")), print)
        return answer(frames)

    def told(number: int, name: str) -> Any:
        call(frames, name, of=number)
        return answer(frames)["answer"]

    numbers = [opened()["answer"]["$"][1] for _ in range(3)]
    told(numbers[0], "next")
    assert "too many streams" in opened()["error"]["message"]
    assert [each.closed.is_set() for each in control.streams] == [False, False, False, True]
    # One that is read, and one that never was.
    for number in numbers[:2]:
        told(number, "close")
    eventually(lambda: all(each.closed.is_set() for each in control.streams[:2]), "they are closed")
    for _ in range(2):
        assert "answer" in opened()
    assert "too many streams" in opened()["error"]["message"]
