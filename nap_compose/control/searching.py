"""What was collected of an app, searched and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nap_compose.border import Listing, LogCount
from nap_compose.control.logreading import kept_of
from nap_compose.errors import NapError
from nap_compose.logs.read import of_series
from nap_compose.logs.search import search
from nap_compose.logs.tally import tally

if TYPE_CHECKING:
    from nap_compose.border import LogLine, SearchRequest
    from nap_compose.control.parts import Parts
    from nap_compose.logs.kept.series import Series


def search_kept(
    parts: Parts, request: SearchRequest, warn: Callable[[str], None]
) -> Iterator[LogLine]:
    """The kept lines in which the request's text stands; see `border.Collecting`."""
    kept = _kept(parts, request, warn)
    return search(kept, request.lines, request.text, any_case=request.any_case)


def count_kept(parts: Parts, request: SearchRequest, warn: Callable[[str], None]) -> Listing:
    """A row for each service and hour."""
    counts = tally(_kept(parts, request, warn), request.lines)
    rows = [
        LogCount(
            service=service,
            hour=f"{hour}:00:00Z",
            lines=count.lines,
            size=count.size,
            stderr=count.stderr,
            errors=count.errors,
        )
        for (service, hour), count in counts.items()
        if count.lines
    ]
    return Listing(tuple(sorted(rows, key=lambda row: (row.hour, row.service))))


def _kept(parts: Parts, request: SearchRequest, warn: Callable[[str], None]) -> list[Series]:
    target = request.target
    kept = kept_of(parts, target, warn)
    if not kept:
        raise NapError(
            f"nothing is kept of what {target.app} printed",
            hint=f"nap logs {target.app} --grep looks through what the engines still have",
        )
    return [each for each in kept if of_series(each, request.lines)]
