"""Write requirements-test.lock: one exact version of everything, for every Python we support.

    python tools/lock.py python3.10 python3.11 python3.12 python3.13

Each interpreter resolves `.[test]` on its own (pip's dry run, in a throw-away environment), and
the answers are merged: where they differ, a marker says which Python gets which version. pip
reads its own configuration, so the lock names no index.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-test.lock"
HEAD = """\
# What `make` installs, exact. Written by `make lock`, from pyproject.toml; don't edit.
# Resolved with Python {pythons}.
"""

Python = tuple[int, int]
Versions = Mapping[str, str]
"""Package → version, as one interpreter resolved them."""


def resolve(interpreter: str) -> tuple[Python, Versions]:
    """What pip would install for `.[test]` with this interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        python = str(Path(folder, "bin", "python"))
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
        report = Path(folder, "report.json")
        dry_run = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        subprocess.run([*pip, *dry_run, f"{ROOT}[test]"], check=True)
        resolved = json.loads(report.read_text())
    major, minor = resolved["environment"]["python_version"].split(".")
    return (int(major), int(minor)), {
        _normal(item["metadata"]["name"]): item["metadata"]["version"]
        for item in resolved["install"]
        if not item["is_direct"]
    }


def merge(resolved: Mapping[Python, Versions]) -> list[str]:
    """One requirement a line, with a marker where the interpreters differ."""
    pythons = sorted(resolved)
    chosen: dict[str, dict[str, list[Python]]] = defaultdict(lambda: defaultdict(list))
    for python in pythons:
        for name, version in resolved[python].items():
            chosen[name][version].append(python)
    lines = []
    for name in sorted(chosen):
        for version, having in chosen[name].items():
            marker = _marker(having, pythons)
            lines.append(f"{name}=={version}" + (f" ; {marker}" if marker else ""))
    return lines


def _marker(having: list[Python], pythons: list[Python]) -> str:
    """The environment marker (PEP 508) that holds for `having` among the sorted `pythons`.

    The newest Pythons' choice is open upwards: a later Python gets it too.
    """
    if having == pythons:
        return ""
    if having == pythons[-len(having) :]:
        return f'python_version >= "{_dotted(having[0])}"'
    if having == pythons[: len(having)]:
        return f'python_version < "{_dotted(pythons[len(having)])}"'
    return " or ".join(f'python_version == "{_dotted(python)}"' for python in having)


def _dotted(python: Python) -> str:
    return ".".join(map(str, python))


def _normal(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(interpreters: list[str]) -> int:
    if not interpreters:
        print(__doc__, file=sys.stderr)
        return 2
    resolved = dict(resolve(interpreter) for interpreter in interpreters)
    names = ", ".join(_dotted(python) for python in sorted(resolved))
    LOCK.write_text(HEAD.format(pythons=names) + "\n".join(merge(resolved)) + "\n")
    print(f"{LOCK.name}: {len(merge(resolved))} packages for Python {names}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
