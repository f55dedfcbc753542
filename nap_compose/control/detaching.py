"""The keys that end a talk and let the process go on, as Docker writes them: `ctrl-p,ctrl-q`.

They are found here and not by the engine: one of the older ones ends the process with the talk.
"""

from __future__ import annotations

from nap_compose.errors import WrongUse

USUAL = "ctrl-p,ctrl-q"
_SIGNS = "@abcdefghijklmnopqrstuvwxyz[\\]^_"
"""What may follow `ctrl-`, each at the place of the byte that it sends."""


def keys_of(text: str) -> bytes:
    """The bytes that the keys send: single characters, or `ctrl-` and a letter or one of `@[\\]^_`.

    Raises WrongUse.
    """
    found = bytearray()
    for key in text.split(","):
        sign = key.removeprefix("ctrl-")
        if key != sign and len(sign) == 1 and sign in _SIGNS:
            found.append(_SIGNS.index(sign))
        elif len(key) == 1 and key.isascii():
            found.append(ord(key))
        else:
            raise WrongUse(
                f"the detach keys are '{text}', and '{key}' is no key",
                hint="write them like ctrl-p,ctrl-q, or ctrl-x,d",
            )
    return bytes(found)


class DetachKeys:
    """Looks for the keys in what is typed, however it is cut into pieces."""

    def __init__(self, text: str) -> None:
        self._keys = keys_of(text or USUAL)
        self._held = b""
        self.pressed = False

    def passed(self, data: bytes) -> bytes:
        """What of it is the process's. What may be the beginning of the keys is held back until
        the next key tells; once they are `pressed`, nothing is the process's any more."""
        if self.pressed:
            return b""
        seen = self._held + data
        at = seen.find(self._keys)
        if at >= 0:
            self.pressed = True
            self._held = b""
            return seen[:at]
        longest = next(
            size
            for size in range(min(len(self._keys) - 1, len(seen)), -1, -1)
            if seen.endswith(self._keys[:size])
        )
        self._held = seen[len(seen) - longest :]
        return seen[: len(seen) - longest]
