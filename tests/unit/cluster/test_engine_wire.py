"""What goes over the wire to an engine, and what is made of what comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable

import pytest

from nap_compose.cluster.engine_wire import Answer, CutShort, HttpFault, HungUp, NoStatus, send


def sent(
    method: str,
    target: str = "/x",
    body: bytes | Iterable[bytes] | None = None,
    **headers: str,
) -> bytes:
    ours, theirs = socket.socketpair()
    heard = bytearray()

    def hear() -> None:
        while piece := theirs.recv(4096):
            heard.extend(piece)

    with ours, theirs:
        hearer = threading.Thread(target=hear)
        hearer.start()
        try:
            send(ours, (method, target), {"Host": "h", **headers}, body)
        finally:
            ours.shutdown(socket.SHUT_WR)
            hearer.join()
    return bytes(heard)


def answered(data: bytes, method: str = "GET") -> Answer:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(data)
        return Answer(ours, method)


def test_a_request_with_and_without_a_body() -> None:
    assert sent("GET") == b"GET /x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\n\r\n"
    assert sent("POST").endswith(b"\r\nContent-Length: 0\r\n\r\n")
    assert sent("POST", body=b"{}").endswith(b"\r\nContent-Length: 2\r\n\r\n{}")


def test_a_body_in_pieces_goes_out_in_chunks() -> None:
    there = sent("PUT", body=iter([b"one", b"", b"x" * 20]))
    head, _, body = there.partition(b"\r\n\r\n")
    assert head.endswith(b"Transfer-Encoding: chunked")
    assert body == b"3\r\none\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/\x7f", "/ü"])
def test_a_target_stays_in_its_line(target: str) -> None:
    with pytest.raises(HttpFault):
        sent("GET", target)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb"])
def test_a_header_stays_in_its_line(value: str) -> None:
    with pytest.raises(HttpFault):
        sent("GET", X=value)


def test_an_answer_with_a_length() -> None:
    answer = answered(
        b"HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
        b"X-Long: a\r\n  b\r\ncontent-length: 5\r\n\r\nhello and more"
    )
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert answer.headers["x-long"] == "a b"
    assert b"".join(answer.pieces(3)) == b"hello"
    assert not answer.last


def test_an_answer_that_is_shorter_than_announced() -> None:
    answer = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")
    with pytest.raises(CutShort):
        list(answer.pieces(100))


def test_an_answer_without_a_length_lasts_to_the_end() -> None:
    answer = answered(b"HTTP/1.1 200 OK\r\n\r\nto the end")
    assert answer.last
    assert b"".join(answer.pieces(4)) == b"to the end"


@pytest.mark.parametrize(
    ("head", "last"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive", False),
        (b"HTTP/1.0 200 OK", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_whether_the_connection_goes_on(head: bytes, last: bool) -> None:
    assert answered(head + b"\r\nContent-Length: 0\r\n\r\n").last is last


@pytest.mark.parametrize(
    ("first", "method"),
    [(b"204 No Content", "DELETE"), (b"304 Not Modified", "POST"), (b"200 OK", "HEAD")],
)
def test_answers_without_a_body(first: bytes, method: str) -> None:
    answer = answered(b"HTTP/1.1 %b\r\nContent-Length: 7\r\n\r\n" % first, method)
    assert list(answer.pieces(100)) == []
    assert not answer.last


def test_what_follows_a_switch_of_protocols_is_kept_for_who_takes_over() -> None:
    answer = answered(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nearly")
    assert answer.status == 101
    assert answer.file.peek() == b"early"


def test_go_on_is_no_answer() -> None:
    answer = answered(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n")
    assert answer.status == 201


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", HungUp),
        (b"\x15\x03\x01\x00\x02\x02\x16", NoStatus),
        (b"SSH-2.0-OpenSSH_9.2\r\n", NoStatus),
        (b"HTTP/1.1 abc\r\n\r\n", NoStatus),
        (b"HTTP/1.1 42\r\n\r\n", NoStatus),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", HttpFault),
        (b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 200, HttpFault),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000, HttpFault),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n", HungUp),
    ],
)
def test_what_is_no_answer(data: bytes, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        answered(data)
