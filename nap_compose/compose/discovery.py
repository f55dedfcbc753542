"""Which files are read: those named, or those that lie around."""

from __future__ import annotations

import os
import stat
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


class NoFile(BadFile):
    """No file was named, and none lies around."""


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
    it, with its override. Raises NoFile when there is none, BadFile for a folder that one may not
    look into.
    """
    names = [str(name) for name in named or ()]
    if not names and (listed := setting(env, "FILE")):
        separator = setting(env, "PATH_SEPARATOR") or os.pathsep
        names = [name for name in listed.split(separator) if name]
    if names:
        return [name if name == STDIN else os.path.normpath(cwd / name) for name in names]
    return _around(Path(os.path.normpath(cwd / (project_directory or ""))))


def is_file(path: Path) -> bool:
    """Whether there is such a file. Raises BadFile where one may not know."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        raise BadFile(
            f"can't look for {path}: {error.strerror}",
            hint="go to a folder that you may look into, or name the app with -p",
        ) from None
    except OSError:
        return False


def _around(folder: Path) -> list[str]:
    for place in (folder, *folder.parents):
        found = [place / name for name in NAMES if is_file(place / name)]
        if not found:
            continue
        overrides = [place / name for name in OVERRIDES if is_file(place / name)]
        return [str(path) for path in (*found[:1], *overrides[:1])]
    raise NoFile(
        f"no Compose file in {folder} or above it",
        hint=f"name one with -f, or create {NAMES[0]}",
    )
