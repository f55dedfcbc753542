"""Carrying connections to ports in containers: `nap port-forward`, on the side with the keys."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from nap_compose.border import (
    MOST_CONNECTIONS,
    WINDOW,
    Credit,
    ForwardRequest,
    Packet,
    Sort,
    Wire,
)
from nap_compose.cluster.engine import Engine, EngineError, Json, Talk
from nap_compose.cluster.reach import Reach, open_reach
from nap_compose.control.parts import Parts
from nap_compose.control.replicas import named, running_replica
from nap_compose.errors import NapError, WrongUse
from nap_compose.plaindata import dataclass

REFUSED = 111
"""Linux's number for a connection that nobody takes."""

Show = Callable[[Sort, int, bytes, int], None]


def forward(
    parts: Parts, request: ForwardRequest, wire: Wire, on_host: Callable[[str], None]
) -> None:
    """Carry connections until the person has had enough; see `border.Forwarding`."""
    ways = _Ways(parts, request, on_host)
    carried: dict[int, _Connection] = {}

    def show(sort: Sort, connection: int, data: bytes = b"", number: int = 0) -> None:
        wire.show(f"{sort.value} {connection} {number}", data)

    try:
        ways.ready()
        wire.open(tty=False)
        for packet in wire.heard():
            if not isinstance(packet, Packet):
                raise WrongUse("the border carries packets here, and nothing else")
            _take(packet, carried, ways, show)
    finally:
        for each in list(carried.values()):
            each.close()
        ways.close()
        wire.close()


def _take(packet: Packet, carried: dict[int, _Connection], ways: _Ways, show: Show) -> None:
    known = carried.get(packet.connection)
    if packet.sort is Sort.OPENED:
        for number in [number for number, each in carried.items() if each.over]:
            del carried[number]
        if known is not None or len(carried) >= MOST_CONNECTIONS:
            raise WrongUse(f"more than {MOST_CONNECTIONS} connections at once")
        connection = _Connection(packet.connection, packet.number, ways, show)
        carried[packet.connection] = connection
        connection.start()
    elif known is not None:
        known.take(packet)


class _Coming:
    """What has come of a connection and isn't passed on yet: twice the window at the most, since a
    last piece may be larger than what was left of that."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False
        self._changed = threading.Condition()

    def put(self, data: bytes) -> bool:
        """Add to it; False where it is more than there may be."""
        with self._changed:
            if self._ended:
                return True
            self._data += data
            self._changed.notify()
            return len(self._data) <= 2 * WINDOW

    def end(self) -> None:
        """No more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def close(self) -> None:
        """Nothing of it is wanted any more."""
        with self._changed:
            self._data.clear()
            self._ended = True
            self._changed.notify()

    def take(self) -> bytes:
        """All that is there, once something is; nothing where no more comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._data or self._ended)
            data = bytes(self._data)
            self._data.clear()
            return data


class _Connection:
    """One connection: what comes from the person goes to a process beside the container, and what
    that prints to the person."""

    def __init__(self, number: int, port: int, ways: _Ways, show: Show) -> None:
        self._number, self._port = number, port
        self._ways, self._show = ways, show
        self._credit = Credit(WINDOW)
        self._coming = _Coming()
        self._talk: Talk | None = None
        self.over = False

    def start(self) -> None:
        """Carry it, in threads of its own."""
        threading.Thread(target=self._carry, daemon=True).start()

    def take(self, packet: Packet) -> None:
        """Something of it came from the person's side."""
        if packet.sort is Sort.TAKEN:
            self._credit.give(packet.number)
        elif packet.sort is Sort.GONE:
            self.close()
        elif packet.sort is Sort.ENDED:
            self._coming.end()
        elif not self._coming.put(packet.data):  # whoever sends keeps to no window
            self.close()

    def close(self) -> None:
        """End it."""
        self.over = True
        self._credit.end()
        self._coming.close()
        if self._talk is not None:
            self._talk.close()

    def _carry(self) -> None:
        reason = ""
        # Once the person has gone nothing that is shown arrives, and nothing is to go on.
        with contextlib.suppress(BaseException):
            try:
                way = self._ways.to(self._port)
                self._talk = way.talk
                if not self.over:
                    threading.Thread(target=self._pass_on, args=(way.talk,), daemon=True).start()
                    self._pass_back(way)
            except NapError as error:
                reason = "" if self.over else str(error)
            finally:
                self.close()
            self._show(Sort.GONE, self._number, reason.encode(), 0)

    def _pass_on(self, talk: Talk) -> None:
        with contextlib.suppress(BaseException):
            while data := self._coming.take():
                talk.write(data)
                self._show(Sort.TAKEN, self._number, b"", len(data))
            if not self.over:
                talk.end_input()

    def _pass_back(self, way: _Way) -> None:
        """Both outputs come one after the other, but not always in their order: only the count
        tells where the data ends."""
        gone, whole = 0, -1
        for source, data in way.pieces:
            if source == "stdout":
                gone += len(data)
                if not self._credit.spend(len(data)):
                    return
                self._show(Sort.DATA, self._number, data, 0)
            else:
                for line in data.splitlines():
                    letter, _, count = line.decode(errors="replace").partition(" ")
                    whole = int(count) if letter in "ex" and count.isdecimal() else whole
            if gone == whole:
                self._show(Sort.ENDED, self._number, b"", 0)
                whole = -1


