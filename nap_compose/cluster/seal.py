"""The cluster's seal: an HMAC that tells nap's own objects from forged ones."""

from __future__ import annotations

# What makes HMACs is loaded where there is a key: on the local engine there is none, and loading it
# takes a tenth of what a short command does.


class Seal:
    """Signs texts with a key drawn from the cluster's key (HMAC-SHA-256, RFC 2104)."""

    def __init__(self, *keys: bytes) -> None:
        """The cluster's keys, the oldest first: the newest seals, and the seals of all hold."""
        import hashlib
        import hmac

        # Keys of their own for this purpose: the cluster's keys also encrypt revisions.
        self._keys = [
            hmac.new(key, b"nap label seal v1", hashlib.sha256).digest() for key in reversed(keys)
        ]

    def over(self, text: str) -> str:
        """The seal over `text`, as 64 hex digits."""
        return self._over(self._keys[0], text)

    def holds(self, seal: str, text: str) -> bool:
        """Whether `seal` was made over `text` with one of the keys; takes the same time either
        way."""
        import hmac

        good = False
        for key in self._keys:
            good |= hmac.compare_digest(seal.encode(), self._over(key, text).encode())
        return good

    def _over(self, key: bytes, text: str) -> str:
        import hmac

        return hmac.digest(key, text.encode(), "sha256").hex()

    def __repr__(self) -> str:
        return "Seal(***)"
