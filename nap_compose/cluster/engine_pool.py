"""Connections to one engine: opened, kept alive, handed out to one thread at a time."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nap_compose.cluster.engine_ahead import Begun, hello
from nap_compose.cluster.engine_endpoint import Endpoint
from nap_compose.cluster.engine_wire import Answer, send
from nap_compose.cluster.loaded import is_tls, of_ssl
from nap_compose.errors import NapError

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT = 5.0
KEPT = 8
"""How many idle connections are kept: a burst of threads opens more, which then end."""
IDLE_LIMIT = 60.0
"""Seconds after which an idle connection isn't trusted any more (firewalls forget it)."""

BEGUN_LIMIT = 30.0
"""Seconds for which a connection that was only begun is of use: an engine, or what stands before
it, waits as long for the rest of a TLS handshake."""

_VERDICT_TIMEOUT = 1.0
_TCP_CLOSE = 7


class Connection:
    """One connection over a unix socket, TCP or TLS.

    Name lookup, connecting and the TLS handshake have CONNECT_TIMEOUT each step; afterwards
    `wait_at_most` says how long a read may take.
    """

    def __init__(
        self, endpoint: Endpoint, context: ssl.SSLContext | None, begun: Begun | None = None
    ) -> None:
        self._endpoint = endpoint
        self._context = context
        self._begun = begun
        # Nothing has lain idle that somebody may have closed meanwhile.
        self.fresh = begun is None
        self.shaking_hands = False
        self.idle_since = 0.0
        self._wire: socket.socket | None = None
        self._last = False
        self.gone_silent = False

    def connect(self) -> None:
        """Connect, and shake hands where TLS is spoken. Raises what sockets and TLS raise."""
        self._wire = self._unix() if self._endpoint.unix else self._tcp()

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> None:
        """Send a request over it, once it is connected."""
        assert self._wire is not None
        send(self._wire, (method, target), {"Host": self._called, **headers}, body)

    def answer(self, method: str) -> Answer:
        """The answer to such a request, as soon as its head has come."""
        assert self._wire is not None
        answer = Answer(self._wire, method)
        self._last = answer.last
        return answer

    @property
    def _called(self) -> str:
        """What the request names the engine's host."""
        return "localhost" if self._endpoint.unix else str(self._endpoint)

    def close(self) -> None:
        """Close it, and note whether it was the other machine's silence that ended it."""
        if self._wire is not None and not self.gone_silent:
            self.gone_silent = _gone_silent(self._wire)
        if self._begun is not None:
            self._begun.close()
        if self._wire is not None:
            self._wire.close()

    @property
    def connected(self) -> bool:
        """Whether connecting has succeeded."""
        return self._wire is not None

    @property
    def wire(self) -> socket.socket | None:
        """The socket itself, for what isn't HTTP any more; None before it is connected."""
        return self._wire

    def wait_at_most(self, seconds: float | None) -> None:
        """How long one read or write may take from now on; None: for ever."""
        if self._wire is not None:
            self._wire.settimeout(seconds)

    def usable(self) -> bool:
        """Whether an idle connection is likely still open: a peer that went has left an end."""
        if self._begun is not None:
            return time.monotonic() - self._begun.at < BEGUN_LIMIT
        if self._wire is None or time.monotonic() - self.idle_since > IDLE_LIMIT:
            return False
        return not _readable(self._wire, 0)

    @property
    def goes_on(self) -> bool:
        """Whether it takes another request: no answer said that it was the last one."""
        return self._wire is not None and not self._last

    def interrupt(self) -> None:
        """Wake whoever reads from it in another thread; the connection is of no use after."""
        if self._wire is not None:
            with contextlib.suppress(OSError):
                # Below TLS, whose own shutdown would wait for a farewell.
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def _tcp(self) -> socket.socket:
        raw = self._connected()
        if self._context is None:
            return raw
        self.shaking_hands = True
        try:
            wrapped = raw if is_tls(raw) else hello(raw, self._context, self._endpoint.name)
            wrapped.do_handshake()
        except BaseException:
            raw.close()
            raise
        self.shaking_hands = False
        try:
            _hear_verdict(wrapped)
        except BaseException:
            wrapped.close()
            raise
        return wrapped

    def _connected(self) -> socket.socket:
        begun, self._begun = self._begun, None
        if begun is None:
            where = (self._endpoint.name, self._endpoint.port)
            sock = socket.create_connection(where, timeout=CONNECT_TIMEOUT)
        else:
            self.shaking_hands = begun.greeted
            try:
                sock = begun.taken(CONNECT_TIMEOUT)
            except BaseException:
                begun.close()
                raise
            sock.settimeout(CONNECT_TIMEOUT)
        _notice_dead_peers(sock)
        return sock

    def _unix(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_TIMEOUT)
        try:
            sock.connect(self._endpoint.path)
        except BaseException:
            sock.close()
            raise
        return sock


