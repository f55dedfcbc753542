"""The cluster's seal: an HMAC that tells nap's own objects from forged ones."""

from __future__ import annotations

import hashlib
import hmac


class Seal:
    """Signs texts with a key drawn from the cluster's key (HMAC-SHA-256, RFC 2104)."""

    def __init__(self, key: bytes) -> None:
        # A key of its own for this purpose: the cluster's key also encrypts revisions.
        self._key = hmac.new(key, b"nap label seal v1", hashlib.sha256).digest()

    def over(self, text: str) -> str:
        """The seal over `text`, as 64 hex digits."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def holds(self, seal: str, text: str) -> bool:
        """Whether `seal` was made over `text` with this key; takes the same time either way."""
        return hmac.compare_digest(seal.encode(), self.over(text).encode())

    def __repr__(self) -> str:
        return "Seal(***)"
