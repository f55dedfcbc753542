"""The programs that are compared, as they are installed beside this one."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sysconfig
import tempfile
import venv
from functools import cache
from pathlib import Path

import click

from bench.case import CannotRun

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """\
#!{python}
import sys
from nap_compose.cli.main import main
sys.exit(main())
"""


def nap() -> str:
    """nap as people have it: installed into an environment of its own. In the one that it is
    worked on in, every start of Python pays for finding the sources where they lie."""
    return str(_installed() / "bin" / "nap")


def python() -> str:
    """The Python that runs it, with what it needs."""
    return str(_installed() / "bin" / "python")


@cache
def _installed() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nap-bench-"))
    atexit.register(shutil.rmtree, folder)
    venv.create(folder, symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    # Where they lie, also for a program that runs in such an environment itself.
    libraries = Path(click.__file__).parents[1]
    Path(paths["purelib"], "nap.pth").write_text(f"{ROOT}\n{libraries}\n")
    script = folder / "bin" / "nap"
    script.write_text(SCRIPT.format(python=folder / "bin" / "python"))
    script.chmod(0o755)
    return folder


def docker_compose(folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Compose as people call it, and the variables that it needs: `docker compose`.

    Where there is no `docker`, Compose's binary is called directly, which is quicker.
    `folder` gets the configuration that names it as docker's plugin.
    """
    docker = shutil.which("docker")
    if docker is None:
        return (compose(),), {}
    plugins = folder / "docker-config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(compose())
    return (docker, "compose"), {"DOCKER_CONFIG": str(plugins.parent)}


def compose() -> str:
    """Compose's own binary: without the Python that its package wraps around it."""
    found = importlib.util.find_spec("compose")
    for folder in (found.submodule_search_locations or ()) if found else ():
        binary = Path(folder, "docker-compose")
        if os.access(binary, os.X_OK):
            return str(binary)
    raise CannotRun("Compose's binary isn't here: `make setup` installs it")
