"""Files in a folder that the person may not enter: said so, and no bug of nap's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.nap import PROGRAM

AS_ANYBODY = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if os.geteuid() == 0
    else []
)
"""Root without what lets it into every folder; nothing for whoever isn't root."""

pytestmark = pytest.mark.skipif(
    bool(AS_ANYBODY) and shutil.which("setpriv") is None, reason="only setpriv takes root's rights"
)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may enter, with an app's file in it."""
    folder = tmp_path / "locked"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop/compose.yaml").write_text("services: {web: {image: x}}\n")
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def called(folder: Path, *words: str) -> tuple[int, str]:
    """The exit code and the standard error of nap without the right to enter."""
    done = subprocess.run(
        [*AS_ANYBODY, str(PROGRAM), *words],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "DOCKER_HOST": f"unix://{folder}/none.sock"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "missed"),
    [
        (("--project-directory", "locked", "config"), "locked/.env"),
        (("-f", "locked/shop/compose.yaml", "config"), "locked/shop/.env"),
        (("--project-directory", "locked", "ps"), "locked/compose.yaml"),
    ],
)
def test_a_folder_that_one_may_not_enter(locked: Path, words: tuple[str, ...], missed: str) -> None:
    code, err = called(locked.parent, *words)
    assert (code, err.splitlines()[0]) == (
        2,
        f"nap: can't look for {locked.parent}/{missed}: Permission denied",
    )
    assert "-p" in err


def test_a_file_that_one_may_not_reach(locked: Path) -> None:
    (locked.parent / "compose.yaml").write_text(
        "services: {web: {image: x, env_file: locked/vars}}\n"
    )
    code, err = called(locked.parent, "config")
    assert (code, err) == (1, f"nap: {locked}/vars can't be used: Permission denied\n")
