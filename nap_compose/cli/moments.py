"""Moments as people write them on the command line."""

from __future__ import annotations

import re
import time
from datetime import datetime

from nap_compose.errors import WrongUse
from nap_compose.units import parse_duration


def moment(text: str | None) -> float | None:
    """Seconds since 1970 from a date, seconds since 1970, or how long ago it was (`42m`).

    A date without a zone is in the machine's own. Raises WrongUse.
    """
    if not text:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        return time.time() - parse_duration(text)
    except ValueError:
        pass
    # Python before 3.11 reads neither a Z nor nanoseconds.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", re.sub(r"[Zz]$", "+00:00", text))
    try:
        return datetime.fromisoformat(trimmed).timestamp()
    except ValueError:
        raise WrongUse(
            f"'{text}' is no time", hint="write it like 2024-05-01T13:00:00Z, or 42m for that ago"
        ) from None
