"""nap as people install it: in an environment of its own, from a clean copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import nap_compose

ROOT = Path(__file__).resolve().parents[2]
APP = """\
services:
  web:
    image: nginx:${TAG:-1.27}
    ports: ["8080:80"]
"""
WAYS = {
    "pip": ("-m", "pip", "install", "--quiet", "."),
    "setup.py": ("setup.py", "install"),
    "pipx": ("-m", "pipx", "install", "--quiet", "."),
}


def run(*argv: str | Path, cwd: Path) -> str:
    """Run a program without what this test's own environment lends to Python; pipx keeps to the
    folder it is run beside."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PIPX_HOME": f"{cwd.parent}/pipx", "PIPX_BIN_DIR": f"{cwd.parent}/bin"}
    ended = subprocess.run(
        argv, cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def files_of_the_project() -> list[str]:
    """What a clone would have: no caches, nothing built."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


@pytest.fixture(scope="module", params=list(WAYS))
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that nap was installed into, one way or the other."""
    folder = tmp_path_factory.mktemp(request.param.replace(".", "-"))
    for name in files_of_the_project():
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / "tree" / name)
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    if request.param == "pipx":
        run(python, "-m", "pip", "install", "--quiet", "pipx", cwd=folder)
    run(python, *WAYS[request.param], cwd=folder / "tree")
    shutil.rmtree(folder / "tree")
    return folder / "pipx" / "venvs" / "nap-compose" if request.param == "pipx" else folder / "venv"


def test_nap_says_its_version(installed: Path, tmp_path: Path) -> None:
    assert nap_compose.__version__ in run(installed / "bin" / "nap", "version", cwd=tmp_path)


def test_nap_reads_a_file(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(APP)
    shown = run(installed / "bin" / "nap", "config", "-f", "app.yml", cwd=tmp_path)
    web = yaml.safe_load(shown)["services"]["web"]
    assert web["image"] == "nginx:1.27"
    assert web["ports"][0]["published"] == "8080"


def test_nothing_is_left_out(installed: Path) -> None:
    (package,) = installed.glob("lib/python*/site-packages/nap_compose")
    wanted = {name for name in files_of_the_project() if name.startswith("nap_compose/")}
    there = {
        f"nap_compose/{path.relative_to(package)}" for path in package.rglob("*") if path.is_file()
    }
    assert wanted - there == set()


def test_what_it_needs_fits_together(installed: Path, tmp_path: Path) -> None:
    assert "No broken requirements" in run(
        installed / "bin" / "python", "-m", "pip", "check", cwd=tmp_path
    )
