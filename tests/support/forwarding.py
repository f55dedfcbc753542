"""The person's end of `nap port-forward`: the ports that it gave, and what comes back over them."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 120.0
INTERRUPTED = 130


@contextmanager
def forwarded(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """The local ports, in the order asked for; Ctrl-C at the end."""
    assert process.stdout is not None and process.stderr is not None
    ports: list[int] = []
    try:
        count = sum(1 for word in map(str, process.args) if word.startswith(":"))  # type: ignore[union-attr]
        while len(ports) < count:
            line = process.stdout.readline()
            assert " -> " in line, process.stderr.read()
            ports.append(int(line.partition(" -> ")[0].rpartition(":")[2]))
        yield ports
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == INTERRUPTED
    finally:
        if process.poll() is None:
            process.kill()
        print("nap said:", process.communicate()[1])


def connected(port: int) -> socket.socket:
    """A connection to it."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def all_of(connection: socket.socket) -> bytes:
    """All that still comes."""
    with connection:
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def answers(port: int) -> bool:
    """Whether what is sent comes back, by a new connection."""
    try:
        connection = connected(port)
        connection.sendall(b"still there?")
        connection.shutdown(socket.SHUT_WR)
        return all_of(connection) == b"still there?"
    except OSError:
        return False


def echoed(port: int, size: int) -> float:
    """Send so many bytes and get each back; gives how long that took, in seconds."""
    sent = random.Random(size).randbytes(size)
    connection = connected(port)
    began = time.monotonic()

    def send() -> None:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    assert all_of(connection) == sent
    sending.join(PATIENCE)
    return time.monotonic() - began
