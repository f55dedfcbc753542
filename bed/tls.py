"""The bed's certificate authority, and certificates for its servers and clients."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bed.layout import Bed

_LIFETIME = datetime.timedelta(days=365)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


def authority(bed: Bed) -> Path:
    """The CA's certificate; made when it is missing."""
    pair = _pair(bed, "ca")
    if not pair.cert.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"nap bed {bed.name} CA")
        usage = _usage(signs_certificates=True)
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(pair, certificate, key)
    return pair.cert


def server(bed: Bed, name: str, ips: Iterable[str], names: Iterable[str] = ()) -> Pair:
    """A server's pair, good for these addresses and host names; good as a client's too."""
    alternatives: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
    alternatives += [x509.IPAddress(ip_address(each)) for each in ips]
    return _leaf(bed, name, name, alternatives, server=True)


def client(bed: Bed, name: str, common_name: str = "") -> Pair:
    """A client's pair."""
    return _leaf(bed, name, common_name or name, [], server=False)


def _leaf(
    bed: Bed, file: str, common_name: str, names: list[x509.GeneralName], server: bool
) -> Pair:
    pair = _pair(bed, file)
    if pair.cert.exists():
        return pair
    issuer = x509.load_pem_x509_certificate(authority(bed).read_bytes())
    issuer_key = serialization.load_pem_private_key(_pair(bed, "ca").key.read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if server:
        purposes.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(_name(common_name), issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        # Python 3.13 verifies strictly and wants to know which key signed.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    _write(pair, builder.sign(issuer_key, hashes.SHA256()), key)
    return pair


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(bed: Bed, name: str) -> Pair:
    return Pair(bed.tls / f"{name}.pem", bed.tls / f"{name}-key.pem")


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pair.key.parent.mkdir(parents=True, exist_ok=True)
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    # The certificate comes last: where it stands, the pair is whole.
    draft = pair.cert.with_suffix(".new")
    draft.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    draft.replace(pair.cert)
