"""Connections begun ahead of the first question: so the dead are waited for while the others are
asked, and cost one deadline altogether wherever they stand in the row."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from nap_compose.cluster.engine_endpoint import Endpoint
from nap_compose.cluster.loaded import is_tls, of_ssl

if TYPE_CHECKING:
    import ssl

GREETING = 0.5
"""Seconds in which whoever takes a connection at once is sent what begins a TLS handshake."""


class Begun:
    """A TCP connection that is on its way, and its TLS handshake where that has begun too."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
        """Connect and wait for nothing but the name's look-up. Raises OSError where that fails, or
        where the name has several addresses: those are tried one after the other."""
        self.at = time.monotonic()
        found = socket.getaddrinfo(endpoint.name, endpoint.port, type=socket.SOCK_STREAM)
        if len(found) != 1:
            raise OSError(f"{endpoint.name} has {len(found)} addresses")
        family, kind, protocol, _, address = found[0]
        self._name = endpoint.name
        self._context = context
        self._lock = threading.Lock()
        self._in_use = False
        self._sock: socket.socket = socket.socket(family, kind, protocol)
        self._sock.setblocking(False)
        self._sock.connect_ex(address)

    def fileno(self) -> int:
        """The socket's number, to wait for."""
        return self._sock.fileno()

    @property
    def greeted(self) -> bool:
        """Whether its TLS handshake has begun."""
        return is_tls(self._sock)

    def greet(self) -> None:
        """Begin the TLS handshake with who has taken the connection; wait for no answer."""
        with self._lock:
            if self._in_use or self._context is None or self._failure():
                return
            wrapped = self._sock = hello(self._sock, self._context, self._name)
            with contextlib.suppress(*of_ssl("SSLWantReadError")):
                wrapped.do_handshake()

    def taken(self, seconds: float) -> socket.socket:
        """The connected socket; where a TLS handshake was begun, with the answer to it there.

        Raises what connecting does, TimeoutError where it takes longer than `seconds` from when it
        was begun. What came in time is in time, however late it is looked at.
        """
        with self._lock:
            self._in_use = True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN if self.greeted else select.POLLOUT)
        if not poll.poll(max(0.0, self.at + seconds - time.monotonic()) * 1000):
            raise TimeoutError
        if error := self._failure():
            raise OSError(error, os.strerror(error))
        return self._sock

    def close(self) -> None:
        """Give it up."""
        self._sock.close()

    def _failure(self) -> int:
        """Why connecting failed, as an error's number; 0 where it didn't."""
        return self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class Beginning(Protocol):
    """Who can begin a connection."""

    def begin(self) -> Begun | None:
        """A connection that it will use next; None where it needs none, or can't begin one."""


def begin_all(those: Iterable[Beginning]) -> None:
    """Begin a connection for each, and greet those that are taken at once."""
    begun = {each.fileno(): each for each in (who.begin() for who in those) if each}
    poll = select.poll()
    for number in begun:
        poll.register(number, select.POLLOUT)
    until = time.monotonic() + GREETING
    while begun and (left := until - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            poll.unregister(number)
            with contextlib.suppress(OSError):  # whoever uses it will be told
                begun.pop(number).greet()


def hello(sock: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """The socket with TLS over it, of whose handshake nothing is done yet."""
    return context.wrap_socket(
        sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
