"""`nap cluster certs ls`: every certificate that the cluster leans on, as it is shown now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nap_compose.border import CertificateRow
from nap_compose.cluster import config
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.certificates import PATIENCE, certificates_of, shown_by
from nap_compose.cluster.cluster import Cluster, Host
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.tls_begin import ldap_begins, mysql_begins
from nap_compose.control.founding.material import Material
from nap_compose.errors import NapError
from nap_compose.health.doctor.certificates import NOTICED

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    Ask = Callable[[], x509.Certificate | None]

RENEW = "nap cluster certs renew"
THEIRS = "whoever runs it renews it; docs/certificates.md"

PORTS = {"https": 443, "ldaps": 636, "ldap": 389, "mysql": 3306}


def certificates(file: str) -> tuple[CertificateRow, ...]:
    """A row for each, the first to end first; what wasn't seen stands last."""
    path = Path(file)
    cluster = config.read(path, hostless=True)
    material = Material(path.parent.absolute(), path.name)
    rows = [*_in_files(cluster), *_shown(cluster, material)]
    return tuple(sorted(rows, key=lambda row: (not row.ends, row.ends, row.subject)))


def _in_files(cluster: Cluster) -> Iterator[CertificateRow]:
    for tls in dict.fromkeys(host.tls for host in cluster.hosts.values() if host.tls):
        yield from _of_file("nap", "what it shows to engines", tls.cert, RENEW)
        for number, each in enumerate(certificates_of(tls.ca)):
            former = "the former one, trusted until every engine shows a new one"
            yield _row(
                "CA", former if number else "signs engines' and nap's", each, f"{RENEW} --ca"
            )
    for name, ca in (
        ("consul", cluster.consul and cluster.consul.ca),
        ("database", cluster.database and cluster.database.ca),
        ("ldap", cluster.ldap and cluster.ldap.ca),
    ):
        if ca:
            yield from _of_file(name, f"its CA's, in {ca}", ca, THEIRS)


def _of_file(subject: str, what: str, path: Path, remedy: str) -> Iterator[CertificateRow]:
    found = certificates_of(path)
    if not found:
        yield CertificateRow(subject, what, remedy=f"{path} holds none")
    for each in found[:1]:
        yield _row(subject, what, each, remedy)


def _shown(cluster: Cluster, material: Material) -> Iterator[CertificateRow]:
    """What engines and services show when they are asked, all at once."""
    asked: dict[str, tuple[str, str, str, Ask]] = {}
    for name, host in cluster.hosts.items():
        if host.tls:
            ask = partial(_of_engine, host)
            asked[f"host {name}"] = (name, "what its engine shows", RENEW, ask)
    for number, (subject, url) in enumerate(_services(cluster)):
        asked[f"service {number}"] = (subject, url, THEIRS, partial(_of_service, url))
    questions = {key: row[3] for key, row in asked.items()}
    for key, answer, ends in ask_each(questions, deadline=3 * PATIENCE):
        subject, what, remedy, _ = asked[key]
        try:
            found = answer.answer(ends)
        except (TimeoutError, NapError):
            found = None
        if found is None:
            yield CertificateRow(subject, what, remedy="it shows none: is it there?")
        elif key.startswith("host") and _lies_ready(found, material, subject):
            restart = f"{RENEW} --restart, or its engine's next start, shows the new one"
            yield _row(subject, what, found, restart, always=True)
        else:
            yield _row(subject, what, found, remedy)


def _lies_ready(shown: x509.Certificate, material: Material, host: str) -> bool:
    own = certificates_of(material.pair_of(host).cert)
    return bool(own) and own[0] != shown


def _of_engine(host: Host) -> x509.Certificate | None:
    endpoint = endpoint_of(host)
    return shown_by(endpoint.name, endpoint.port, tls=host.tls)


def _services(cluster: Cluster) -> Iterator[tuple[str, str]]:
    if cluster.consul:
        urls = (cluster.consul.url, *cluster.consul.also)
        yield from (("consul", url) for url in urls if url.startswith("https:"))
    if cluster.database and "database" not in cluster.insecure:
        yield "database", cluster.database.url
    if cluster.ldap:
        for url in cluster.ldap.urls:
            if url.startswith("ldaps:") or cluster.ldap.start_tls:
                yield "ldap", url


def _of_service(url: str) -> x509.Certificate | None:
    parts = urlsplit(url)
    begin = {"mysql": mysql_begins, "ldap": ldap_begins}.get(parts.scheme)
    return shown_by(parts.hostname or "", parts.port or PORTS[parts.scheme], begin=begin)


def _row(
    subject: str, what: str, found: x509.Certificate, remedy: str, *, always: bool = False
) -> CertificateRow:
    end = found.not_valid_after_utc
    days = (end - datetime.now(timezone.utc)).days
    said = remedy if always or days < NOTICED else ""
    return CertificateRow(subject, what, end.isoformat(), days, said)
