"""How many brokers somebody has at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nap_compose.auth import seats


def test_no_more_than_so_many_and_others_are_not_held_up(tmp_path: Path) -> None:
    folder = tmp_path / "brokers"
    assert [seats.take(folder, "bob", 3) for _ in range(4)] == [True, True, True, False]
    assert seats.take(folder, "carol", 3)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_seat_goes_with_its_process(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from nap_compose.auth import seats;"
        "sys.exit(not seats.take(pathlib.Path(sys.argv[1]), 'bob', 1))"
    )
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script, tmp_path], check=False).returncode == 0
    assert seats.take(tmp_path, "bob", 1)
    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert done.returncode == 1, "it is taken"


def test_where_it_can_not_be_told_nobody_is_held_up(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert seats.take(file / "below", "bob", 0)
