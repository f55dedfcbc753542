"""HTTP to one engine: versioned requests, JSON answers, streams, and faults that say what to do.

The transport knows nothing of containers; `engine_client` does. It is safe to use from several
threads at once: each request has a connection to itself for as long as it lasts.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any
from urllib.parse import quote, urlencode

from nap_compose import __version__
from nap_compose.cluster import engine_faults as faults
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.engine import Conflict, EngineAway, EngineError, NotFound
from nap_compose.cluster.engine_ahead import Begun
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.engine_pool import CONNECT_TIMEOUT, Connection, Pool
from nap_compose.cluster.engine_stream import FAULTS, Stream
from nap_compose.cluster.loaded import of_ssl
from nap_compose.cluster.view import Absence
from nap_compose.plaindata import dataclass

OLDEST_API = (1, 40)
NEWEST_API = (1, 51)
"""The newest version that nap was tested with; a newer engine is asked to speak this one."""

READ_TIMEOUT = 30.0
CHANGE_TIMEOUT = 120.0
"""For what changes something: an engine under load takes its time, and giving up helps nobody."""

_LONGEST_ERROR = 64 * 1024
_OK, _NOT_MODIFIED, _BAD_REQUEST = 200, 304, 400
_NOT_ALLOWED = (401, 403)
_REPEATABLE = ("GET", "HEAD", "PUT")
_OTHER_VERSION = re.compile(r"client version [\d.]+ is too (new|old)")

Query = Mapping[str, str | Sequence[str]]
"""A word with several values is given that often."""


@dataclass(frozen=True)
class Request:
    """One request; `path` is without the version. `timeout` is for each read, None for ever.

    A `body` that comes in pieces is sent as it comes, never whole in memory; what its source
    raises passes through, and the engine sees such a request break off.
    """

    method: str
    path: str
    query: Query = field(default_factory=dict)
    body: bytes | Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = READ_TIMEOUT

    def target(self, api: str) -> str:
        """What stands in the request line."""
        version = f"/v{api}" if api else ""
        query = f"?{urlencode(self.query, doseq=True)}" if self.query else ""
        return f"{version}{self.path}{query}"

    @property
    def streamed(self) -> bool:
        """Whether the body comes in pieces, which are gone once they are sent."""
        return not isinstance(self.body, bytes | None)

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent once more where nobody knows if it was heard."""
        return self.method in _REPEATABLE and not self.streamed


class _SourceFailed(Exception):
    """The source of a streamed body raised its cause: no fault of the connection."""


