"""MooseFS's programs: what they say, and what is said where they can't."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import Away, NapError
from nap_compose.storage import programs, settings
from nap_compose.storage.settings import Settings, Usage

QUOTA = """{path}: (current values | soft quota | hard quota) ; soft quota grace period: default
 inodes   |                    1 |                    - |                  100 |
 length   |                    3 |                    - |             10000000 |
 size     |                73728 |                    - |                    - |
 realsize |               147456 |                    - |                    - |"""


@pytest.fixture
def moosefs(tmp_path: Path) -> Moosefs:
    return Moosefs("mfsmaster", tools=tmp_path)


def program(moosefs: Moosefs, name: str, script: str) -> None:
    assert moosefs.tools
    path = moosefs.tools / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_is_set_is_read_from_what_they_print(moosefs: Moosefs, tmp_path: Path) -> None:
    """As MooseFS 3.0.117 prints it; a path may hold what looks like an answer."""
    path = tmp_path / "a: 9"
    program(moosefs, "mfsgetgoal", 'echo "$1: 2"')
    program(moosefs, "mfsgettrashtime", 'echo "$2: 3600"')
    program(moosefs, "mfsgetquota", f"cat <<'END'\n{QUOTA.format(path=path)}\nEND")
    assert settings.read(moosefs, path) == (Settings(2, 3600, 10_000_000, 100), Usage(3, 1))


def test_what_is_set_is_what_is_asked_for_and_no_more(moosefs: Moosefs, tmp_path: Path) -> None:
    told = tmp_path / "told"
    for name in ("mfssetgoal", "mfssettrashtime", "mfssetquota", "mfsdelquota"):
        program(moosefs, name, f'echo {name} "$@" >> {told}')
    settings.write(moosefs, Path("/p"), Settings(goal=3, quota=5, files=0))
    assert told.read_text().splitlines() == [
        "mfssetgoal 3 /p",
        "mfssetquota -n -L 5 /p",
        "mfsdelquota -n -I /p",
    ]
    told.unlink()
    settings.write(moosefs, Path("/p"), Settings(goal=1, trash=60), everything=True)
    assert told.read_text().splitlines() == ["mfssetgoal -r 1 /p", "mfssettrashtime -n -r 60 /p"]


def test_a_program_that_is_not_there(moosefs: Moosefs) -> None:
    with pytest.raises(NapError, match="isn't there") as error:
        programs.run(moosefs, "mfsgetgoal")
    assert "moosefs-client" in str(error.value.hint)


def test_a_program_that_fails_is_quoted(moosefs: Moosefs) -> None:
    program(moosefs, "mfssetgoal", "echo first; echo 'x: Permission denied' >&2; exit 1")
    with pytest.raises(NapError, match="mfssetgoal failed: x: Permission denied"):
        programs.run(moosefs, "mfssetgoal", "2", "/x")


@pytest.mark.parametrize(
    "script",
    ["echo 'Working master servers not found !!! - maybe'", "echo 'Can'\"'\"'t find masters' >&2",
     "sleep 5"],
)  # fmt: skip
def test_a_master_that_is_away(moosefs: Moosefs, script: str) -> None:
    """mfscli ends with 0 where it finds no master."""
    program(moosefs, "mfscli", script)
    with pytest.raises(Away, match="master mfsmaster:9421 doesn't answer"):
        programs.run(moosefs, "mfscli", "-SIG", patience=0.5)
