"""A stream of bytes, encrypted as it is written and checked as it is read, whatever its length.

After a line that says what it is and a line of JSON with a salt come pieces, each sealed on its
own (AES-256-GCM) under a key drawn from the secret (scrypt, RFC 7914) for this one stream. A
piece's nonce is its number and whether it is the last: so pieces that were changed, exchanged,
left out or cut off don't open. What is written is compressed before it is sealed.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

from nap_compose.errors import BadFile, NapError, NotAllowed
from nap_compose.plaindata import dataclass

MAGIC = b"nap sealed stream 1\n"
PIECE = 1 << 20
"""Bytes of a piece before it is sealed."""
_TAG = 16
_LONGEST_HEAD = 4096
_COST = {"n": 1 << 16, "r": 8, "p": 1}
"""scrypt's cost: 64 MiB, and some tenths of a second, for each secret that somebody tries."""
_LEVEL = 3


class Damaged(BadFile):
    """The stream was changed, cut off, or never was one."""


@dataclass(frozen=True)
class Head:
    """What stands in clear before the pieces: `told` is the writer's own, `raw` all of it."""

    told: Mapping[str, str]
    salt: bytes
    check: str
    raw: bytes


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> object: ...


class Writer:
    """A file to write to, whose bytes come to `target` sealed. Without `close` it is no whole
    stream."""

    def __init__(self, target: Sink, secret: str, told: Mapping[str, str]) -> None:
        self._target = target
        salt = os.urandom(32)
        key, check = _keys(secret, salt)
        head = {**told, "salt": salt.hex(), "check": check}
        raw = MAGIC + json.dumps(head, separators=(",", ":")).encode() + b"\n"
        self._sealing = _Sealing(key, raw)
        self._zip = zlib.compressobj(_LEVEL)
        self._rest = bytearray()
        target.write(raw)

    def write(self, data: bytes) -> int:
        """Take in `data`."""
        self._rest += self._zip.compress(data)
        self._flush()
        return len(data)

    def close(self) -> None:
        """Write the last piece."""
        self._rest += self._zip.flush()
        self._flush()
        self._target.write(self._sealing.seal(bytes(self._rest), last=True))
        self._rest.clear()

    def _flush(self) -> None:
        # One byte more than a piece has: the last piece, which ends the stream, is never empty.
        while len(self._rest) > PIECE:
            self._target.write(self._sealing.seal(bytes(self._rest[:PIECE]), last=False))
            del self._rest[:PIECE]


class Reader:
    """A file to read from, of what a Writer wrote.

    Raises Damaged for what isn't as it was written, NotAllowed for another secret than it was
    written with.
    """

    def __init__(self, source: BinaryIO, secret: str) -> None:
        self._source = source
        self.head = read_head(source)
        key, check = _keys(secret, self.head.salt)
        if check != self.head.check:
            raise NotAllowed("the passphrase or key isn't the one that it was encrypted with")
        self._sealing = _Sealing(key, self.head.raw)
        self._unzip = zlib.decompressobj()
        self._next = source.read(PIECE + _TAG)
        self._ended = False
        self._plain = bytearray()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        while len(self._plain) < size and self._more(size):
            pass
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    def check_end(self) -> None:
        """Read on to the end; raises Damaged where it isn't that of what was written."""
        while self.read(PIECE):
            pass
        if not self._unzip.eof or self._unzip.unused_data:
            raise _damaged()

    def _more(self, size: int) -> bool:
        """Take in some more; says whether there may be more still."""
        try:
            if self._unzip.unconsumed_tail:
                self._plain += self._unzip.decompress(self._unzip.unconsumed_tail, size)
                return True
            if self._ended:
                return False
            piece = self._next
            # A piece that isn't full, or after which nothing comes, must be the last.
            self._next = self._source.read(PIECE + _TAG) if len(piece) == PIECE + _TAG else b""
            self._ended = not self._next
            opened = self._sealing.open(piece, last=self._ended)
            self._plain += self._unzip.decompress(opened, size)
        except zlib.error:
            raise _damaged() from None
        return True


def read_head(source: BinaryIO) -> Head:
    """The lines in clear, which nobody vouches for until a Reader has opened what follows."""
    magic = source.read(len(MAGIC))
    if magic != MAGIC:
        raise Damaged("this is no archive of nap's")
    line = source.readline(_LONGEST_HEAD)
    try:
        told: dict[str, Any] = json.loads(line)
        salt, check = bytes.fromhex(told.pop("salt")), str(told.pop("check"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged("the archive's first lines are damaged") from None
    return Head({str(k): str(v) for k, v in told.items()}, salt, check, magic + line)


class _Sealing:
    """Seals and opens the pieces of one stream, in their order."""

    def __init__(self, key: bytes, head: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aes = AESGCM(key)
        self._head = hashlib.sha256(head).digest()
        self._number = 0

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        return self._aes.encrypt(self._nonce(last=last), plain, self._head)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._aes.decrypt(self._nonce(last=last), sealed, self._head)
        except (InvalidTag, ValueError):
            raise _damaged() from None

    def _nonce(self, *, last: bool) -> bytes:
        self._number += 1
        return self._number.to_bytes(11, "big") + bytes([last])


def _damaged() -> Damaged:
    return Damaged(
        "the archive was changed, or cut off", hint="take another one: nap backup ls lists them"
    )


def _keys(secret: str, salt: bytes) -> tuple[bytes, str]:
    """The stream's key, and what tells a wrong secret from a damaged stream."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        drawn = Scrypt(salt=salt, length=48, **_COST).derive(secret.encode())
    except MemoryError:
        raise NapError("there are no 64 MiB of memory left for the passphrase") from None
    return drawn[:32], drawn[32:].hex()
