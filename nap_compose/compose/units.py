"""Sizes and times as Compose writes them: `512m` and `1h5m30s`, read and printed back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

_SIZE = re.compile(r"^(\d{1,20}(?:\.\d{0,20})?|\.\d{1,20}) ?([kKmMgGtTpP]?)([iI]?[bB])?$")
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

_PART = re.compile(r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(ns|us|µs|μs|ms|s|m|h|d|w)")
_PARTS = re.compile(f"(?:{_PART.pattern})+")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 24 * 3600 * 10**9,
    "w": 7 * 24 * 3600 * 10**9,
}
LONGEST = 2**63 - 1
"""The most nanoseconds, and the most bytes, that an engine can be told."""


def size(text: str) -> int | None:
    """`text` (`2b`, `1024kb`, `300m`, `1.5gb`) in bytes; None when it is no size."""
    match = _SIZE.match(text.strip())
    if not match:
        return None
    bytes_ = (
        int(float(match[1]) * 1024 ** _POWER[match[2].lower()])
        if "." in match[1]
        else (int(match[1]) * 1024 ** _POWER[match[2].lower()])
    )
    return bytes_ if bytes_ <= LONGEST else None


def duration(text: str) -> int | None:
    """`text` (`1h5m30s20ms`) in nanoseconds; None when it is no duration."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest or not _PARTS.fullmatch(rest):
        return None
    total = int(sum(_exactly(number, _NANOSECONDS[unit]) for number, unit in _PART.findall(rest)))
    return sign * total if total <= LONGEST else None


def _exactly(number: str, unit: int) -> int | Decimal:
    """`number` times `unit`."""
    if number.isdecimal():
        return int(number) * unit
    from decimal import Decimal

    return Decimal(number) * unit


def duration_text(nanoseconds: int) -> str:
    """Nanoseconds as Compose prints them: `1m30s`, `2m0s`, `1.5s`, `20ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < _NANOSECONDS["s"]:
        for unit in ("ms", "µs", "ns"):
            if left >= _NANOSECONDS[unit]:
                return sign + _decimal(left, _NANOSECONDS[unit]) + unit
    minutes, below = divmod(left, _NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    text = _decimal(below, _NANOSECONDS["s"]) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else sign + text


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1).rstrip('0')}"
