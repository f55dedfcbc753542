"""Text from outside, made fit to be shown: what an engine, an image or a file says is untrusted.

A control character could move the cursor, retitle the window or hide a line, so it is shown as
`\\x1b` and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# C0 and C1 controls, DEL, and the marks that reorder or hide text on a terminal.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RESET = "\x1b[0m"
_PRINTABLE = bytes(range(ord(" "), ord("~") + 1)) + b"\n"
MOST_COMPARED = 300
"""Among more words than this none is looked for: it would take longer than the hint is worth."""

MOST_LISTED = 10
"""More names than these aren't read where one of them was mistyped."""


def app_called(owner: str, app: str) -> str:
    """An app as people write it: `owner/app`, or `app` where nobody owns any."""
    return f"{owner}/{app}" if owner else app


def plain(text: str) -> str:
    """`text` with every control character shown: for names, messages, cells of a table."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_shown, text)


def are_plain(lines: str) -> bool:
    """Whether all of many lines can be shown as they are, as nearly all can."""
    return lines.isascii() and not lines.encode().translate(None, _PRINTABLE)


def coloured(text: str) -> str:
    """As `plain`, but plain colours and tabs pass: for lines of a log on a terminal.

    A colour that is left on is taken back at the end, so that it stays within its line.
    """
    if text.isascii() and text.isprintable():
        return text
    pieces: list[str] = []
    at = 0
    for match in _COLOUR.finditer(text):
        pieces += [_keeping_tabs(text[at : match.start()]), match[0]]
        at = match.end()
    pieces.append(_keeping_tabs(text[at:]))
    return "".join(pieces) + (_RESET if at else "")


def colourless(text: str) -> str:
    """As `coloured`, with the colours taken out."""
    return _keeping_tabs(_COLOUR.sub("", text))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, if one is near enough."""
    import difflib

    words = list(known)
    if len(words) > MOST_COMPARED:
        return None
    near = difflib.get_close_matches(word, words, n=3, cutoff=0.6)
    swapped = [each for each in near if sorted(each) == sorted(word)]
    return next(iter(swapped or near), None)


def instead_of(app: str, apps: Iterable[str], services: Iterable[tuple[str, str]]) -> str:
    """What to try where there is no such app: of the `apps` that there are, and of their services,
    as (app, service), what was most likely meant."""
    having = sorted({of for of, service in services if service == app})
    if having:
        return f"'{app}' is a service of {', '.join(having)}: write {having[0]}/{app}"
    known = sorted({*apps} - {app})  # one of which there is but a record
    near = nearest(app, known)
    if near:
        return f"did you mean '{near}'?"
    if 0 < len(known) <= MOST_LISTED:
        return f"there are: {', '.join(known)}"
    return "nap ls -a lists the apps"


def _keeping_tabs(text: str) -> str:
    return "\t".join(plain(part) for part in text.split("\t"))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
