"""How Go shows a value, and when it takes one for true."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_MARKUP = re.compile("[<>&\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Record(dict[str, Any]):
    """What is a struct in Go: shown as `{a b}`, and always true."""


def show(value: Any) -> str:
    """As Go's `%v` does."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Record):
        return "{" + " ".join(show(each) for each in value.values()) + "}"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{show(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + " ".join(show(each) for each in value) + "]"
    return str(value)


def is_true(value: Any) -> bool:
    """Whether `if` takes it for true: what is empty, zero or nil isn't."""
    return isinstance(value, Record) or bool(value)


def as_json(value: Any) -> str:
    """JSON as Go writes it: no blanks; what a web page could take for markup is escaped, as are
    the characters that a terminal would obey."""
    text = json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)
    return _MARKUP.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    """Without what can only be called; keys in order, but a struct's stay in its own."""
    if isinstance(value, Mapping):
        keys = list(value) if isinstance(value, Record) else sorted(value)
        return {key: _plain(value[key]) for key in keys if not callable(value[key])}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
