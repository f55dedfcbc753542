"""Sizes and durations as people write them, and back: `512m` is bytes, `1h30m` is seconds."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {letter: 1024**power for power, letter in enumerate(("", "k", "m", "g", "t", "p"))}

_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, the micro sign
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 7 * 86400.0,
}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)")


def parse_size(text: str) -> int:
    """Bytes from `2b`, `1024kb`, `300m`, `1.5g`, `1GiB` or a number; units are powers of 1024.

    Raises ValueError with a sentence that says what was expected.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no size; write it like 512m or 1.5g")
    return int(float(match[1]) * _POWERS[match[2].lower()])


def parse_duration(text: str) -> float:
    """Seconds from `1h5m30s20ms`, `14d` or `0`; the units are ns, us, ms, s, m, h, d and w.

    Raises ValueError with a sentence that says what was expected: a number without a unit is
    refused, because it would mean seconds to one and milliseconds to another.
    """
    stripped = text.strip()
    sign = -1.0 if stripped.startswith("-") else 1.0
    digits = stripped[1:] if stripped[:1] in ("+", "-") else stripped
    if digits == "0":
        return 0.0
    parts = _PART.findall(digits)
    if not parts or "".join(number + unit for number, unit in parts) != digits:
        raise ValueError(f"'{text}' is no duration; write it like 30s, 1m30s or 14d")
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in parts)


def show_size(size: int) -> str:
    """Bytes for a person, in powers of 1024: `0B`, `512KiB`, `1.5GiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(amount) < 1024:
            return f"{_short(amount)}{unit}"
        amount /= 1024
    return f"{_short(amount)}PiB"


def show_duration(seconds: float) -> str:
    """A duration for a person, as precise as its length asks for: `0.4s`, `12.3s`, `4m10s`."""
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def show_age(seconds: float) -> str:
    """How long ago in one number: `45s`, `12m`, `3h`, `5d`, `7w`. What lies ahead is `0s`."""
    whole = max(0, int(seconds))
    steps = ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h"), (14 * 86400 * 2, 86400, "d"))
    for below, unit, letter in steps:
        if whole < below:
            return f"{whole // unit}{letter}"
    return f"{whole // (7 * 86400)}w"


def _short(amount: float) -> str:
    return f"{amount:.1f}".removesuffix(".0")
