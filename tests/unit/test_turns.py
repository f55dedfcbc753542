"""While there are others no more than two files of the bed run at once, and all run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
A_TEST = """
import time
import pytest

@pytest.mark.parametrize("n", range(2))
def test_something(n):
    with open("told", "a") as told:
        told.write(f"begins {__name__}\\n")
    time.sleep(0.2)
    with open("told", "a") as told:
        told.write(f"ends {__name__}\\n")
"""


@pytest.mark.parametrize(("beds", "others"), [(15, 3), (3, 0)])
def test_a_third_worker_has_what_needs_no_bed(tmp_path: Path, beds: int, others: int) -> None:
    for folder, count in (("bed", beds), ("unit", others)):
        place = tmp_path / "tests" / folder
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"test_{folder}{number}.py").write_text(A_TEST)
    words = "-n3 --dist loadfile --no-loadscope-reorder -q -p tests.support.turns --rootdir ."
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words.split(), "-c", "/dev/null", "tests"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert f"{2 * (beds + others)} passed" in done.stdout, done.stdout + done.stderr
    lines = (tmp_path / "told").read_text().splitlines()
    last = max((at for at, line in enumerate(lines) if "unit" in line), default=-1)
    assert 1 <= at_once(lines[: last + 1]) <= 2 or not others
    assert at_once(lines[last + 1 :]) == 3


def at_once(lines: list[str]) -> int:
    """How many files of the bed ran at once, at the most."""
    running: set[str] = set()
    most = 0
    for word, file in (line.split() for line in lines if "bed" in line):
        running = running | {file} if word == "begins" else running - {file}
        most = max(most, len(running))
    return most
