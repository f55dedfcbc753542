"""What nap says to a Consul server and hears of it, byte by byte."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nap_compose.cluster.consul_servers import Servers
from nap_compose.cluster.state import StoreAway
from tests.engine.certificates import Authority

FINE = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nX-Consul-Index: 7\r\n\r\n{"Leader": "a"}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'9\r\n{"Leader"\r\n6\r\n: "a"}\r\n0\r\n\r\n'
)
LAST = FINE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
ELSEWHERE = b"HTTP/1.1 301 Moved\r\nLocation: http://10.1.1.1/\r\nContent-Length: 0\r\n\r\n"
NO_LEADER = b"HTTP/1.1 500 no\r\nContent-Length: 17\r\n\r\nNo cluster leader"
BROKEN = (FINE[:-3], CHUNKED[:-9])
"""After these the server hangs up."""


@dataclass
class Server:
    """Answers one request after the other with these words, each connection in turn; None: it
    hangs up on the request."""

    answers: list[bytes | None]
    tls: ssl.SSLContext | None = None
    heard: list[str] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            if self.tls:
                try:
                    talk = self.tls.wrap_socket(talk, server_side=True)
                except OSError:  # it isn't trusted
                    talk.close()
                    continue
            with talk, contextlib.suppress(ConnectionResetError):
                while asked := talk.recv(65536):
                    self.heard.append(asked.decode(errors="replace"))
                    answer = self.answers.pop(0) if self.answers else b""
                    if answer is None:
                        break
                    talk.sendall(answer)
                    if answer in BROKEN:
                        break

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it was closed before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


class Serving:
    """Servers, and who asks them."""

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.asking: list[Servers] = []

    def __call__(
        self,
        *answers: bytes | None,
        scheme: str = "http",
        tls: ssl.SSLContext | None = None,
        ca: Path | None = None,
    ) -> Servers:
        """Who asks one server that answers so, with a token."""
        self.servers.append(Server(list(answers), tls))
        url = f"{scheme}://127.0.0.1:{self.servers[-1].port}"
        self.asking.append(Servers([url], ca, "secret-token", answer_timeout=0.5, election=0.0))
        return self.asking[-1]

    @property
    def last(self) -> Server:
        return self.servers[-1]

    def close(self) -> None:
        for asking in self.asking:
            asking.close()
        for server in self.servers:
            server.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.close()


def test_one_connection_serves_all_requests_of_a_thread(serving: Serving) -> None:
    servers = serving(FINE, CHUNKED, FINE)
    assert [servers.read("/v1/x") for _ in range(3)] == [{"Leader": "a"}] * 3
    assert serving.last.connections == 1
    head, *lines = serving.last.heard[0].splitlines()
    assert head == "GET /v1/x?consistent= HTTP/1.1"
    assert f"Host: 127.0.0.1:{serving.last.port}" in lines
    assert "X-Consul-Token: secret-token" in lines


@pytest.mark.parametrize("first", [LAST, None])
def test_what_the_server_has_closed_is_not_asked_over(
    serving: Serving, first: bytes | None
) -> None:
    servers = serving(FINE, first, FINE)
    assert servers.read("/v1/x")
    if first is None:
        with pytest.raises(StoreAway, match="the connection broke"):
            servers.read("/v1/x")
    else:
        assert servers.read("/v1/x")
    assert servers.read("/v1/x")
    assert serving.last.connections == 2


def test_the_environment_has_no_say(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "another")
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "10.1.1.1:8500")
    monkeypatch.setenv("http_proxy", "http://10.1.1.1:3128")
    servers = serving(FINE)
    assert servers.read("/v1/x")
    assert "another" not in serving.last.heard[0]


@pytest.mark.parametrize(
    ("answer", "told", "may_be_done"),
    [
        (ELSEWHERE, "it sends nap elsewhere (301)", True),
        (b"SSH-2.0-OpenSSH\r\n", "'SSH-2.0-OpenSSH' is no HTTP", True),
        (BROKEN[0], "the connection broke: 3 bytes didn't come", True),
        (BROKEN[1], "the connection broke: the last chunk didn't come", True),
        (NO_LEADER, "No cluster leader", False),
    ],
)
def test_what_is_no_answer(serving: Serving, answer: bytes, told: str, may_be_done: bool) -> None:
    servers = serving(answer)
    doubts: list[str] = []
    with pytest.raises(StoreAway) as error:
        servers.call(lambda client: client.kv.get("x"), doubts)
    assert told in error.value.message
    assert bool(doubts) == may_be_done


def test_who_never_answers_is_left(serving: Serving) -> None:
    servers = serving(b"")
    doubts: list[str] = []
    with pytest.raises(StoreAway, match="no answer within"):
        servers.call(lambda client: client.kv.put("x", "y"), doubts)
    assert doubts


def test_what_was_never_asked_is_not_done(serving: Serving) -> None:
    doubts: list[str] = []
    gone = serving()
    serving.last.close()
    with pytest.raises(StoreAway, match="no connection: Connection refused"):
        gone.call(lambda client: client.kv.put("x", "y"), doubts)
    plain = serving(b"HTTP/1.1 400 what\r\n\r\n", scheme="https")
    with pytest.raises(StoreAway, match="TLS failed"):
        plain.call(lambda client: client.kv.put("x", "y"), doubts)
    assert doubts == []


def test_a_wait_for_a_change_may_last_longer_than_an_answer(serving: Serving) -> None:
    servers = serving(FINE.replace(b'{"Leader": "a"}', b"[]             "))
    index, rows = servers.call(
        lambda client: client.kv.get("x", recurse=True, index=6, wait="2000ms")
    )
    assert (index, rows) == ("7", [])
    assert "wait=2000ms" in serving.last.heard[0]


def test_a_ca_that_is_renewed_counts_from_then_on(serving: Serving, tmp_path: Path) -> None:
    """Without a new start: a watcher runs for months."""
    former, renewed = (tmp_path / name for name in ("former", "renewed"))
    former.mkdir()
    renewed.mkdir()
    signer = Authority(renewed)
    pair = signer.issue("consul", addresses=("127.0.0.1",))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.cert, pair.key)
    ca = Authority(former).ca
    servers = serving(FINE, scheme="https", tls=tls, ca=ca)
    with pytest.raises(StoreAway, match="TLS failed"):
        servers.read("/v1/x")
    ca.write_bytes(signer.ca.read_bytes())
    os.utime(ca, ns=(0, ca.stat().st_mtime_ns + 1))
    assert servers.read("/v1/x")
