"""What differs from the real Compose is little, and the docs name all of it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.peer.known import DIFFERENCES

PAGE = Path(__file__).parents[2] / "docs" / "beside-compose.md"
AT_MOST = 5


def test_the_differences_are_few_and_the_page_names_them_all() -> None:
    _, _, rest = PAGE.read_text().partition("## What nap does otherwise\n")
    section, _, _ = rest.partition("\n## ")
    named = re.findall(r"^\d\. \*\*(.+?)\*\*", section, flags=re.MULTILINE)
    assert named == list(DIFFERENCES)
    assert len(named) <= AT_MOST