@dataclass
class _Way:
    """A connection that was made: its process, and what that prints after it said so."""

    talk: Talk
    pieces: Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class _Target:
    engine: Engine
    container: str
    started: str
    reach: Reach


class _Ways:
    """Ways to the replica, wherever it is by now."""

    def __init__(
        self, parts: Parts, request: ForwardRequest, on_host: Callable[[str], None]
    ) -> None:
        self._parts, self._request, self._on_host = parts, request, on_host
        self._lock = threading.Lock()
        self._target: _Target | None = None
        self._closed = False

    def ready(self) -> None:
        """Find the replica and reach into its network; raises NapError."""
        with self._lock:
            if self._closed:
                raise NapError("it is over")
            if self._target is None:
                self._target = self._found()

    def to(self, port: int) -> _Way:
        """A new connection; where the replica has moved or was started again, to where it is
        now. Raises NapError."""
        if port not in self._request.ports:
            raise WrongUse(f"port {port} wasn't asked for")
        self.ready()
        target = self._target
        try:
            return self._connected(target, port)
        except NapError:
            if target is None or self._is_as_it_was(target):
                raise
        self._let_go(target)
        self.ready()
        return self._connected(self._target, port)

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._closed = True
        self._let_go(self._target)

    def _found(self) -> _Target:
        target = self._request.target
        container = running_replica(self._parts, target)
        engine = self._parts.engines.on(container.host)
        inspected = engine.inspect_container(container.id)
        self._on_host(container.host)
        reach = open_reach(
            engine,
            inspected,
            cluster=self._parts.cluster.name,
            owner=target.owner,
            seal=self._parts.seal,
        )
        return _Target(engine, container.id, _started(inspected), reach)

    def _connected(self, target: _Target | None, port: int) -> _Way:
        if target is None:
            raise NapError("it is over")
        talk = target.reach.connect(port)
        pieces = talk.pieces()
        early: list[tuple[str, bytes]] = []
        try:
            for source, data in pieces:
                if source == "stdout":
                    early.append((source, data))
                elif data.startswith(b"c"):
                    rest = data.partition(b"\n")[2]
                    early += [("stderr", rest)] if rest else []
                    return _Way(talk, _chained(early, pieces))
                else:
                    raise self._refused(port, data)
            raise self._refused(port, b"")
        except BaseException:
            talk.close()
            raise

    def _refused(self, port: int, said: bytes) -> NapError:
        number = said.split()[1:2] if said.startswith(b"r ") else []
        why = "nobody listens on" if number == [b"%d" % REFUSED] else "nothing answers on"
        return NapError(f"{why} port {port} of {named(self._request.target)}")

    def _is_as_it_was(self, target: _Target) -> bool:
        try:
            now = target.engine.inspect_container(target.container)
        except EngineError:
            return False
        running = bool((now.get("State") or {}).get("Running"))
        return running and _started(now) == target.started

    def _let_go(self, target: _Target | None) -> None:
        if target is None:
            return
        with self._lock:
            if self._target is target:
                self._target = None
        target.reach.close()


def _chained(
    early: list[tuple[str, bytes]], pieces: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    yield from early
    yield from pieces


def _started(inspected: Json) -> str:
    return str((inspected.get("State") or {}).get("StartedAt"))
