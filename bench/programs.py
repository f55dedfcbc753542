"""The programs that are compared, as they are installed beside this one."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from bench.case import CannotRun

PYTHON = sys.executable
NAP = str(Path(sys.executable).with_name("nap"))


def compose() -> str:
    """Compose's own binary: without the Python that its package wraps around it."""
    found = importlib.util.find_spec("compose")
    for folder in (found.submodule_search_locations or ()) if found else ():
        binary = Path(folder, "docker-compose")
        if os.access(binary, os.X_OK):
            return str(binary)
    raise CannotRun("Compose's binary isn't here: `make setup` installs it")
