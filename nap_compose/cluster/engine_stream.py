"""An engine's answer as a stream, which tells its end from a connection that broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType

from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_chunks import chunked
from nap_compose.cluster.engine_pool import Connection, Pool
from nap_compose.cluster.engine_talk import Talk
from nap_compose.cluster.engine_wire import Answer, HttpFault

FAULTS = (OSError, HttpFault)
"""What sockets, TLS and HTTP raise."""

Broken = Callable[[BaseException, float | None], EngineAway]
"""Says what a fault in a stream comes to; the number is how long was waited for a piece."""

_PIECE = 64 * 1024

MOMENT = 0.001
"""Seconds in which an engine that tells a log writes about as much as its socket takes."""


class Stream:
    """An answer that is read piece by piece, while its connection belongs to it alone."""

    def __init__(
        self,
        pool: Pool,
        connection: Connection,
        answer: Answer,
        broken: Broken,
        seconds: float | None,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._answer = answer
        self._broken = broken
        self._seconds = seconds
        self._open = True
        self._pause = 0.0
        self.status = answer.status
        self.content_type = answer.content_type

    def header(self, name: str) -> str:
        """A header of the answer; empty where it has none of that name."""
        return self._answer.headers.get(name.lower(), "")

    def pieces(self) -> Iterator[bytes]:
        """Pieces as they arrive. Raises EngineAway where the answer breaks off before its end."""
        answer = self._answer
        if answer.chunked:
            body = chunked(answer.file, self._wait, self._pause)
        else:
            body = answer.pieces(_PIECE)
        while True:
            try:
                piece = next(body, b"")
            except FAULTS as error:
                self.close()
                raise self._broken(error, self._seconds) from None
            if not piece:
                self._finish()
                return
            yield piece

    def gather(self) -> None:
        """From its beginning on: much may come, better in fewer pieces than a moment sooner."""
        self._pause = MOMENT

    def _wait(self, wait: bool) -> None:
        self._connection.wait_at_most(self._seconds if wait else 0.0)

    def read(self) -> bytes:
        """All that is left of it."""
        return b"".join(self.pieces())

    def lines(self) -> Iterator[bytes]:
        """Lines without their line end, the last one also without one."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def take_over(self, *, tty: bool) -> Talk:
        """The connection itself, which the engine has given over to a process.

        With `tty` what comes is a terminal's, else it is in frames.
        """
        self._open = False

        def closed() -> None:
            self._connection.interrupt()
            self._pool.drop(self._connection)
            self._answer.close()

        return Talk(
            self._connection,
            self._answer,
            tty=tty,
            closed=closed,
            broken=lambda error: self._broken(error, None),
        )

    def wait_at_most(self, seconds: float | None) -> None:
        """How long the next pieces may take, each; None: for ever."""
        self._seconds = seconds
        self._connection.wait_at_most(seconds)

    def interrupt(self) -> None:
        """Wake whoever reads in another thread, who then sees it broken."""
        self._connection.interrupt()

    def close(self) -> None:
        """End it; what wasn't read is lost, and so is the connection."""
        if self._open:
            self._open = False
            self._pool.drop(self._connection)
            self._answer.close()

    def _finish(self) -> None:
        if self._open:
            self._open = False
            self._answer.close()
            self._pool.give_back(self._connection)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
