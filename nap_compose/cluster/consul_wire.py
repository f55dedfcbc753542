"""HTTP to one of Consul's servers, for its client library, over what nap speaks to engines with.

The library's own way is requests, which takes as long to load as a command on a cluster takes for
all the rest. What the library knows of Consul is used as it is.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partialmethod
from typing import Any, TypeVar

from nap_compose import spared
from nap_compose.cluster.engine_chunks import Chunks
from nap_compose.cluster.engine_wire import Answer, CutShort, HttpFault, NoStatus, send
from nap_compose.units import parse_duration

spared.package_itself("consul", Check="check")
with spared.patterns:
    from consul.base import Consul, HTTPClient, Response
    from consul.callback import CB
    from consul.exceptions import (
        ACLDisabled,
        ACLPermissionDenied,
        ClientError,
        ConsulException,
        NotFound,
    )

__all__ = [
    "CB",
    "CONNECT_TIMEOUT",
    "ACLDisabled",
    "ACLPermissionDenied",
    "Client",
    "ClientError",
    "ConsulException",
    "NotAsked",
    "NotFound",
    "SlowToConnect",
    "TlsFailed",
    "Wire",
]

CONNECT_TIMEOUT = 2.0
"""Seconds for a name's lookup, a connection and a TLS handshake, each; and for a host to take what
is sent to it."""

_PIECE = 64 * 1024

Params = Sequence[tuple[str, Any]] | Mapping[str, Any] | None
T = TypeVar("T")


class NotAsked(OSError):
    """No connection came about, so nothing was asked and nothing was done."""


class SlowToConnect(NotAsked):
    """Nor did anybody refuse one."""


class TlsFailed(NotAsked):
    """The server isn't who it should be, or speaks no TLS."""


class Client(Consul):  # type: ignore[misc]
    """The library's client, over a wire of nap's and with nap's token alone."""

    def __init__(self, wire: Wire, token: str) -> None:
        self.http: Wire
        self._wire = wire
        super().__init__(wire.host, wire.port, scheme=wire.scheme, verify=True)
        self.token = token or None  # the library lets CONSUL_HTTP_TOKEN win

    def http_connect(self, *_: Any, **__: Any) -> Wire:
        """Who asks for the library."""
        return self._wire


class Wire(HTTPClient):  # type: ignore[misc]
    """A connection to a server, made when it is wanted and kept for as long as the server keeps it.

    For one thread at a time. `context` gives what TLS is to be spoken with from now on, and is None
    where none is; `answer_timeout` is in seconds. It follows no redirect: nobody is to be sent
    elsewhere with the token. Raises NotAsked, TimeoutError where no answer comes in time, and
    OSError where the connection breaks.
    """

    def __init__(
        self,
        host: str,
        port: int,
        context: Callable[[], ssl.SSLContext] | None,
        token: str,
        answer_timeout: float,
    ) -> None:
        super().__init__(f"[{host}]" if ":" in host else host, port, "https" if context else "http")
        self._address = (host, port)
        self._context = context
        self._answer_timeout = answer_timeout
        self._always = {"Host": f"{self.host}:{port}"}
        if token:  # the library sends none with transactions
            self._always["X-Consul-Token"] = token
        self._kept: socket.socket | None = None

    def get(
        self,
        callback: Callable[[Response], T],
        path: str,
        params: Params = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> T:
        return callback(self._ask("GET", path, params, headers, b"", raw=raw))

    def _send(
        self,
        method: str,
        callback: Callable[[Response], T],
        path: str,
        params: Params = None,
        data: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> T:
        return callback(self._ask(method, path, params, headers, data))

    put = partialmethod(_send, "PUT")
    delete = partialmethod(_send, "DELETE")
    post = partialmethod(_send, "POST")

    def close(self) -> None:
        """Close the connection, where nobody asks anything over it just now; the next request
        makes another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def __del__(self) -> None:
        self.close()  # its thread has ended

    def _ask(
        self,
        method: str,
        path: str,
        params: Params,
        headers: Mapping[str, str] | None,
        data: str | bytes,
        *,
        raw: bool = False,
    ) -> Response:
        body = data.encode() if isinstance(data, str) else data
        target = self.uri(path, params).removeprefix(self.base_uri)
        sock = self._connection()
        try:
            sock.settimeout(self._patience(params))
            send(sock, (method, target), {**self._always, **(headers or {})}, body or None)
            with contextlib.closing(Answer(sock, method)) as answer:
                text = b"".join(_body(answer))
        except HttpFault as error:
            sock.close()
            told = f"{str(error).strip()!r} is no HTTP" if isinstance(error, NoStatus) else error
            raise OSError(str(told)) from None
        except BaseException:
            sock.close()
            raise
        if answer.last:
            sock.close()
        else:
            self._kept = sock
        if 300 <= answer.status < 400:
            raise OSError(f"it sends nap elsewhere ({answer.status}), as no Consul does")
        found = _Headers(answer.headers)
        return Response(answer.status, found, text if raw else text.decode(errors="replace"))

    def _connection(self) -> socket.socket:
        """The one that was kept, unless the server has closed it; or a new one."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if not _said_something(kept):
                return kept
            kept.close()
        context = self._context() if self._context else None
        try:
            sock = socket.create_connection(self._address, timeout=CONNECT_TIMEOUT)
        except TimeoutError as error:
            raise SlowToConnect from error
        except OSError as error:
            raise NotAsked from error
        _notice_a_host_that_is_cut_off(sock)
        return self._over_tls(sock, context) if context else sock

    def _over_tls(self, sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
        try:
            return context.wrap_socket(sock, server_hostname=self._address[0])
        except TimeoutError as error:
            sock.close()
            raise SlowToConnect from error
        except OSError as error:
            sock.close()
            raise (TlsFailed if isinstance(error, ssl.SSLError) else NotAsked) from error

    def _patience(self, params: Params) -> float:
        """Seconds to wait for an answer. One that tells of a change (`index`) comes when `wait` is
        over at the latest, and up to a sixteenth of it later."""
        asked = dict(params or ())
        if "index" not in asked:
            return self._answer_timeout
        return self._answer_timeout + parse_duration(asked["wait"]) * 17 / 16


class _Headers(dict[str, str]):
    """Found however their names are written."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


def _body(answer: Answer) -> Iterator[bytes]:
    if not answer.chunked:
        yield from answer.pieces(_PIECE)
        return
    chunks = Chunks()
    while not chunks.ended:
        piece = answer.file.read1(_PIECE)
        if not piece:
            raise CutShort("the last chunk didn't come")
        yield chunks.add(piece)


def _said_something(sock: socket.socket) -> bool:
    """Whether something came over a connection on which nothing was asked: that is its end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _notice_a_host_that_is_cut_off(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        patience = int(CONNECT_TIMEOUT * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
