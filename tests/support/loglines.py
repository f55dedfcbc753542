"""`read_logs` with its lines one by one, as most tests look at them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from nap_compose.border import LogLine, each_line
from nap_compose.logs import read


def read_logs(*args: Any, **more: Any) -> Generator[LogLine, None, None]:
    """See `nap_compose.logs.read`."""
    lines = read.read_logs(*args, **more)

    def one_by_one() -> Generator[LogLine, None, None]:
        try:
            yield from each_line(lines)
        finally:
            lines.close()

    return one_by_one()
