"""Of a connection no more is held than its window, whatever the person's side sends."""

from __future__ import annotations

import threading
from typing import Any

from nap_compose.border import WINDOW, Packet, Sort
from nap_compose.control.forwarding import _Connection, _Way
from tests.support.nap import eventually

PIECE = b"x" * (64 << 10)


class Talk:
    """A process that takes what it is told to take, and says nothing."""

    def __init__(self) -> None:
        self.takes = threading.Event()
        self.closed = threading.Event()
        self.heard: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.takes.wait(20)
        self.heard.append(data)

    def end_input(self) -> None:
        self.heard.append(b"")

    def close(self) -> None:
        self.closed.set()
        self.takes.set()

    def pieces(self) -> Any:
        self.closed.wait(20)
        yield from ()


class Ways:
    """The way to one process."""

    def __init__(self, talk: Any) -> None:
        self.talk = talk

    def to(self, port: int) -> _Way:
        return _Way(self.talk, self.talk.pieces())


def begun(talk: Talk) -> tuple[_Connection, list[tuple[Sort, int]]]:
    told: list[tuple[Sort, int]] = []
    ways: Any = Ways(talk)
    connection = _Connection(1, 80, ways, lambda sort, _, data, number: told.append((sort, number)))
    connection.start()
    eventually(lambda: connection._talk is not None, "it is connected")
    return connection, told


def test_who_keeps_to_the_window_is_held_up_by_nothing() -> None:
    talk = Talk()
    connection, told = begun(talk)
    for _ in range(WINDOW // len(PIECE)):
        connection.take(Packet(Sort.DATA, 1, PIECE))
    connection.take(Packet(Sort.ENDED, 1))
    assert not connection.over
    talk.takes.set()
    eventually(lambda: talk.heard[-1:] == [b""], "all is passed on, and then the end")
    assert sum(map(len, talk.heard)) == WINDOW
    assert sum(number for sort, number in told if sort is Sort.TAKEN) == WINDOW
    connection.take(Packet(Sort.GONE, 1))
    assert talk.closed.is_set()


def test_who_does_not_is_hung_up_on() -> None:
    talk = Talk()
    connection, told = begun(talk)
    for _ in range(100):
        connection.take(Packet(Sort.DATA, 1, PIECE))
    assert connection.over and talk.closed.is_set()
    assert len(connection._coming.take()) <= 2 * WINDOW
    eventually(lambda: (Sort.GONE, 0) in told, "the person's side hears of it")