class Transport:
    """Requests to one host's engine. Raises EngineAway and EngineError, nothing else of its own."""

    def __init__(self, host: Host) -> None:
        self.host = host.name
        self.endpoint = endpoint_of(host)
        self._pool = Pool(host.name, self.endpoint)
        self._api = ""

    @property
    def api(self) -> str:
        """The version agreed with this engine, asked for at the first call and kept."""
        if not self._api:
            # Threads that come together each ask: waiting for one another would add up timeouts.
            self._api = self._agree()
        return self._api

    def call(self, request: Request) -> Any:
        """The JSON of the answer; None where it has none (204, 304)."""
        text = None if self._api else self._at_first(request)
        if text is None:
            with self.open(request) as stream:
                text = stream.read()
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise faults.no_engine(self.host, self.endpoint) from None

    def open(self, request: Request) -> Stream:
        """The answer as a stream, to be used in a `with`; an error is raised before."""
        stream = self._send(request, self.api)
        if stream.status < 300 or stream.status == _NOT_MODIFIED:
            return stream
        error = self._error(stream)
        if not _OTHER_VERSION.search(error.message) or request.streamed:
            raise error
        # The engine was replaced by another release since the version was agreed. It refused the
        # request as a whole, so sending it again does nothing twice.
        self._api = ""
        stream = self._send(request, self.api)
        if stream.status >= 300 and stream.status != _NOT_MODIFIED:
            raise self._error(stream)
        return stream

    def begin(self) -> Begun | None:
        """Begin to connect, ahead of the first request."""
        return self._pool.begin()

    def close(self) -> None:
        """Close every connection and forget the agreed version."""
        self._pool.close()
        self._api = ""

    def _at_first(self, request: Request) -> bytes | None:
        """The answer to a question that is put before a version is agreed; None where it is no such
        question, or has to be put again.

        Engines then speak their newest version, and every answer says which that is: so nobody need
        ask for it first. One that is too new for nap is asked again in the version that nap knows.
        Whatever is odd about the answer, `_agree` finds the words for it.
        """
        if request.method != "GET":
            return None
        with self._send(request, "") as stream:
            newest = _told(stream.header("Api-Version"))
            if stream.status != _OK or newest is None or newest < OLDEST_API:
                return None
            text = stream.read()
        self._api = _text(min(newest, NEWEST_API))
        return text if newest <= NEWEST_API else None

    def _agree(self) -> str:
        with self._send(Request("GET", "/version"), "") as stream:
            if stream.status != _OK:
                raise self._refusal(stream)
            try:
                answer = json.loads(stream.read())
                newest = _version(answer["ApiVersion"])
                oldest = _version(answer.get("MinAPIVersion") or "1.0")
            except (ValueError, KeyError, TypeError, AttributeError):
                raise faults.no_engine(self.host, self.endpoint) from None
        if newest < OLDEST_API:
            raise EngineError(
                self.host,
                _BAD_REQUEST,
                f"the engine is too old: its API is {_text(newest)}, nap needs "
                f"{_text(OLDEST_API)} or newer (Docker 19.03)",
                hint="update Docker on that host",
            )
        if oldest > NEWEST_API:
            raise EngineError(
                self.host,
                _BAD_REQUEST,
                f"the engine is too new: it wants API {_text(oldest)} or newer, this nap speaks "
                f"{_text(NEWEST_API)}",
                hint="update nap",
            )
        return _text(min(newest, NEWEST_API))

    def _send(self, request: Request, api: str) -> Stream:
        # What can't be sent twice shouldn't meet a connection that the engine has just closed.
        connection = self._pool.take(fresh=request.streamed)
        try:
            return self._ask(connection, request, api)
        except _SourceFailed as failed:
            raise failed.__cause__ or failed from None
        except FAULTS as error:
            kept = not connection.fresh
            hung_up = isinstance(error, _hung_up()) and not isinstance(
                error, ConnectionRefusedError
            )
            if not (kept and hung_up and request.repeatable):
                raise self._fault(connection, error, request.timeout) from None
        # An engine may close an idle connection just as it is used again: no fault of anybody.
        connection = self._pool.take(fresh=True)
        try:
            return self._ask(connection, request, api)
        except FAULTS as error:
            raise self._fault(connection, error, request.timeout) from None

    def _ask(self, connection: Connection, request: Request, api: str) -> Stream:
        try:
            return self._asked(connection, request, api)
        except BaseException:
            self._pool.drop(connection)
            raise

    def _asked(self, connection: Connection, request: Request, api: str) -> Stream:
        if not connection.connected:
            connection.connect()
        connection.wait_at_most(request.timeout)
        headers = {"User-Agent": f"nap/{__version__}", **request.headers}
        # It may hang up while we are still sending; what it said before (a TLS alert, an early
        # error) is the better explanation, and reading brings it up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(request.method, request.target(api), _to_send(request), headers)
        answer = connection.answer(request.method)

        def broken(error: BaseException, seconds: float | None) -> EngineAway:
            return self._broken(connection, error, seconds)

        return Stream(self._pool, connection, answer, broken, request.timeout)

    def _fault(
        self, connection: Connection, error: BaseException, timeout: float | None
    ) -> EngineAway:
        if connection.shaking_hands and not _says_more(error):
            timed_out = isinstance(error, TimeoutError)
            return EngineAway(
                self.host,
                Absence.TIMEOUT if timed_out else Absence.BROKEN,
                f"{self.endpoint} didn't go through with the TLS handshake",
                hint="does it speak TLS on that port?",
            )
        if connection.gone_silent:
            return faults.silent(self.host, self.endpoint)
        waited = timeout if connection.connected else CONNECT_TIMEOUT
        return faults.away(self.host, self.endpoint, error, seconds=waited or 0)

    def _broken(
        self, connection: Connection, error: BaseException, seconds: float | None
    ) -> EngineAway:
        if connection.gone_silent:
            return faults.silent(self.host, self.endpoint)
        if isinstance(error, TimeoutError):
            return faults.away(self.host, self.endpoint, error, seconds=seconds or 0)
        return faults.lost(self.host, self.endpoint)

    def _refusal(self, stream: Stream) -> EngineAway:
        """Why the very first question wasn't answered."""
        error = self._error(stream)
        if isinstance(error, EngineAway):
            return error
        if stream.status in _NOT_ALLOWED:
            return EngineAway(
                self.host, Absence.REFUSED, f"{self.endpoint} lets us do nothing: {error.message}"
            )
        if stream.status >= 500:
            return EngineAway(
                self.host, Absence.BROKEN, f"the engine at {self.endpoint} fails: {error.message}"
            )
        return faults.no_engine(self.host, self.endpoint)

    def _error(self, stream: Stream) -> EngineError | EngineAway:
        with stream:
            text = b""
            for piece in stream.pieces():
                text += piece
                if len(text) > _LONGEST_ERROR:
                    break
        message = _message(text)
        if "HTTP request to an HTTPS server" in message:
            return faults.wants_tls(self.host, self.endpoint)
        return engine_error(self.host, stream.status, message)


def engine_error(host: str, status: int, message: str) -> EngineError:
    """The error for an engine's answer; `message` is its own words."""
    kinds: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
    said = message.strip() or f"the engine answered {status} without a word"
    return kinds.get(status, EngineError)(host, status, said)


def in_path(host: str, name: str, *, slashes: bool = False) -> str:
    """A name as one part of a path (an image's may have `slashes`), unable to leave it.

    Raises EngineError where it would: such a name no engine has.
    """
    parts = name.split("/") if slashes else [name]
    if any(part in ("", ".", "..") for part in parts):
        raise EngineError(host, _BAD_REQUEST, f"'{name}' is no name")
    return quote(name, safe="/:@" if slashes else ":")


def _to_send(request: Request) -> bytes | Iterator[bytes] | None:
    """The body; one that comes in pieces goes out in chunks."""
    body = request.body
    return body if isinstance(body, bytes | None) else _told_apart(body)


def _told_apart(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces; a failure of their source looks like none of the connection's."""
    try:
        yield from pieces
    except Exception as error:
        raise _SourceFailed from error


def _hung_up() -> tuple[type[BaseException], ...]:
    """What tells that the other side has closed a connection."""
    return (ConnectionError, *of_ssl("SSLEOFError", "SSLZeroReturnError"))


def _says_more(error: BaseException) -> bool:
    """Whether a fault in a TLS handshake has a better name than its having failed."""
    return isinstance(error, of_ssl("SSLError")) and not isinstance(error, _hung_up())


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _told(version: str) -> tuple[int, int] | None:
    """The version that an answer's head tells; None where it tells none."""
    try:
        return _version(version)
    except ValueError:
        return None


def _text(version: tuple[int, int]) -> str:
    return ".".join(str(number) for number in version)
