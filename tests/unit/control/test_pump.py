"""What is read ahead for whoever is at the other end: a little, however slowly they take it; and
how much crosses at once: some items, never so many that no frame would hold them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.border import LogLines
from nap_compose.control.stream.pump import AHEAD, MOST_BYTES, Pump
from tests.support.nap import eventually

PIECE = b"x" * (64 << 10)


class Endless:
    """Pieces without end, counted as they are taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.taken += 1
        return PIECE

    def close(self) -> None:
        self.closed.set()


def test_who_takes_nothing_more_is_sent_no_more() -> None:
    source = Endless()
    pump = Pump(source)
    assert source.taken == 0, "nothing is read before it is asked for"
    had = 0
    for _ in range(2):
        found, last = pump.next()
        assert found and not last
        assert sum(map(len, found)) <= MOST_BYTES + len(PIECE)
        had += len(found)
        eventually(lambda: source.taken == had + AHEAD + 1, "a little is read ahead")  # noqa: B023
        time.sleep(0.1)
        assert source.taken == had + AHEAD + 1, "and no more"


def test_what_nobody_wants_any_more_is_let_go() -> None:
    source = Endless()
    pump = Pump(source)
    found, _ = pump.next()
    eventually(lambda: source.taken == len(found) + AHEAD + 1, "a little is read ahead")
    pump.close()
    assert source.closed.wait(10)


SIZE = 200_000
LINES = LogLines("web.1", "h1", "o" * 1000, b"s" * 31_000, "x" * (SIZE - 31_000))


@pytest.mark.parametrize("item", [b"x" * SIZE, LINES])
def test_large_ones_come_a_few_at_a_time(item: Any) -> None:
    pump = Pump([item] * 3 * AHEAD)
    found, over = [], False
    while not over:
        some, over = pump.next()
        assert len(some) * SIZE < MOST_BYTES + SIZE
        found += some
    assert found == [item] * 3 * AHEAD
