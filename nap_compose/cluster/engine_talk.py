"""A connection that an engine gave over to a container's process: bytes both ways.

After `101 Switching Protocols` there is no HTTP any more. With a terminal the bytes are the
terminal's; without one the container's two outputs come mixed in frames (see `engine_logs`). What
is written goes to the process's standard input, whose end is told apart from the connection's.

One thread may read while another writes. A TLS connection takes only one at a time, so both wait
for the socket outside of the lock.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_logs import BrokenFrame, frames
from nap_compose.cluster.engine_pool import Connection
from nap_compose.cluster.engine_wire import Answer
from nap_compose.cluster.loaded import is_tls, not_yet, of_ssl

if TYPE_CHECKING:
    import ssl

_PIECE = 64 * 1024
_LOOK_UP = 1000
"""Milliseconds after which a thread that waits looks whether it was closed meanwhile."""


class Talk:
    """See `engine.Talk`. `closed` is called once, with the connection that it was over."""

    def __init__(
        self,
        connection: Connection,
        answer: Answer,
        *,
        tty: bool,
        closed: Callable[[], None],
        broken: Callable[[BaseException], EngineAway],
    ) -> None:
        sock = connection.wire
        if sock is None:
            raise ValueError("the connection isn't open")
        self._sock: socket.socket = sock
        self._tty = tty
        self._closed = closed
        self._broken = broken
        self._lock = threading.Lock()
        self._over = False
        self._input_ended = False
        sock.setblocking(False)
        self._held = _read_ahead(answer)

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """What the process prints, as it comes. Raises EngineAway where the connection breaks."""
        if self._tty:
            for piece in self._arriving():
                yield "stdout", piece
            return
        try:
            for source, piece, _ in frames(self._arriving(), at_once=True):
                yield source, piece
        except BrokenFrame as error:
            raise self._broken(error) from None

    def write(self, data: bytes) -> None:
        """Give the process input. Where nobody takes it any more it is dropped: whoever reads
        learns why."""
        left = memoryview(data)
        while left and not self._over and not self._input_ended:
            try:
                with self._lock:
                    sent = self._sock.send(left)
            except not_yet() as wait:
                self._wait(wait, select.POLLOUT)
            except (OSError, ValueError):
                self._input_ended = True
            else:
                left = left[sent:]

    def end_input(self) -> None:
        """Tell the process that no more input comes; its output goes on."""
        if self._input_ended or self._over:
            return
        self._input_ended = True
        with self._lock, contextlib.suppress(OSError, ValueError):
            if is_tls(self._sock):
                self._held += _pending(self._sock)
                _say_goodbye(self._sock)
            else:
                self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it, and wake whoever reads or writes."""
        if not self._over:
            self._over = True
            self._closed()

    def _arriving(self) -> Iterator[bytes]:
        while True:
            try:
                with self._lock:
                    piece, self._held = self._held, b""
                    piece = piece or self._sock.recv(_PIECE)
            except not_yet() as wait:
                self._wait(wait, select.POLLIN)
                continue
            except of_ssl("SSLZeroReturnError"):
                return
            except (OSError, ValueError) as error:
                if self._over:
                    return
                raise self._broken(error) from None
            if not piece:
                return
            yield piece

    def _wait(self, wanted: BaseException, usual: int) -> None:
        """Wait until the socket is ready for what TLS, or else this direction, wants of it."""
        if isinstance(wanted, of_ssl("SSLWantReadError")):
            usual = select.POLLIN
        elif isinstance(wanted, of_ssl("SSLWantWriteError")):
            usual = select.POLLOUT
        with contextlib.suppress(OSError, ValueError):
            poll = select.poll()
            poll.register(self._sock, usual)
            poll.poll(_LOOK_UP)


def _read_ahead(answer: Answer) -> bytes:
    """What was read past the answer's head, which its buffer holds."""
    try:
        buffered = answer.file.peek()
    except not_yet():
        return b""
    return bytes(buffered)


def _pending(sock: ssl.SSLSocket) -> bytes:
    """What TLS has unpacked and nobody has read yet."""
    found = b""
    while left := sock.pending():
        found += sock.recv(left)
    return found


def _say_goodbye(sock: ssl.SSLSocket) -> None:
    """Send TLS's own end of our direction, and leave the other one open.

    The library sends it only on its way to wait for the other side's, and takes output that still
    comes for a fault which ends both. So it meanwhile finds a quiet socket in the place of the
    real one, on which nothing comes, and what it said there is passed on.
    """
    said, heard = socket.socketpair()
    with said, heard, socket.socket(fileno=os.dup(sock.fileno())) as real:
        said.setblocking(False)
        heard.setblocking(False)
        os.dup2(said.fileno(), sock.fileno(), inheritable=False)
        try:
            with contextlib.suppress(*of_ssl("SSLError")):
                sock.unwrap()
        finally:
            os.dup2(real.fileno(), sock.fileno(), inheritable=False)
        with contextlib.suppress(BlockingIOError):
            _send_all(real, heard.recv(_PIECE))


def _send_all(sock: socket.socket, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[sock.send(left) :]
            continue
        except BlockingIOError:
            pass
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        if not poll.poll(_LOOK_UP * 30):
            return
