"""What a template can call: Go's own functions, and those that Docker adds to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nap_compose.cli.output.template.values import as_json, is_true, show

WIDEST = 4096
"""Columns that `pad` or a width in `printf` may ask for."""
_VERB = re.compile(r"%([-+# 0]*)(\d*)(\.\d+)?([a-zA-Z%])")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
        elif isinstance(value, Sequence) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            raise ValueError(f"there is nothing at {show(key)}")
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    stop = len(value) if end is None else end
    if not 0 <= start <= stop <= len(value):
        raise ValueError(f"it has no part from {start} to {stop}")
    return value[start:stop]


def _truncate(text: str, length: int) -> str:
    if length < 0:
        raise ValueError("a length is never negative")
    return text[:length]


def _pad(text: str, before: int, after: int) -> str:
    if not (0 <= before <= WIDEST and 0 <= after <= WIDEST):
        raise ValueError(f"it takes 0 to {WIDEST} blanks")
    return " " * before + text + " " * after if text else text


def _printf(form: str, *values: Any) -> str:
    rest = list(values)

    def filled(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups(default="")
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        if int(width or 0) > WIDEST or int(precision[1:] or 0) > WIDEST:
            raise ValueError(f"a width is {WIDEST} at the most")
        place = f"%{flags}{width}{precision}{_PLACE.get(verb, verb)}"
        return str(place % _fitting(verb, rest.pop(0)))

    return _VERB.sub(filled, form)


_PLACE = {"v": "s", "q": "s", "t": "s"}


def _fitting(verb: str, value: Any) -> Any:
    """The value as Python's `%` wants it for a verb of Go's."""
    if verb == "q":
        return as_json(show(value))
    if verb in "vst":
        return show(value)
    if verb in "dxXo" and isinstance(value, int):
        return value
    if verb in "feg" and isinstance(value, (int, float)):
        return value
    raise ValueError(f"%{verb} doesn't fit {show(value)}")


def _and(*values: Any) -> Any:
    return next((each for each in values if not is_true(each)), values[-1])


def _or(*values: Any) -> Any:
    return next((each for each in values if is_true(each)), values[-1])


def _eq(value: Any, *others: Any) -> bool:
    if not others:
        raise ValueError("it compares two values")
    return any(value == other for other in others)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "and": _and,
    "eq": _eq,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "index": _index,
    "join": lambda values, between: between.join(values),
    "json": as_json,
    "le": lambda a, b: a <= b,
    "len": len,
    "lower": str.lower,
    "lt": lambda a, b: a < b,
    "ne": lambda a, b: a != b,
    "not": lambda value: not is_true(value),
    "or": _or,
    "pad": _pad,
    "print": lambda *values: "".join(show(value) for value in values),
    "printf": _printf,
    "println": lambda *values: " ".join(show(value) for value in values) + "\n",
    "slice": _slice,
    "split": lambda text, between: text.split(between) if between else list(text),
    "title": lambda text: re.sub(r"(^|\s)(\w)", lambda m: m[1] + m[2].upper(), text),
    "truncate": _truncate,
    "upper": str.upper,
}
