"""Consul's servers: each asked in turn until one answers, and what went wrong in one sentence."""

from __future__ import annotations

import json
import socket
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from nap_compose import spared
from nap_compose.cluster.state import StoreAway

with spared.patterns:
    import consul
    import requests
    from consul.callback import CB
    from consul.exceptions import (
        ACLDisabled,
        ACLPermissionDenied,
        ClientError,
        ConsulException,
        NotFound,
    )
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
    from urllib3.exceptions import MaxRetryError, NewConnectionError

CONNECT_TIMEOUT = 2.0
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
        self._clients: weakref.WeakKeyDictionary[threading.Thread, dict[str, Any]]
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
                except (OSError, ConsulException) as error:  # what requests raises is an OSError
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
            client.http.session.close()

    def _client(self, url: str) -> Any:
        with self._guard:
            mine = self._clients.setdefault(threading.current_thread(), {})
        if url not in mine:
            mine[url] = self._connect(url)
        return mine[url]

    def _connect(self, url: str) -> Any:
        parts = urlsplit(url)
        host = parts.hostname or "localhost"
        client = consul.Consul(
            host=f"[{host}]" if ":" in host else host,
            port=parts.port or (8501 if parts.scheme == "https" else 8500),
            scheme=parts.scheme,
            verify=str(self._ca) if self._ca else True,
            connections_timeout=self._answer_timeout,
        )
        # The library lets CONSUL_HTTP_TOKEN win, and sends no token with transactions.
        client.token = self._token or None
        session = client.http.session
        if self._token:
            session.headers["X-Consul-Token"] = self._token
        session.trust_env = False  # REQUESTS_CA_BUNDLE would replace the pinned CA
        session.max_redirects = 0  # and nobody is to be sent elsewhere with the token
        session.mount(f"{parts.scheme}://", _QuickToConnect())
        return client

    def _phrase(self, error: Exception) -> str:
        if isinstance(error, ConsulException):
            return str(error).removeprefix("500 ").strip()
        if isinstance(error, requests.ConnectTimeout):
            return f"no connection within {CONNECT_TIMEOUT:.0f} s"
        if isinstance(error, requests.Timeout):
            return f"no answer within {self._answer_timeout:.0f} s"
        if isinstance(error, requests.exceptions.SSLError):
            return f"TLS failed: {_innermost(error)}"
        if _never_connected(error):
            return f"no connection: {_innermost(error)}"
        return f"the connection broke: {_innermost(error)}"


class _QuickToConnect(HTTPAdapter):
    """Waits less for a host to take what is sent to it than for an answer."""

    def init_poolmanager(self, *sizes: Any, **settings: Any) -> None:
        options = [*HTTPConnection.default_socket_options]
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: a host that is cut off is noticed in time
            patience = int(CONNECT_TIMEOUT * 1000)
            options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience))
        super().init_poolmanager(*sizes, socket_options=options, **settings)

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # type: ignore[override]
        settings["timeout"] = (CONNECT_TIMEOUT, settings.get("timeout"))
        return super().send(request, **settings)


def _was_not_done(error: Exception) -> bool:
    """Whether the request certainly had no effect."""
    if isinstance(error, ConsulException):
        return any(word in str(error) for word in _NOT_DONE)
    return (
        isinstance(error, requests.ConnectTimeout)
        or _never_connected(error)
        or "CERTIFICATE_VERIFY_FAILED" in str(error)
    )


def _never_connected(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _innermost(error: BaseException) -> str:
    """What the system said, without the layers of libraries around it."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or seen.__context__
        if inner is None:
            return getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
        seen = inner


def _away(problems: dict[str, str]) -> StoreAway:
    details = "; ".join(f"{url}: {problem}" for url, problem in problems.items())
    return StoreAway(
        f"Consul doesn't answer ({details})",
        hint="containers run on and `nap ps` works; changes wait until Consul is back",
    )
