"""Which lines of a log a person wants to see: by what stands in them, and by their level.

Both are judged here, in the process of whoever asks: their regular expression may take as long
as it likes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import LogLine

LEVELS = ("trace", "debug", "info", "notice", "warn", "error", "critical")
"""From the least to the worst."""

_ALSO = {
    "information": "info",
    "warning": "warn",
    "err": "error",
    "severe": "error",
    "crit": "critical",
    "fatal": "critical",
    "panic": "critical",
    "alert": "critical",
    "emerg": "critical",
    "emergency": "critical",
}
_KEYS = ("level", "severity", "levelname", "lvl", "log.level", "level_name", "@l")
_NUMBERS = ((60, "critical"), (50, "error"), (40, "warn"), (30, "info"), (20, "debug"))
"""What Bunyan and Pino write; Python's own numbers are the same with one more step."""

Wanted = Callable[["LogLine"], bool]


def sieve(grep: str | None, level: str | None) -> Wanted | None:
    """What tells the lines that are wanted; None where all are. Raises WrongUse.

    `grep` is a regular expression to be found in them; `level` the least level of lines that are
    JSON objects with one. Lines without a level are then left out.
    """
    tests: list[Wanted] = []
    if grep is not None:
        found = pattern(grep).search
        tests.append(lambda line: found(line.text) is not None)
    if level is not None:
        least = LEVELS.index(level)
        tests.append(lambda line: _rank(line.text) >= least)
    if not tests:
        return None
    return lambda line: all(test(line) for test in tests)


def pattern(text: str) -> re.Pattern[str]:
    """A person's regular expression. Raises WrongUse where it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise WrongUse(
            f"'{text}' is no regular expression: {error}",
            hint="signs such as ( and * are looked for themselves with a \\ before them",
        ) from None


def level_of(text: str) -> str | None:
    """The level of a line that is a JSON object with one; None where there is none."""
    if text.lstrip()[:1] != "{":
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = next((record[key] for key in _KEYS if key in record), None)
    return _level(found)


def _level(found: Any) -> str | None:
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    if isinstance(found, int):
        return next((name for least, name in _NUMBERS if found >= least), "trace")
    word = found.lower()
    word = _ALSO.get(word, word)
    return word if word in LEVELS else None


def _rank(text: str) -> int:
    level = level_of(text)
    return LEVELS.index(level) if level else -1
