"""How old a container's state is at the most, from the sentence that its engine lists it with.

A list tells no start times, only "Up 3 minutes (healthy)". That is enough to tell that a container
was started again since it was last inspected. Pure.
"""

from __future__ import annotations

import re

_SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "week": 7 * 86400.0,
    "month": 30 * 86400.0,
    "year": 365 * 86400.0,
}
_AGE = re.compile(
    r"(?:Up|Exited \(-?\d+\)|Restarting \(-?\d+\)) "
    r"(?:(Less than a second)|About an? (minute|hour)|(\d+) (" + "|".join(_SECONDS) + r")s?)"
)


def at_most(status: str) -> float | None:
    """The most seconds that the state has lasted; None where the sentence doesn't tell."""
    found = _AGE.match(status)
    if not found:
        return None
    less, about, number, unit = found.groups()
    if less:
        return 1.0
    if about:
        return 2 * _SECONDS[about]
    # Engines round up or down, by unit and by release.
    return (int(number) + 1) * _SECONDS[unit]
