"""What an unquoted YAML scalar means to Compose."""

from __future__ import annotations

import re
from typing import Any

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}


_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|[ ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]{1,9})?"
    r"(?:(?<=[0-9])(Z|[-+][0-9]{2}:[0-9]{2}))?)?$"
)


class Date(str):
    """A date without quotes, in its full form: Compose takes it for no text, but under `x-`.

    `written` is how it stands in the file.
    """

    written: str = ""


def _date(text: str) -> Date | None:
    match = _DATE.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    with_t = hour is not None and text[len(f"{year}-{month}-{day}")] != " "
    if hour is not None and with_t != (zone is not None):
        return None
    from datetime import datetime

    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    try:
        datetime(int(year), int(month), int(day), clock[0], clock[1], clock[2])
    except ValueError:
        return None
    form = f"{year}-{int(month):02}-{int(day):02}T{clock[0]:02}:{clock[1]:02}:{clock[2]:02}"
    date = Date(form + (fraction or "").rstrip("0").rstrip(".") + (zone or "Z"))
    date.written = text
    return date


def plain(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[4:5] == "-":
        return _date(text) or text
    bare = text.replace("_", "")
    if _INTEGER.match(bare):
        return _integer(bare)
    return float(bare) if _FLOAT.match(bare) and bare[-1] != "_" else text


def _integer(text: str) -> int | float | str:
    digits = text.lstrip("+-")
    if len(digits) > 64:
        return float(text) if text.lstrip("+-").isdigit() else text
    prefix = digits[:2].lower()
    if prefix in ("0x", "0o", "0b"):
        number = int(digits, 0)
    elif digits[0] == "0" and len(digits) > 1:
        number = int(digits, 8)
    else:
        number = int(digits)
    number = -number if text[0] == "-" else number
    return number if -(2**63) <= number < 2**64 else float(number)
