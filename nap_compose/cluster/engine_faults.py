"""What went wrong on the way to an engine, said so that a person knows what to do.

Sockets, TLS and HTTP fail in dozens of ways; each becomes one EngineAway with a reason that the
rest of nap decides on (`why`) and a sentence with, where there is one, the next thing to try.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_endpoint import Endpoint
from nap_compose.cluster.engine_wire import CutShort, HttpFault, NoStatus
from nap_compose.cluster.loaded import of_http_client, of_ssl
from nap_compose.cluster.view import Absence

if TYPE_CHECKING:
    import ssl

_TLS_RECORD = ("\x15\x03", "\x16\x03")
"""How an alert or a handshake of a TLS server begins, read as text."""


def away(host: str, endpoint: Endpoint, error: BaseException, *, seconds: float = 0) -> EngineAway:
    """The fault that `error` comes to, met while speaking to `endpoint`.

    `seconds` is how long was waited, for a timeout's sentence.
    """
    for cause in _causes(error):
        found = _known(host, endpoint, cause, seconds)
        if found:
            return found
    return EngineAway(host, Absence.BROKEN, f"talking to {endpoint} failed: {error}")


def lost(host: str, endpoint: Endpoint) -> EngineAway:
    """A stream or an answer that broke off in its middle."""
    return EngineAway(
        host, Absence.BROKEN, f"the connection to {endpoint} broke off in the middle of an answer"
    )


def silent(host: str, endpoint: Endpoint) -> EngineAway:
    """Nothing at all came back over a connection, not even from the other machine's kernel."""
    return EngineAway(host, Absence.TIMEOUT, f"the machine of {endpoint} has gone silent")


def no_engine(host: str, endpoint: Endpoint) -> EngineAway:
    """Somebody answers HTTP there, but not as a Docker engine does."""
    return EngineAway(
        host,
        Absence.BROKEN,
        f"what answers at {endpoint} is no Docker engine",
        hint="check the host's endpoint, and whether a proxy stands in between",
    )


def wants_tls(host: str, endpoint: Endpoint) -> EngineAway:
    """Plain HTTP met an engine that speaks TLS."""
    return EngineAway(
        host,
        Absence.REFUSED,
        f"{endpoint} speaks TLS, but nap was given no certificates for it",
        hint="name them under `tls:` in the cluster file (embedded: DOCKER_TLS_VERIFY=1)",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what stands behind it: libraries wrap the one that says what happened."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    chain: list[BaseException] = []
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        chain.append(current)
        # Not __context__: it may be a fault of another host that is being handled meanwhile.
        inner = (current.__cause__, getattr(current, "reason", None))
        waiting += [each for each in (*inner, *current.args) if isinstance(each, BaseException)]
    return reversed(chain)


def _known(host: str, at: Endpoint, error: BaseException, seconds: float) -> EngineAway | None:
    if isinstance(error, TimeoutError) and error.errno == errno.ETIMEDOUT:
        return silent(host, at)
    if isinstance(error, TimeoutError):
        waited = f" within {seconds:g} s" if seconds else ""
        return EngineAway(host, Absence.TIMEOUT, f"no answer from {at}{waited}")
    if isinstance(error, _gone()):
        return EngineAway(
            host, Absence.BROKEN, f"{at} closed the connection before it had answered"
        )
    if isinstance(error, of_ssl("SSLError")):
        return _tls_fault(host, at, error)
    if isinstance(error, (HttpFault, *of_http_client("HTTPException"))):
        return _http_fault(host, at, error)
    if isinstance(error, OSError):
        return _connect_fault(host, at, error) or _other_fault(host, at, error)
    return None


def _gone() -> tuple[type[BaseException], ...]:
    """What tells that the other side has ended the connection."""
    closed = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, CutShort)
    return (
        *closed,
        *of_http_client("IncompleteRead"),
        *of_ssl("SSLEOFError", "SSLZeroReturnError"),
    )


