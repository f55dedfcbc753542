"""The text that every match of a regular expression holds: what a fast search can look for."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

with warnings.catch_warnings():  # its place until Python 3.11, which still knows it
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_constants as sre
    import sre_parse


def fixed_text(pattern: re.Pattern[str]) -> str:
    """The longest text that stands in whatever `pattern` finds; empty where there is none.

    >>> fixed_text(re.compile(r"time(d)? out after \\d+ s"))
    ' out after '
    """
    parsed: Any = sre_parse.parse(pattern.pattern, pattern.flags)
    return max(_runs(parsed), key=len, default="")


def _runs(parsed: Iterable[tuple[Any, Any]]) -> list[str]:
    runs, run = [], ""
    for kind, what in parsed:
        if kind is sre.LITERAL:
            run += chr(what)
            continue
        runs.append(run)
        run = ""
        if kind is sre.SUBPATTERN and not what[1] and not what[2]:
            runs += _runs(what[3])
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and what[0] > 0:
            runs += _runs(what[2])
    return [*runs, run]
