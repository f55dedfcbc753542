"""The program that nap runs beside a container, as it is shipped: real processes, real sockets."""

from __future__ import annotations

import base64
import os
import platform
import socket
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nap_compose.cluster import reach
from nap_compose.cluster.reach_program import PROGRAMS

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(MACHINE not in PROGRAMS, reason="nap has no program for this one")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reach") / "reach"
    path.write_bytes(zlib.decompress(base64.b64decode(PROGRAMS[MACHINE])))
    path.chmod(0o755)
    return path


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Serves one connection; gives the port."""
    opened: list[socket.socket] = []

    def one(act: Callable[[socket.socket], None]) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        opened.append(listening)

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                act(connection)

        threading.Thread(target=work, daemon=True).start()
        return int(listening.getsockname()[1])

    yield one
    for each in opened:
        each.close()


def start(program: Path, *words: object) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [str(program), *map(str, words)], stdin=pipe, stdout=pipe, stderr=pipe, env={}
    )


def all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_an_end_of_input_is_passed_on_alone(program, serve):
    port = serve(lambda connection: connection.sendall(all_of(connection)[::-1]))
    sent = os.urandom(3_000_001)
    out, err = start(program, port, "127.0.0.1").communicate(sent, timeout=PATIENCE)
    assert out == sent[::-1]
    assert err.split() == [b"c", b"0", b"e", b"3000001"]


def test_an_end_of_output_leaves_the_input_open(program, serve):
    got: list[bytes] = []
    done = threading.Event()

    def act(connection: socket.socket) -> None:
        connection.sendall(b"that is all")
        connection.shutdown(socket.SHUT_WR)
        got.append(all_of(connection))
        done.set()

    process = start(program, serve(act), "127.0.0.1")
    assert process.stderr is not None and process.stdin is not None
    assert [process.stderr.readline(), process.stderr.readline()] == [b"c 0\n", b"e 11\n"]
    process.stdin.write(b"x" * 100_000)
    process.stdin.close()
    assert done.wait(PATIENCE)
    assert got == [b"x" * 100_000]
    assert process.wait(PATIENCE) == 0
    process.kill()


def test_both_ways_at_once_where_neither_reads_before_it_has_written(program, serve):
    size = 2_000_000

    def act(connection: socket.socket) -> None:
        connection.sendall(b"s" * size)
        all_of(connection)

    process = start(program, serve(act), "127.0.0.1")
    out, _ = process.communicate(b"c" * size, timeout=PATIENCE)
    assert out == b"s" * size


def test_where_nobody_listens(program):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    process = start(program, port, "127.0.0.1", "::1")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (1, b"", b"r 111\n")


def test_the_first_address_that_takes_it(program, serve):
    port = serve(lambda connection: connection.sendall(b"here"))
    out, _ = start(program, port, "127.0.0.9", "127.0.0.1").communicate(b"", timeout=PATIENCE)
    assert out == b"here"


def test_without_a_port_it_waits_for_the_end_of_its_input(program):
    process = start(program)
    assert process.poll() is None
    process.communicate(b"anything", timeout=PATIENCE)
    assert process.returncode == 0


def test_the_image_is_known_by_its_content():
    names = reach.image_names()
    assert reach.IMAGE in names
    assert len(names) == 1 + len(PROGRAMS)
