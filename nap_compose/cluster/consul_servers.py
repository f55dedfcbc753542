"""Consul's servers: each asked in turn until one answers, and what went wrong in one sentence."""

from __future__ import annotations

import json
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from nap_compose.cluster.consul_wire import (
    CB,
    CONNECT_TIMEOUT,
    ACLDisabled,
    ACLPermissionDenied,
    Client,
    ClientError,
    ConsulException,
    NotAsked,
    NotFound,
    SlowToConnect,
    TlsFailed,
    Wire,
)
from nap_compose.cluster.engine_tls import written
from nap_compose.cluster.state import StoreAway

ANSWER_TIMEOUT = 10.0
"""Seconds. Consul itself holds a request for 7 s while it has no leader, and for longer when its
leader is cut off in the middle of one."""

ELECTION = 20.0
"""Seconds to wait for Consul to choose a new leader."""

_NOT_DONE = ("No cluster leader", "failed to get conn", "not the leader")
"""Errors of a server that had no leader to give the request to: nothing was done."""

T = TypeVar("T")


class Servers:
    """Asks the server that answered last, then each of the others.

    Each thread has connections of its own. The CA is pinned and the token goes in a header, both
    whatever the environment says.
    """

    def __init__(
        self,
        urls: Sequence[str],
        ca: Path | None,
        token: str,
        *,
        answer_timeout: float = ANSWER_TIMEOUT,
        election: float = ELECTION,
    ) -> None:
        self._urls = tuple(urls)
        self._ca = ca
        self._token = token
        self._answer_timeout = answer_timeout
        self._election = election
        self._first = 0
        self._guard = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._context_at = 0
        self._clients: weakref.WeakKeyDictionary[threading.Thread, dict[str, Client]]
        self._clients = weakref.WeakKeyDictionary()

    def in_haste(self) -> Servers:
        """The same servers for who asks again anyway, and would rather not wait for one."""
        return Servers(self._urls, self._ca, self._token, answer_timeout=2.0, election=0.0)

    def call(self, ask: Callable[[Any], T], doubts: list[str] | None = None) -> T:
        """What `ask` gives for a Consul client, by the first server that answers.

        A request may so be made twice. Where that isn't the same as once, hand in a list: it gets
        a word for each server that may have done what was asked and didn't say so. Raises
        StoreAway, and lets through what Consul says of the request itself (ClientError, NotFound).
        """
        deadline = time.monotonic() + self._election
        while True:
            problems: dict[str, str] = {}
            leaderless = False
            for at in self._in_turn():
                url = self._urls[at]
                try:
                    answer = ask(self._client(url))
                except (ACLPermissionDenied, ACLDisabled) as error:
                    raise self.refused(str(error)) from error
                except (ClientError, NotFound):
                    raise
                except (OSError, ConsulException) as error:
                    self._first = (at + 1) % len(self._urls)
                    problems[url] = self._phrase(error)
                    leaderless = leaderless or isinstance(error, ConsulException)
                    if doubts is not None and not _was_not_done(error):
                        doubts.append(f"{url}: {problems[url]}")
                else:
                    self._first = at
                    return answer
            if not leaderless or time.monotonic() >= deadline:
                raise _away(problems)
            time.sleep(0.5)

    def read(self, path: str, **params: str) -> Any:
        """The JSON of `GET path`, as the servers' leader knows it: a server that is cut off from
        the others gives none. Raises StoreAway."""
        given = [("consistent", ""), *params.items()]
        return self.call(
            lambda client: client.http.get(
                CB.json(), path, params=given, headers=client.prepare_headers()
            )
        )

    def send(self, path: str, body: Any) -> None:
        """`PUT path` with a body of JSON, which does the same however often it is done. Raises
        StoreAway."""
        text = json.dumps(body)
        self.call(
            lambda client: client.http.put(
                CB.boolean(), path, headers=client.prepare_headers(), data=text
            )
        )

    def _in_turn(self) -> list[int]:
        count = len(self._urls)
        return [(self._first + number) % count for number in range(count)]

    def refused(self, said: str) -> StoreAway:
        """What is to be said when Consul doesn't let nap's token do something."""
        return StoreAway(
            f"Consul refuses nap's token: {said}",
            hint="look at `token_file` under `consul` in the cluster file, and at its policy",
        )

    def close(self) -> None:
        """Close the connections of every thread; they are made again if need be."""
        with self._guard:
            every = [client for each in self._clients.values() for client in each.values()]
            self._clients.clear()
        for client in every:
            client.http.close()

    def _client(self, url: str) -> Client:
        with self._guard:
            mine = self._clients.setdefault(threading.current_thread(), {})
        if url not in mine:
            mine[url] = self._connect(url)
        return mine[url]

    def _connect(self, url: str) -> Client:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        wire = Wire(
            parts.hostname or "localhost",
            parts.port or (8501 if secure else 8500),
            self._tls if secure else None,
            self._token,
            self._answer_timeout,
        )
        return Client(wire, self._token)

    def _tls(self) -> ssl.SSLContext:
        """One for all connections: it accepts what the pinned CA signed, or without one what the
        system's do. Who runs for months sees the CA renewed. Raises TlsFailed where its file is
        none."""
        at = written(self._ca) if self._ca else 0
        with self._guard:
            if self._context is None or self._context_at != at:
                self._context, self._context_at = _context_of(self._ca), at
            return self._context

    def _phrase(self, error: Exception) -> str:
        if isinstance(error, ConsulException):
            return str(error).removeprefix("500 ").strip()
        if isinstance(error, SlowToConnect):
            return f"no connection within {CONNECT_TIMEOUT:.0f} s"
        if isinstance(error, TlsFailed):
            return f"TLS failed: {_innermost(error)}"
        if isinstance(error, NotAsked):
            return f"no connection: {_innermost(error)}"
        if isinstance(error, TimeoutError):
            return f"no answer within {self._answer_timeout:.0f} s"
        return f"the connection broke: {_innermost(error)}"


def _context_of(ca: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca:
            context.load_verify_locations(cafile=ca)
        else:
            context.load_default_certs()
    except OSError as error:
        raise TlsFailed from error
    return context


def _was_not_done(error: Exception) -> bool:
    """Whether the request certainly had no effect."""
    if isinstance(error, ConsulException):
        return any(word in str(error) for word in _NOT_DONE)
    return isinstance(error, NotAsked)


def _innermost(error: BaseException) -> str:
    """What the system said, without the layers of libraries around it."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
        if inner is None:
            return getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
        seen = inner


def _away(problems: dict[str, str]) -> StoreAway:
    details = "; ".join(f"{url}: {problem}" for url, problem in problems.items())
    return StoreAway(
        f"Consul doesn't answer ({details})",
        hint="containers run on and `nap ps` works; changes wait until Consul is back",
    )
