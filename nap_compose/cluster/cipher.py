"""Encryption of what rests in the state store and in the records."""

from __future__ import annotations

import base64
import binascii
import os

from nap_compose.errors import NapError

_VERSION = b"\x01"
_NONCE = 12


class BadCipherText(NapError):
    """A sealed text was changed, cut, moved to another place, or sealed with another key."""


class Cipher:
    """Seals bytes as text with a key drawn from the cluster's (AES-256-GCM, HKDF-SHA-256).

    Each text is bound to its `place`, such as the key it stands under: moved elsewhere, it no
    longer opens.
    """

    def __init__(self, key: bytes) -> None:
        self._cluster_key = key
        self._key: bytes | None = None

    def seal(self, plain: bytes, place: str) -> str:
        """`plain`, encrypted for `place`, as base64 text."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._drawn()).encrypt(nonce, plain, place.encode())
        return base64.b64encode(_VERSION + nonce + sealed).decode("ascii")

    def open(self, text: str, place: str) -> bytes:
        """What was sealed for `place`. Raises BadCipherText."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(text, validate=True)
            if data[:1] != _VERSION:
                raise ValueError("another version")
            nonce, sealed = data[1 : 1 + _NONCE], data[1 + _NONCE :]
            return AESGCM(self._drawn()).decrypt(nonce, sealed, place.encode())
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise BadCipherText(
                f"what stands under {place} doesn't open: "
                "it was changed, or sealed with another key than this cluster's key file holds",
                hint="compare the key file with that of the other machines of the cluster",
            ) from error

    def _drawn(self) -> bytes:
        if self._key is None:
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF

            drawer = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"nap revision v1")
            self._key = drawer.derive(self._cluster_key)
        return self._key

    def __repr__(self) -> str:
        return "Cipher(***)"
