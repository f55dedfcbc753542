"""How many columns of a terminal a text takes, and cutting it to fit."""

from __future__ import annotations

import unicodedata


def shown_width(text: str) -> int:
    """Columns that `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text`, cut so that with the ellipsis it takes at most `width` columns."""
    if shown_width(text) <= width:
        return text
    room = width - shown_width(ellipsis)
    if room < 0:
        return ellipsis[:width]
    taken = 0
    for index, char in enumerate(text):
        taken += _width(char)
        if taken > room:
            return text[:index] + ellipsis
    return text


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
