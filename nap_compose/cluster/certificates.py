"""When certificates end: those in files, and those that services show when one connects."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.cluster import Host, Tls
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.engine_tls import client_context
from nap_compose.errors import NapError

if TYPE_CHECKING:
    from cryptography import x509

Begin = Callable[[socket.socket], None]
"""What is said on a connection before TLS begins on it. Raises OSError."""

PATIENCE = 5.0
"""Seconds for connecting and for the handshake, each."""


def end_of_file(path: Path) -> datetime | None:
    """When the first certificate of a PEM file ends (UTC); None where there is none to read."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return certificate.not_valid_after_utc


def end_of_engine(host: Host) -> datetime | None:
    """When the certificate ends that an engine shows (UTC); None where it shows none that can be
    trusted, which whoever talks to it learns anyway."""
    endpoint = endpoint_of(host)
    if endpoint.tls is None:
        return None
    try:
        context = client_context(endpoint.tls, host.name)
        address = (endpoint.name, endpoint.port)
        with (
            socket.create_connection(address, timeout=PATIENCE) as raw,
            context.wrap_socket(raw, server_hostname=endpoint.name) as wrapped,
        ):
            shown = wrapped.getpeercert() or {}
    except (OSError, NapError):
        return None
    ends = shown.get("notAfter")
    if not isinstance(ends, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), timezone.utc)


def certificates_of(path: Path) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM file; none where there is none to read."""
    from cryptography import x509

    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        return ()


def shown_by(
    name: str, port: int, *, tls: Tls | None = None, begin: Begin | None = None
) -> x509.Certificate | None:
    """The certificate that a service shows, whoever signed it and whenever it ended; None where it
    shows none. `tls` is what we show it, `begin` what has to be said before TLS begins.

    Nobody is trusted by this: it only tells what is there.
    """
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        if tls is not None:
            context.load_cert_chain(tls.cert, tls.key)
        with socket.create_connection((name, port), timeout=PATIENCE) as raw:
            if begin is not None:
                begin(raw)
            with context.wrap_socket(raw, server_hostname=name) as wrapped:
                found = wrapped.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    return x509.load_der_x509_certificate(found) if found else None


def opens(host: Host) -> bool:
    """Whether the engine answers what nap shows it now, and nap trusts what the engine shows.

    A refused certificate shows only when the engine is asked for something (TLS 1.3).
    """
    endpoint = endpoint_of(host)
    if endpoint.tls is None:
        return False
    try:
        context = client_context(endpoint.tls, host.name)
        with (
            socket.create_connection((endpoint.name, endpoint.port), timeout=PATIENCE) as raw,
            context.wrap_socket(raw, server_hostname=endpoint.name) as wrapped,
        ):
            wrapped.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in wrapped.recv(64)
    except (OSError, NapError):
        return False


def ends_of_engines(hosts: Iterable[Host]) -> Mapping[str, datetime]:
    """`end_of_engine` of all these hosts at once, by name; those that show none are left out."""
    found = {}
    questions = {host.name: partial(end_of_engine, host) for host in hosts if host.tls}
    for name, asked, ends in ask_each(questions, deadline=2 * PATIENCE):
        with suppress(TimeoutError):
            if end := asked.answer(ends):
                found[name] = end
    return found
