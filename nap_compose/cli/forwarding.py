"""The person's side of `nap port-forward`: sockets that listen, and connections to them."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nap_compose.cli.output.terminal import Terminal
from nap_compose.errors import NapError
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Packet
    from nap_compose.cli.port_forward import Mapping

_PIECE = 64 * 1024
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Forwarder:
    """See `border.Wire`. To be used in a `with`, in the main thread: Ctrl-C ends it."""

    def __init__(
        self, address: str, mappings: Sequence[Mapping], terminal: Terminal, name: str
    ) -> None:
        self._terminal, self._name = terminal, name
        self._said: queue.SimpleQueue[Packet | None] = queue.SimpleQueue()
        self._connections: dict[int, _Connection] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._handlers: dict[signal.Signals, Any] = {}
        self._sockets = [(_listening(address, each), each) for each in mappings]

    def __enter__(self) -> Forwarder:
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, lambda *_: self.close())
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for listening, _ in self._sockets:
            listening.close()
        with self._lock:
            there = list(self._connections.values())
        for each in there:
            each.close()

    def open(self, *, tty: bool) -> None:  # noqa: ARG002 - as the border has it
        """The container is reached: listen, and say where."""
        for listening, mapping in self._sockets:
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._terminal.say(f"{shown}:{port} -> {self._name}:{mapping.remote}")
            threading.Thread(target=self._accept, args=(listening, mapping), daemon=True).start()
        self._terminal.flush()

    def heard(self) -> Iterator[Packet]:
        """What comes from the connections, until the end."""
        while (packet := self._said.get()) is not None:
            yield packet

    def show(self, source: str, data: bytes) -> None:
        """Something of a connection came from the other side; never waits."""
        from nap_compose.border import Sort

        word, number, count = source.split()
        with self._lock:
            connection = self._connections.get(int(number))
            if connection is not None and word == Sort.GONE.value:
                del self._connections[int(number)]
        if connection is None:
            return
        if word == Sort.TAKEN.value:
            connection.credit.give(int(count))
        elif word == Sort.GONE.value:
            if data:
                self._terminal.tell(f"nap: {plain(data.decode(errors='replace'))}")
            connection.end(broken=bool(data))
        else:
            connection.coming.put(data if word == Sort.DATA.value else b"")

    def close(self) -> None:
        """It is over: `heard` ends."""
        self._said.put(None)

    def _accept(self, listening: socket.socket, mapping: Mapping) -> None:
        from nap_compose.border import MOST_CONNECTIONS, Packet, Sort

        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            number = next(self._numbers)
            connection = _Connection(number, taken, self._said)
            with self._lock:
                full = len(self._connections) >= MOST_CONNECTIONS
                if not full:
                    self._connections[number] = connection
            if full:
                self._terminal.tell(f"nap: more than {MOST_CONNECTIONS} connections at once")
                taken.close()
                continue
            self._said.put(Packet(Sort.OPENED, number, number=mapping.remote))
            connection.start()


class _Connection:
    """One connection of this machine."""

    def __init__(
        self, number: int, taken: socket.socket, said: queue.SimpleQueue[Packet | None]
    ) -> None:
        from nap_compose.border import WINDOW, Credit

        self._number, self._socket, self._said = number, taken, said
        self.credit = Credit(WINDOW)
        self.coming: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broken = False
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        """Carry it, in threads of its own."""
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def end(self, *, broken: bool) -> None:
        """The other side is gone: what came from there is still passed on."""
        self._broken = broken
        self.credit.end()
        self.coming.put(None)

    def close(self) -> None:
        """End it at once."""
        self.end(broken=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        from nap_compose.border import Packet, Sort

        while True:
            try:
                data = self._socket.recv(_PIECE)
            except OSError:
                self._said.put(Packet(Sort.GONE, self._number))
                return
            if not data:
                self._said.put(Packet(Sort.ENDED, self._number))
                return
            if not self.credit.spend(len(data)):
                return
            self._said.put(Packet(Sort.DATA, self._number, data))

    def _write(self) -> None:
        from nap_compose.border import Packet, Sort

        try:
            while (data := self.coming.get()) is not None:
                if data:
                    self._socket.sendall(data)
                    self._said.put(Packet(Sort.TAKEN, self._number, number=len(data)))
                else:
                    self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._said.put(Packet(Sort.GONE, self._number))
        if self._broken:  # to be noticed as such: a reset, no orderly end
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)
        self._socket.close()


def _listening(address: str, mapping: Mapping) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, mapping.local))
        found.listen(128)
    except OSError as error:
        found.close()
        raise NapError(
            f"can't listen on {address}:{mapping.local}: {os.strerror(error.errno or 0)}",
            hint=f"take another port: 1{mapping.remote % 10000:04}:{mapping.remote}, or "
            f":{mapping.remote} for any that is free",
        ) from None
    return found
