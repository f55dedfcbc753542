"""The programs that are compared, as they are installed beside this one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from bench.case import CannotRun

PYTHON = sys.executable
NAP = str(Path(sys.executable).with_name("nap"))


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
