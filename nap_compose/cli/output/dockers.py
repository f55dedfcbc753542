"""Amounts, times and ports in the words that `docker` has for them, where nap stands in for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86400
_SPANS = (
    (1, "Less than a second"),
    (2, "1 second"),
    (MINUTE, "{:d} seconds", 1),
    (2 * MINUTE, "About a minute"),
    (HOUR, "{:d} minutes", MINUTE),
)
_LONG_SPANS = (
    (48, "hours", 1),
    (24 * 7 * 2, "days", 24),
    (24 * 30 * 2, "weeks", 24 * 7),
    (24 * 365 * 2, "months", 24 * 30),
)


def span(seconds: float) -> str:
    """A duration in one number: `12 seconds`, `About an hour`, `3 weeks`."""
    whole = int(seconds)
    for below, text, *unit in _SPANS:
        if whole < int(below):
            return str(text).format(*(whole // int(each) for each in unit))
    hours = int(seconds / HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    for most, name, unit_ in _LONG_SPANS:
        if hours < most:
            return f"{hours // unit_} {name}"
    return f"{int(seconds / HOUR / 24 / 365)} years"


def ago(at: float, now: float | None = None) -> str:
    """How long ago it was, `at` in seconds since 1970."""
    return f"{span((time.time() if now is None else now) - at)} ago"


def moment(at: float) -> str:
    """Seconds since 1970 as Go prints a moment: `2026-03-01 12:00:00 +0000 UTC`."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(at))


def decimal_size(size: float) -> str:
    """Bytes in powers of 1000, three digits: `1.04kB`."""
    return _size(size, 1000, ("B", "kB", "MB", "GB", "TB", "PB"), 3)


def binary_size(size: float) -> str:
    """Bytes in powers of 1024, four digits: `23.54GiB`."""
    return _size(size, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"), 4)


def _size(size: float, step: int, units: tuple[str, ...], digits: int) -> str:
    amount = float(size)
    for unit in units[:-1]:
        if amount < step:
            return f"{amount:.{digits}g}{unit}"
        amount /= step
    return f"{amount:.{digits}g}{units[-1]}"


def shortened(text: str, length: int) -> str:
    """`text`, of `length` characters at most, the last an ellipsis where some are left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def quoted(text: str) -> str:
    """`text` in double quotes, control characters escaped."""
    return json.dumps(text, ensure_ascii=False)


def ports(found: Iterable[Mapping[str, Any]]) -> str:
    """`0.0.0.0:8080->80/tcp, 9000-9002/tcp`: neighbours that keep their number make a range.

    Each has `host_ip` (empty: not published), `published`, `target` and `protocol`.
    """
    ordered = sorted(found, key=lambda each: (each["target"], each["host_ip"], each["published"]))
    ranges: list[str] = []
    moved: list[str] = []
    open_: dict[tuple[str, str], tuple[int, int]] = {}
    for each in ordered:
        ip, target, protocol = each["host_ip"], each["target"], each.get("protocol", "tcp")
        if ip and each["published"] != target:
            moved.append(f"{joined(ip, each['published'])}->{target}/{protocol}")
            continue
        first, last = open_.get((ip, protocol), (target, target - 1))
        if target != last + 1:
            ranges.append(_range(ip, protocol, first, last))
            first = target
        open_[ip, protocol] = (first, target)
    ranges += [_range(ip, protocol, *ends) for (ip, protocol), ends in open_.items()]
    return ", ".join(ranges + moved)


def joined(ip: str, port: int | str) -> str:
    """An address and a port, an IPv6 address in brackets."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _range(ip: str, protocol: str, first: int, last: int) -> str:
    numbers = f"{first}" if first == last else f"{first}-{last}"
    return f"{joined(ip, numbers)}->{numbers}/{protocol}" if ip else f"{numbers}/{protocol}"
