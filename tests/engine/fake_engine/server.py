"""The fake engine's HTTP: a real socket, a thread for each connection, faults where asked for."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.engine.fake_engine import (  # noqa: F401 - they register
    build_routes,
    container_routes,
    image_routes,
    session_routes,
    usage_routes,
)
from tests.engine.fake_engine.faults import EngineFault, Fault, Recorded
from tests.engine.fake_engine.routes import Answer, Call, find

if TYPE_CHECKING:
    from tests.engine.fake_engine.engine import FakeEngine

_VERSIONED = re.compile(r"/v(\d+)\.(\d+)(/.*)")
_TLS_RECORD = b"\x16"


class Dropped(Exception):
    """This connection is to be closed at once."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on TCP or a unix socket; knows its connections, so that stopping closes them."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, engine: FakeEngine, address: Any, context: ssl.SSLContext | None) -> None:
        self.engine = engine
        self.context = context
        self.address_family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.alive = True
        self.open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET:
            super().server_bind()
        else:
            self.socket.bind(str(self.server_address))

    def hold(self, sock: socket.socket) -> None:
        """Remember an open connection."""
        with self._lock:
            self.open.add(sock)

    def let_go(self, sock: socket.socket) -> None:
        """Forget a connection that was closed."""
        with self._lock:
            self.open.discard(sock)

    def cut(self) -> None:
        """Close every connection at once, as a crash or a firewall would."""
        with self._lock:
            connections, self.open = self.open, set()
        for sock in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        if not isinstance(sys.exc_info()[1], OSError | ssl.SSLError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection: TLS where asked, then requests one after another."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.refused = False
        self.server.hold(self.request)
        with contextlib.suppress(OSError):
            self._open()
        super().setup()
        if self.server.address_family == socket.AF_INET:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _open(self) -> None:
        """Shake hands, or say what a real engine says to who speaks the wrong protocol."""
        shakes_hands = self.request.recv(1, socket.MSG_PEEK) == _TLS_RECORD
        if shakes_hands and self.server.context:
            plain = self.request
            try:
                self.request = self.server.context.wrap_socket(plain, server_side=True)
            except OSError:
                self.refused = True
                raise
            self.server.let_go(plain)
            self.server.hold(self.request)
        elif shakes_hands:
            self._refuse(b"HTTP/1.1 400 Bad Request", b"400 Bad Request")
        elif self.server.context:
            text = b"Client sent an HTTP request to an HTTPS server.\n"
            self._refuse(b"HTTP/1.0 400 Bad Request", text)

    def _refuse(self, status: bytes, text: bytes) -> None:
        self.refused = True
        self.request.sendall(status + b"\r\nConnection: close\r\n\r\n" + text)
        self.request.shutdown(socket.SHUT_WR)
        self.request.recv(65536)  # else the kernel resets, and the answer is lost

    def handle(self) -> None:
        if not self.refused:
            with contextlib.suppress(OSError):
                super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.server.let_go(self.request)

    def do_GET(self) -> None:
        try:
            self._answer()
        except Dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.request, socket.SHUT_RDWR)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the handler's names

    def log_message(self, *args: Any) -> None:
        """Nothing: tests read `engine.requests`."""

    def _answer(self) -> None:
        engine = self.server.engine
        body = self._body()
        parts = urlsplit(self.path)
        versioned = _VERSIONED.fullmatch(parts.path)
        version = (int(versioned[1]), int(versioned[2])) if versioned else engine.newest
        path = unquote(versioned[3] if versioned else parts.path)
        queries = parse_qsl(parts.query, keep_blank_values=True)
        query = dict(queries)
        headers = {key.lower(): value for key, value in self.headers.items()}
        engine.record(
            Recorded(
                self.command,
                path,
                query,
                _readable(body),
                f"{version[0]}.{version[1]}" if versioned else "",
                headers,
                time.monotonic(),
            )
        )
        fault = engine.fault_for(self.command, path)
        if fault and fault.meet:
            fault.meet.wait()
        engine.take_time(self.command, fault.delay if fault else 0.0)
        self._suffer(fault)
        call = Call(
            engine.world, engine, self.command, path, query, headers, body, version, self._alive
        )
        call.all_queries = queries
        try:
            if fault and fault.status:
                raise EngineFault(fault.status, fault.message)
            engine.check_version(version)
            handler, names = find(self.command, path)
            with engine.world.lock:
                engine.world.tick()
                answer = handler(call, *names)
        except EngineFault as error:
            if error.message == "page not found":
                engine.unknown.append(f"{self.command} {path}")
            answer = Answer(error.status, {"message": error.message})
        if answer.talk is not None:
            self._give_over(answer, fault.cut if fault else None)
            return
        self._send(answer, fault.cut if fault else None)

    def _alive(self) -> bool:
        return self.server.alive

    def _give_over(self, answer: Answer, cut: int | None) -> None:
        """From here on the connection belongs to a process; it ends with it, or breaks off after
        `cut` bytes."""
        head = {"Content-Type": answer.typed, "Connection": "Upgrade", "Upgrade": "tcp"}
        self.wfile.write(self._head(101, head).replace(b"Switching Protocols", b"UPGRADED"))
        left = [cut]

        def write(data: bytes) -> None:
            if left[0] is not None:
                self.wfile.write(data[: left[0]])
                left[0] -= len(data)
                if left[0] <= 0:
                    raise ConnectionAbortedError
                return
            self.wfile.write(data)

        assert answer.talk is not None
        try:
            answer.talk(self.rfile, write)
        except ConnectionAbortedError:
            raise Dropped from None
        self.close_connection = True
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.request, ssl.SSLSocket):
                self.request.settimeout(0.2)  # its goodbye is sent; the other side's may not come
                self.request.unwrap()

    def _suffer(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.hang:
            while self.server.alive and not fault.lifted.wait(0.05):
                pass
            raise Dropped
        if fault.garbage:
            self.wfile.write(fault.garbage)
            raise Dropped
        if fault.drop:
            raise Dropped

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self.rfile.readline().strip()
            if not line:
                raise Dropped  # the sender gave up in the middle
            size = int(line.partition(b";")[0], 16)
            chunk = self.rfile.read(size)
            self.rfile.readline()
            if not size:
                return
            yield chunk

    def _send(self, answer: Answer, cut: int | None) -> None:
        engine = self.server.engine
        head = {
            "Api-Version": engine.api,
            "Docker-Experimental": "false",
            "Ostype": "linux",
            "Server": f"Docker/{engine.release} (linux)",
            **(answer.headers or {}),
        }
        if isinstance(answer.body, Iterator):
            self._stream(answer, head, cut)
            return
        body = answer.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode() + b"\n"
        if body is not None:
            head["Content-Type"] = answer.typed
        if answer.status not in (204, 304):
            head["Content-Length"] = str(len(body or b""))
        text = b"" if self.command == "HEAD" else body or b""
        self.wfile.write(self._head(answer.status, head) + text[:cut])
        if cut is not None and cut < len(text):
            raise Dropped

    def _stream(self, answer: Answer, head: dict[str, str], cut: int | None) -> None:
        head |= {"Content-Type": answer.typed, "Transfer-Encoding": "chunked"}
        self.wfile.write(self._head(answer.status, head))
        sent = 0
        try:
            for piece in answer.body:
                if cut is not None and sent + len(piece) > cut:
                    part = piece[: cut - sent]
                    self.wfile.write(b"%x\r\n%b" % (len(piece), part))  # the rest never comes
                    raise Dropped
                sent += len(piece)
                if piece:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        except ConnectionAbortedError:
            raise Dropped from None
        if cut is not None:
            raise Dropped  # the end itself is what is missing
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, head: dict[str, str]) -> bytes:
        reason = self.responses.get(status, ("",))[0]
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{key}: {value}" for key, value in head.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _readable(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
