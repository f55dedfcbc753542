"""OpenLDAP on the control side: who may use nap, and as what. Passwords only over TLS."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from bed import ldap_entries, packages, proc, secret, tls
from bed.layout import Bed
from bed.ldap_entries import BASE, ROLES, SERVICE

NAME = "ldap"
PORT, TLS_PORT = 389, 636
ROOT = f"cn=directory-manager,{BASE}"
_LIKE_ACTIVE_DIRECTORY = """\
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY
  MAY ( sAMAccountName $ userAccountControl $ objectGUID ) )
"""
"""What nap reads of people in Active Directory, with the numbers that it has there."""

# Unpacked, because its installation makes a directory of its own; the libraries start nothing.
_DEBS = ["slapd"]
_LIBRARIES = ("libldap-2.5-0", "libltdl7", "libodbc2", "libsasl2-2", "libwrap0", "libargon2-1")


def prepare() -> None:
    packages.ensure_installed(*_LIBRARIES)
    packages.unpack(_DEBS)


def start(bed: Bed) -> None:
    folder = _folder(bed)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    secret.write(folder / "slapd.conf", _settings(bed))
    (folder / "ad.schema").write_text(_LIKE_ACTIVE_DIRECTORY)
    software = packages.unpack(_DEBS)
    urls = f"{start_tls_url(bed)} {url(bed)}"
    argv: list[str | Path] = [software / "usr/sbin/slapd", "-f", folder / "slapd.conf"]
    argv += ["-h", urls, "-d", "none"]  # a debug level, even none, keeps it in the foreground
    libraries = ":".join(str(path) for path in (software / "usr/lib").glob("*-linux-gnu*"))
    proc.start(bed, NAME, argv, env={"LD_LIBRARY_PATH": libraries})
    proc.wait_until_ready(bed, NAME, lambda: _root_gets_in(bed), 30, "the directory")
    with as_root(bed) as connection:
        ldap_entries.add_missing(connection, ldap_entries.passwords(folder))


def stop(bed: Bed) -> None:
    proc.stop(bed, NAME)


def status(bed: Bed) -> str:
    if proc.pid_of(bed, NAME) is None:
        return f"down; see {proc.log_of(bed, NAME)}"
    try:
        with bind(bed, SERVICE, service_password_file(bed).read_text().strip()):
            return "ready"
    except (LDAPException, OSError) as error:
        return str(error)


def section(bed: Bed) -> dict[str, Any]:
    return {
        "ldap": {
            "urls": [url(bed)],
            "ca": str(tls.authority(bed).relative_to(bed.directory)),
            "base": BASE,
            "user_filter": "(uid={name})",
            "bind_dn": SERVICE,
            "bind_password_file": str(service_password_file(bed).relative_to(bed.directory)),
            "roles": dict(ROLES),
        }
    }


def url(bed: Bed) -> str:
    return f"ldaps://{bed.control_ip}:{TLS_PORT}"


def start_tls_url(bed: Bed) -> str:
    return f"ldap://{bed.control_ip}:{PORT}"


def passwords_file(bed: Bed) -> Path:
    """Everybody's password, by uid."""
    return _folder(bed) / ldap_entries.PASSWORDS


def password_of(bed: Bed, uid: str) -> str:
    """Somebody's password."""
    everybody: dict[str, str] = json.loads(passwords_file(bed).read_text())
    return everybody[uid]


def service_password_file(bed: Bed) -> Path:
    return _folder(bed) / ldap_entries.SERVICE_PASSWORD


@contextmanager
def bind(bed: Bed, dn: str, password: str) -> Iterator[ldap3.Connection]:
    """A connection of that person by StartTLS, with the server's certificate checked."""
    trust = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(tls.authority(bed)))
    server = ldap3.Server(start_tls_url(bed), tls=trust, connect_timeout=3)
    connection = ldap3.Connection(
        server, dn, password, receive_timeout=10, auto_bind=ldap3.AUTO_BIND_TLS_BEFORE_BIND
    )
    try:
        yield connection
    finally:
        connection.unbind()


def as_root(bed: Bed) -> Any:
    """A connection that may change everything in the directory."""
    return bind(bed, ROOT, _root_password(bed))


def _root_gets_in(bed: Bed) -> bool:
    try:
        with as_root(bed):
            return True
    except (LDAPException, OSError):
        return False


def _folder(bed: Bed) -> Path:
    return bed.directory / NAME


def _root_password(bed: Bed) -> str:
    return secret.kept(_folder(bed) / "root.password")


def _settings(bed: Bed) -> str:
    software, folder = packages.unpack(_DEBS), _folder(bed)
    pair = tls.server(bed, NAME, [bed.control_ip, "127.0.0.1"], ["control", "localhost"])
    schemas = ("core", "cosine", "inetorgperson")
    return "\n".join(
        [
            *(f"include {software}/etc/ldap/schema/{name}.schema" for name in schemas),
            f"include {folder}/ad.schema",
            f"modulepath {software}/usr/lib/ldap",
            "moduleload back_mdb",
            "moduleload memberof",
            f"pidfile {folder}/slapd.pid",
            f"TLSCACertificateFile {tls.authority(bed)}",
            f"TLSCertificateFile {pair.cert}",
            f"TLSCertificateKeyFile {pair.key}",
            # a password in clear text is refused, so whoever forgets TLS finds out
            "security simple_bind=128",
            "disallow bind_anon",
            "database mdb",
            f"suffix {BASE}",
            f"rootdn {ROOT}",
            f"rootpw {ldap_entries.hashed(_root_password(bed))}",
            f"directory {folder}/data",
            "index objectClass,uid,member eq",
            "overlay memberof",
            "access to attrs=userPassword by self =xw by anonymous auth by * none",
            f'access to * by dn.exact="{SERVICE}" read by self read by * none',
            "",
        ]
    )
