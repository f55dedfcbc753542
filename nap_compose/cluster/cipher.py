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

    def __init__(self, *keys: bytes) -> None:
        """The cluster's keys, the oldest first: the newest seals, and all open. Names are drawn
        from the oldest, so that they stay when a key is added."""
        self._cluster_keys = keys
        self._drawn: dict[int, bytes] = {}

    def seal(self, plain: bytes, place: str) -> str:
        """`plain`, encrypted for `place`, as base64 text."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._key(-1)).encrypt(nonce, plain, place.encode())
        return base64.b64encode(_VERSION + nonce + sealed).decode("ascii")

    def open(self, text: str, place: str) -> bytes:
        """What was sealed for `place`, with whichever of the keys. Raises BadCipherText."""
        for index in reversed(range(len(self._cluster_keys))):
            plain = self._opened(text, place, index)
            if plain is not None:
                return plain
        raise BadCipherText(
            f"what stands under {place} doesn't open: "
            "it was changed, or sealed with another key than this cluster's key file holds",
            hint="compare the key file with that of the other machines of the cluster",
        )

    def resealed(self, text: str, place: str) -> str | None:
        """The text sealed anew with the newest key; None where it is already. Raises
        BadCipherText."""
        if self._opened(text, place, len(self._cluster_keys) - 1) is not None:
            return None
        return self.seal(self.open(text, place), place)

    def mark(self, text: str) -> str:
        """A name for `text`, as 32 hex digits, from which nobody without the key can guess it."""
        import hashlib
        import hmac

        key = hmac.new(self._cluster_keys[0], b"nap content name v1", hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def _opened(self, text: str, place: str, index: int) -> bytes | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(text, validate=True)
            if data[:1] != _VERSION:
                return None
            nonce, sealed = data[1 : 1 + _NONCE], data[1 + _NONCE :]
            return AESGCM(self._key(index)).decrypt(nonce, sealed, place.encode())
        except (binascii.Error, ValueError, InvalidTag):
            return None

    def _key(self, index: int) -> bytes:
        index %= len(self._cluster_keys)
        if index not in self._drawn:
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF

            drawer = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"nap revision v1")
            self._drawn[index] = drawer.derive(self._cluster_keys[index])
        return self._drawn[index]

    def __repr__(self) -> str:
        return "Cipher(***)"
