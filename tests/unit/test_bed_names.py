"""Test files run beside each other: no two may name their bed alike."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

BEDS = Path(__file__).parents[1] / "bed"


def test_each_file_has_beds_of_its_own() -> None:
    named = Counter(
        name
        for file in BEDS.glob("test_*.py")
        for name in set(re.findall(r'(?:bring_up|own_name)\(\s*f?"([^"]+)"', file.read_text()))
    )
    assert len(named) > 30
    assert [name for name, files in named.items() if files > 1] == []
