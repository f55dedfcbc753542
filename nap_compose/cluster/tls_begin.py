"""What is said to a service before TLS begins on a connection that began without it; just enough to
see the certificate that it shows."""

from __future__ import annotations

import socket
import struct

SSL, PROTOCOL_41, SECURE_CONNECTION = 0x800, 0x200, 0x8000
"""Capabilities of MySQL's protocol (its documentation, Capabilities Flags)."""

UTF8MB4 = 45
LARGEST_PACKET = 1 << 24

START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""LDAP's request for StartTLS (RFC 4511, 4.14): an ExtendedRequest, as BER has it."""

SUCCESS = b"\x0a\x01\x00"


def mysql_begins(raw: socket.socket) -> None:
    """Take the server's greeting, and ask for TLS (MySQL's protocol, SSLRequest)."""
    header = _exactly(raw, 4)
    _exactly(raw, int.from_bytes(header[:3], "little"))
    flags = SSL | PROTOCOL_41 | SECURE_CONNECTION
    request = struct.pack("<IIB23x", flags, LARGEST_PACKET, UTF8MB4)
    raw.sendall(len(request).to_bytes(3, "little") + b"\x01" + request)


def ldap_begins(raw: socket.socket) -> None:
    """Ask for StartTLS, and take the answer."""
    raw.sendall(START_TLS)
    answer = raw.recv(1024)
    if SUCCESS not in answer:
        raise ConnectionError("it doesn't begin TLS")


def _exactly(raw: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = raw.recv(size - len(found))
        if not piece:
            raise ConnectionError("it hung up")
        found += piece
    return found