def _http_fault(host: str, at: Endpoint, error: BaseException) -> EngineAway:
    strange: tuple[type[BaseException], ...] = (NoStatus, *of_http_client("BadStatusLine"))
    if isinstance(error, strange) and str(error).startswith(_TLS_RECORD):
        return wants_tls(host, at)
    return no_engine(host, at)


def _connect_fault(host: str, at: Endpoint, error: OSError) -> EngineAway | None:
    if isinstance(error, socket.gaierror):
        return EngineAway(host, Absence.UNREACHABLE, f"the name '{at.name}' doesn't resolve")
    if isinstance(error, FileNotFoundError):
        return EngineAway(
            host,
            Absence.UNREACHABLE,
            f"there is no socket {at}",
            hint="is Docker installed and running? `systemctl start docker`, or set DOCKER_HOST",
        )
    if isinstance(error, PermissionError):
        return EngineAway(
            host,
            Absence.REFUSED,
            # All in one sentence: a view of the hosts keeps no hints.
            f"you may not use the socket {at}: only root and members of the group `docker` may"
            if at.unix
            else f"connecting to {at} isn't allowed",
        )
    if isinstance(error, ConnectionRefusedError):
        return EngineAway(
            host,
            Absence.UNREACHABLE,
            f"nothing listens on {at}",
            hint="is the engine running, and does it listen there? `systemctl status docker`",
        )
    return None


def _other_fault(host: str, at: Endpoint, error: OSError) -> EngineAway | None:
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN):
        return EngineAway(host, Absence.UNREACHABLE, f"there is no way to {at} on the network")
    if error.errno is None:
        return None
    return EngineAway(host, Absence.BROKEN, f"talking to {at} failed: {error.strerror or error}")


def _bad_certificate(host: str, at: Endpoint, error: ssl.SSLCertVerificationError) -> EngineAway:
    reason = error.verify_message or ""
    if "mismatch" in reason or "not valid for" in reason:
        text, hint = (
            f"the certificate of {at} was made for another name",
            f"make one that names '{at.name}', or use the name that stands in it",
        )
    elif "expired" in reason:
        text, hint = (
            f"the certificate of {at} has expired",
            "on the control machine: nap cluster certs renew --restart",
        )
    elif "not yet valid" in reason:
        text, hint = f"the certificate of {at} isn't valid yet", "compare the clocks of both sides"
    elif "self-signed" in reason or "self signed" in reason or "local issuer" in reason:
        text, hint = (
            f"the certificate of {at} isn't signed by the cluster's CA",
            "`tls.ca` in the cluster file must be the CA that signed the engine's certificate",
        )
    else:
        text, hint = f"the certificate of {at} isn't accepted: {reason}", ""
    return EngineAway(host, Absence.REFUSED, text, hint=hint or None)


def _tls_fault(host: str, at: Endpoint, error: BaseException) -> EngineAway:
    import ssl

    assert isinstance(error, ssl.SSLError)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _bad_certificate(host, at, error)
    reason = (error.reason or str(error)).upper().replace(" ", "_")
    if any(word in reason for word in ("WRONG_VERSION_NUMBER", "RECORD_LAYER", "HTTP_REQUEST")):
        return no_tls(host, at)
    if "ALERT" in reason:
        return EngineAway(
            host,
            Absence.REFUSED,
            f"{at} refused our client certificate ({reason.rpartition('ALERT_')[2].lower()})",
            hint="it has ended, or isn't signed by the CA that the engine was started with: "
            "`nap cluster certs ls` tells, `nap cluster certs renew` makes a new one",
        )
    return EngineAway(host, Absence.REFUSED, f"no TLS connection to {at}: {reason.lower()}")


def no_tls(host: str, at: Endpoint) -> EngineAway:
    """TLS met an engine that answers in plain text."""
    return EngineAway(
        host,
        Absence.REFUSED,
        f"{at} speaks no TLS where TLS was asked for",
        hint="start the engine with --tlsverify (it usually listens on port 2376 then)",
    )
