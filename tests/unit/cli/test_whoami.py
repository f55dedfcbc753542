"""`nap whoami`: who, and who says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nap_compose.border import Who
from tests.unit.cli.scripted import Scripted, nap

BOB = Who("bob", "bob", "user", groups=("web",))


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("system", "bob (user), as the system says: no directory is set up\ngroups: web\n"),
        ("directory", "bob (user), as the directory says\ngroups: web\n"),
    ],
)
def test_it_is_told_who_says_so(empty: Path, by: str, told: str) -> None:
    class Known(Scripted):
        def whoami(self) -> Who:
            return replace(BOB, by=by)

    assert nap("whoami", control=Known()).out == told


def test_where_no_directory_is_set_up_the_system_does(empty: Path) -> None:
    assert "as the system says: no directory is set up" in nap("whoami", control=Scripted()).out