class Pool:
    """Hands out connections; safe to use from several threads."""

    def __init__(self, host: str, endpoint: Endpoint) -> None:
        self._host = host
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._context: ssl.SSLContext | None = None

    def take(self, *, fresh: bool = False) -> Connection:
        """A connection that nobody else has; `fresh` asks for one that was never used.

        It connects at its first request. Raises NapError where the TLS files can't be used.
        """
        with self._lock:
            while self._idle and not fresh:
                connection = self._idle.pop()
                if connection.usable():
                    self._busy.add(connection)
                    return connection
                connection.close()
            connection = Connection(self._endpoint, self._tls())
            self._busy.add(connection)
            return connection

    def begin(self) -> Begun | None:
        """Begin to connect, where there is nothing to take yet. Raises nothing: whoever takes it
        is told."""
        with self._lock, contextlib.suppress(OSError, NapError):
            if self._endpoint.unix or self._idle or self._busy:
                return None
            begun = Begun(self._endpoint, self._tls())
            self._idle.append(Connection(self._endpoint, self._context, begun))
            return begun
        return None

    def _tls(self) -> ssl.SSLContext | None:
        """By the files as they are now: who runs for months sees them renewed."""
        if self._endpoint.tls:
            from nap_compose.cluster.engine_tls import client_context

            try:
                self._context = client_context(self._endpoint.tls, self._host)
            except NapError:
                # In the middle of that a certificate and its key may not belong together.
                if self._context is None:
                    raise
        return self._context

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next request: its answer was read to the end."""
        connection.fresh = False
        connection.idle_since = time.monotonic()
        with self._lock:
            wanted = connection in self._busy and len(self._idle) < KEPT
            self._busy.discard(connection)
            if wanted and connection.goes_on:
                self._idle.append(connection)
                return
        connection.close()

    def drop(self, connection: Connection) -> None:
        """Close it: it broke, or its answer wasn't read to the end."""
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close what is idle and wake the readers of what is busy, who then see it broken."""
        with self._lock:
            idle, self._idle = self._idle, []
            busy, self._busy = self._busy, set()
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.interrupt()


def _hear_verdict(sock: ssl.SSLSocket) -> None:
    """Wait for what the engine thinks of our certificate; raises ssl.SSLError where it refuses.

    In TLS 1.3 the handshake is over for the client before the server has checked the client's
    certificate. A request sent at once would cross with the refusal, and the closed connection
    swallow it. Engines send session tickets to whom they accept, so waiting costs one round trip.
    """
    if sock.version() != "TLSv1.3" or not _readable(sock, _VERDICT_TIMEOUT):
        return
    sock.setblocking(False)
    with contextlib.suppress(*of_ssl("SSLWantReadError")):  # tickets came, and no data
        sock.read(1)
    sock.settimeout(CONNECT_TIMEOUT)


def _readable(sock: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _gone_silent(sock: socket.socket) -> bool:
    """Whether the kernel gave this connection up because nothing came back any more.

    TLS can't tell: it calls that the end of the stream.
    """
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        state, _, *unanswered = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 5)
    except OSError:  # a unix socket, or closed already
        return False
    return state == _TCP_CLOSE and any(unanswered)  # retransmissions, probes, their backoff


def _notice_dead_peers(sock: socket.socket) -> None:
    """Tell a dead host from a slow engine: a stream or a long request to one ends in 30 s."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for level, option, value in keepalive_options(unheard=15):
        sock.setsockopt(level, option, value)


def keepalive_options(*, unheard: int) -> list[tuple[int, int, int]]:
    """Socket options for TCP: a probe after 15 s of silence, dead after three more at 5 s, and
    when for `unheard` seconds the other machine (not the engine) took nothing that was sent."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", unheard * 1000),
    ):
        if hasattr(socket, name):  # macOS lacks some
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
