"""The time as nap writes it down."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> str:
    """Now in UTC, ISO 8601 with milliseconds: `2026-03-01T12:00:00.000Z`. Such texts sort."""
    return written(datetime.now(timezone.utc))


def written(at: datetime, parts: str = "milliseconds") -> str:
    """A moment, of whatever zone, as `utc_now` writes it; to which `parts` of a second is for
    `datetime.isoformat`."""
    return at.astimezone(timezone.utc).isoformat(timespec=parts).replace("+00:00", "Z")
