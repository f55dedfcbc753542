"""Which files are read: those named, or those that lie around."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nap_compose.errors import BadFile

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
STDIN = "-"


def setting(env: Mapping[str, str], name: str) -> str | None:
    """`NAP_<name>`, or `COMPOSE_<name>` where that isn't set; empty counts as not set."""
    return env.get(f"NAP_{name}") or env.get(f"COMPOSE_{name}") or None


def find(
    named: Sequence[str | Path] | None,
    env: Mapping[str, str],
    cwd: Path,
    project_directory: str | Path | None = None,
) -> list[str]:
    """The files to read, absolute and in order; `-` is standard input.

    Named ones first, then `NAP_FILE` or `COMPOSE_FILE`, both relative to `cwd`; then the first of
    NAMES in the project's folder, where that is given, or in `cwd`, or in the nearest folder above
    it, with its override. Raises BadFile when there is none.
    """
    names = [str(name) for name in named or ()]
    if not names and (listed := setting(env, "FILE")):
        separator = setting(env, "PATH_SEPARATOR") or os.pathsep
        names = [name for name in listed.split(separator) if name]
    if names:
        return [name if name == STDIN else os.path.normpath(cwd / name) for name in names]
    return _around(Path(os.path.normpath(cwd / (project_directory or ""))))


def _around(folder: Path) -> list[str]:
    for place in (folder, *folder.parents):
        found = [place / name for name in NAMES if (place / name).is_file()]
        if not found:
            continue
        overrides = [place / name for name in OVERRIDES if (place / name).is_file()]
        return [str(path) for path in (*found[:1], *overrides[:1])]
    raise BadFile(
        f"no Compose file in {folder} or above it",
        hint=f"name one with -f, or create {NAMES[0]}",
    )
