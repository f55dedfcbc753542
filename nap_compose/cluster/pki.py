"""The cluster's own certificate authority: makes it, and has it sign for engines and for nap.

X.509 as RFC 5280 has it, with keys on the curve P-256.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.cluster.private_files import replace_file
from nap_compose.errors import BadFile, Place
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

CA_DAYS = 3650
NEXT_CA_DAYS = 2 * CA_DAYS
"""A CA that is to follow is there from the first day on, and good for as long again."""

CLIENT_DAYS = 730
SERVER_DAYS = CA_DAYS
"""For how long certificates are good. Engines read theirs at their start alone, and stop their
containers by that, so theirs ends with the CA's: each is good for one address, and opens nothing.
"""

RENEWED = 60
"""Days before its end from which on a certificate is made anew."""

SLACK = timedelta(hours=1)
"""How far hosts' clocks may be behind and still believe a new certificate."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


class Authority:
    """The CA of a cluster; its key signs whoever is root on every host, so it stays where it is."""

    def __init__(self, pair: Pair, cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.pair = pair
        self._cert = cert
        self._key = key

    @classmethod
    def opened(cls, pair: Pair, name: str, days: int | None = None) -> Authority:
        """The CA of these files, made where there is none, for so many days (None: CA_DAYS).
        Raises BadFile where they aren't one."""
        if not pair.cert.exists():
            _make_authority(pair, name, CA_DAYS if days is None else days)
        return cls(pair, *_read(pair))

    def is_good(self, pair: Pair, addresses: Iterable[str] = ()) -> bool:
        """Whether the pair is there, this CA's, good for all of the addresses, and won't end soon.
        Raises BadFile where it is no pair."""
        return pair.cert.exists() and pair.key.exists() and self._is_good(pair, tuple(addresses))

    def signed(self, pair: Pair, name: str, addresses: Iterable[str] = ()) -> bool:
        """Have a certificate for `name` in the pair's files: for a server at these addresses (IP
        addresses or host names), without any for a client.

        One that is good for all of them and won't end soon stays. Gives whether one was made.
        """
        wanted = tuple(addresses)
        if self.is_good(pair, wanted):
            return False
        self._sign(pair, name, wanted)
        return True

    def _is_good(self, pair: Pair, addresses: tuple[str, ...]) -> bool:
        cert, _ = _read(pair)
        left = cert.not_valid_after_utc - datetime.now(timezone.utc)
        if left < timedelta(days=RENEWED) or not self._made(cert):
            return False
        return set(addresses) <= _addresses_of(cert)

    def _made(self, cert: x509.Certificate) -> bool:
        """Whether it is this CA's: one that followed another has the same name."""
        from cryptography.exceptions import InvalidSignature

        try:
            cert.verify_directly_issued_by(self._cert)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    @property
    def days_left(self) -> int:
        """Whole days until the CA's own certificate ends; negative when it has."""
        return (self._cert.not_valid_after_utc - datetime.now(timezone.utc)).days

    def _sign(self, pair: Pair, name: str, addresses: tuple[str, ...]) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID

        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if addresses else ExtendedKeyUsageOID.CLIENT_AUTH
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(
                name,
                self._cert.subject,
                key.public_key(),
                SERVER_DAYS if addresses else CLIENT_DAYS,
                at_most=self._cert.not_valid_after_utc,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(signer, critical=False)
        )
        if addresses:
            names = [_general_name(address) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        _write(pair, builder.sign(self._key, hashes.SHA256()), key)


def belong_together(pair: Pair) -> bool:
    """Whether the key is the certificate's. Raises BadFile."""
    cert, key = _read(pair)
    return bool(cert.public_key() == key.public_key())


def _make_authority(pair: Pair, name: str, days: int) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    cert = (
        _builder(name, subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(pair, cert, key)


def _builder(
    name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    *,
    at_most: datetime | None = None,
) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(timezone.utc)
    end = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(min(end, at_most or end))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(address: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _addresses_of(cert: x509.Certificate) -> set[str]:
    from cryptography import x509

    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _read(pair: Pair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        cert = x509.load_pem_x509_certificate(pair.cert.read_bytes())
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BadFile(
            f"it and {pair.key.name} are no certificate with its key: {error}",
            place=Place(str(pair.cert)),
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadFile("the key isn't of the kind that nap makes", place=Place(str(pair.key)))
    return cert, key


def _write(pair: Pair, cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """The key first: where the certificate stands, the pair is whole."""
    from cryptography.hazmat.primitives import serialization

    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pair.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(pair.key, pem, 0o600)
    replace_file(pair.cert, cert.public_bytes(serialization.Encoding.PEM), 0o644)
