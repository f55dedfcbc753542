"""Items of an iterator cross some at once, and never so many that no frame would hold them."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.border import LogLines
from nap_compose.control.stream.pump import AHEAD, MOST_BYTES, Pump

SIZE = 200_000
LINES = LogLines("web.1", "h1", "o" * 1000, b"s" * 31_000, "x" * (SIZE - 31_000))


@pytest.mark.parametrize("item", [b"x" * SIZE, LINES])
def test_large_ones_come_a_few_at_a_time(item: Any) -> None:
    pump = Pump([item] * 3 * AHEAD)
    found, over = [], False
    while not over:
        some, over = pump.next()
        assert len(some) * SIZE < MOST_BYTES + SIZE
        found += some
    assert found == [item] * 3 * AHEAD
