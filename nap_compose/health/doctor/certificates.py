"""When the certificates end: with the last one, nap reaches no host any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from nap_compose.border import Finding, Grade
from nap_compose.plaindata import dataclass

NOTICED = 30
"""Days before its end from which on a certificate is spoken of."""


ENGINES = "its engine's certificate"
"""What the one is called that an engine shows."""


@dataclass(frozen=True)
class Certificate:
    """One certificate: whose it is (a host, `nap`, `CA`), what for, and when it ends (UTC)."""

    subject: str
    what: str
    ends: datetime


def of_certificates(certificates: Iterable[Certificate], now: datetime) -> Iterator[Finding]:
    """Those that end soon or have ended; one finding for all where none does."""
    known = sorted(certificates, key=lambda each: each.ends)
    soon = [each for each in known if days_left(each, now) < NOTICED]
    yield from (_ending(each, now) for each in soon)
    if known and not soon:
        first = known[0]
        yield Finding(
            "certificates",
            Grade.OK,
            f"{len(known)} of them; the first to end is {_named(first)}, "
            f"in {days_left(first, now)} days",
        )


def days_left(certificate: Certificate, now: datetime) -> int:
    """Whole days until it ends; negative when it has ended."""
    return (certificate.ends - now).days


def _ending(certificate: Certificate, now: datetime) -> Finding:
    left = days_left(certificate, now)
    when = f"{certificate.ends:%Y-%m-%d}"
    ended = certificate.ends <= now
    text = (
        f"{certificate.what} ended on {when}"
        if ended
        else (f"{certificate.what} ends in {left} days, on {when}")
    )
    return Finding(
        certificate.subject,
        Grade.FAULT if ended else Grade.WARNING,
        text,
        "nap cluster certs renew; see docs/certificates.md",
    )


def _named(certificate: Certificate) -> str:
    return f"{certificate.subject}: {certificate.what}"
