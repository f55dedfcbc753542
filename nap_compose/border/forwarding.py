"""Connections of a person's machine to ports in containers: many of them over one call.

The person's side is a Wire, with the words of a Console, so that it crosses as one: `heard` gives
Packets, and `show` is told as its source what comes back (`data 3 0`: of connection 3).
Neither side sends more than WINDOW bytes of a connection before it hears that they were taken, so
that a slow one holds up no other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from nap_compose.border.words import Target
from nap_compose.plaindata import dataclass

WINDOW = 1 << 20
"""Bytes of one connection and direction that may be under way."""

MOST_CONNECTIONS = 512
"""Connections that one call carries at once."""


class Credit:
    """So many bytes that may be sent before some are taken."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._over = False
        self._changed = threading.Condition()

    def spend(self, size: int) -> bool:
        """Take that much, once there is any left; False where the connection is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._left > 0 or self._over)
            self._left -= size
            return not self._over

    def give(self, size: int) -> None:
        """That much was taken at the other end."""
        with self._changed:
            self._left += size
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more is to be sent."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


class Sort(str, Enum):
    """What a packet says of its connection: it is `opened`, to the port `number`; `data`; `ended`:
    no more data comes from that side; `taken`: so many bytes of the other side's were; `gone`: it
    is over, with the reason as data where there is one."""

    OPENED = "opened"
    DATA = "data"
    ENDED = "ended"
    TAKEN = "taken"
    GONE = "gone"


@dataclass(frozen=True)
class Packet:
    """Something of one connection, from the person's side."""

    sort: Sort
    connection: int
    data: bytes = b""
    number: int = 0


class Wire(Protocol):
    """The person's side of all connections."""

    def open(self, *, tty: bool) -> None:
        """The container is reached; `tty` is always false."""

    def heard(self) -> Iterator[Packet]:
        """What comes from the person's connections, until `close`."""

    def show(self, source: str, data: bytes) -> None:
        """A packet for the person: its sort, its connection and its number, and its data."""

    def close(self) -> None:
        """It is over: `heard` ends."""


@dataclass(frozen=True)
class ForwardRequest:
    """Carry connections to these ports of a running replica; replica 0 is the first that runs. It
    is looked for again when it has moved."""

    target: Target
    ports: tuple[int, ...]


class Forwarding(Protocol):
    """The call that carries connections. Raises NapError with its exit code."""

    def forward(self, request: ForwardRequest, wire: Wire) -> None:
        """Carry them until the wire's `heard` ends; `open` tells that it begins."""
