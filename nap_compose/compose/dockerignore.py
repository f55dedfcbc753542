"""`.dockerignore`: which files of a folder a build doesn't get. Pure.

The rules are the builder's own: a pattern counts for all below what it matches, `!` takes files
back in, the last pattern that matches decides, and `**` stands for any number of folders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line: what it matches, and whether it takes that back in."""

    text: str
    regex: re.Pattern[str]
    takes_back: bool


class Ignore:
    """The patterns of one file, in their order."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(map(_pattern, patterns))

    def leaves_out(self, path: str) -> bool:
        """Whether the file or folder at `path` (relative, with slashes) is left out."""
        out = False
        parts = path.split("/")
        ways = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
        for pattern in self._patterns:
            if pattern.takes_back == out and any(map(pattern.regex.fullmatch, ways)):
                out = not pattern.takes_back
        return out

    def may_hold(self, folder: str) -> bool:
        """Whether something below a folder that is left out may be taken back in."""
        return any(
            pattern.takes_back and f"{pattern.text}/".startswith(f"{folder}/")
            for pattern in self._patterns
        )


def read_patterns(text: str) -> list[str]:
    """The patterns of a `.dockerignore`; comments and empty lines are none.

    Raises ValueError for an exclamation mark that stands alone, and for a pattern that is none.

    >>> read_patterns("# all\\n*.log\\n\\n! /keep.log\\n./a/../b/")
    ['*.log', '!keep.log', 'b']
    """
    found = []
    for line in text.removeprefix("\ufeff").splitlines():
        word = line.strip()
        if not word or line.startswith("#"):
            continue
        back = word.startswith("!")
        path = word[1:].strip() if back else word
        if not path:
            raise ValueError("'!' stands alone, with no pattern behind it")
        clean = posixpath.normpath(path)
        clean = clean.lstrip("/") if len(clean) > 1 else clean
        found.append(("!" if back else "") + clean)
        _pattern(found[-1])
    return found


def _pattern(text: str) -> Pattern:
    back = text.startswith("!")
    bare = text[1:] if back else text
    try:
        regex = re.compile(_expression(bare), re.DOTALL)
    except re.error:
        raise ValueError(f"'{bare}' is no pattern") from None
    return Pattern(bare, regex, back)


def _expression(pattern: str) -> str:
    """The regular expression of a pattern."""
    out = ""
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
            out += ".*" if at >= len(pattern) else "(?:.*/)?"
        elif letter == "*":
            out += "[^/]*"
        elif letter == "?":
            out += "[^/]"
        elif letter == "\\" and at < len(pattern):
            out += re.escape(pattern[at])
            at += 1
        elif letter == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise ValueError(f"'{pattern}' has a [ without its ]")
            out += f"[{pattern[at:end]}]"
            at = end + 1
        else:
            out += re.escape(letter)
    return out
