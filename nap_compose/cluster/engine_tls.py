"""TLS to an engine: one client certificate, and the one CA that is trusted."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

from nap_compose.cluster.cluster import Tls
from nap_compose.errors import NapError

_LOCK = threading.Lock()
_MADE: dict[tuple[object, ...], ssl.SSLContext] = {}


def client_context(tls: Tls, host: str) -> ssl.SSLContext:
    """`_context_of` these files, made once for all hosts that have them; files that were written
    since are read again."""
    key = (tls, *(written(path) for path in (tls.ca, tls.cert, tls.key)))
    with _LOCK:
        if key not in _MADE:
            _MADE[key] = _context_of(tls, host)
        return _MADE[key]


def written(path: Path) -> int:
    """When a file was written last, to tell whether it is to be read again; 0 where it isn't
    there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _context_of(tls: Tls, host: str) -> ssl.SSLContext:
    """A context that shows our certificate and accepts only what the pinned CA signed.

    Neither the system's CAs nor the environment (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`) have a
    say; the name or IP address in the endpoint must stand in the engine's certificate. Raises
    NapError where a file is missing or isn't what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks names and demands a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (tls.ca, tls.cert, tls.key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise NapError(
                f"the TLS file {path} can't be read: {error.strerror}",
                host=host,
                hint="`tls:` in the cluster file names the CA, the certificate and its key",
            ) from None
    try:
        context.load_verify_locations(cafile=tls.ca)
    except ssl.SSLError:
        raise NapError(f"{tls.ca} holds no CA certificate in PEM form", host=host) from None
    try:
        # An encrypted key would make OpenSSL ask on the terminal; an empty password fails instead.
        context.load_cert_chain(tls.cert, tls.key, password="")
    except (ssl.SSLError, ValueError) as error:
        mismatch = "MISMATCH" in str(error)
        raise NapError(
            f"the key {tls.key} doesn't belong to the certificate {tls.cert}"
            if mismatch
            else f"{tls.cert} and {tls.key} are no certificate and unencrypted key in PEM form",
            host=host,
        ) from None
    return context
