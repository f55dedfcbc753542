"""Where logs lie: `LOGS/OWNER/APP/…`, each folder open to its owner and group alone."""

from __future__ import annotations

from pathlib import Path

from nap_compose.errors import WrongUse

NO_OWNER = "-"
"""The folder of apps that belong to nobody, as all do when embedded. No owner is called so."""

FOLDER_MODE = 0o750
FILE_MODE = 0o640


def app_folder(logs: Path, owner: str, app: str) -> Path:
    """Where all logs of an app are."""
    return logs / (plain_name(owner) if owner else NO_OWNER) / plain_name(app)


def plain_name(name: str) -> str:
    """A name that is to be one part of a path, and stays within its folder. Raises WrongUse."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise WrongUse(f"'{name}' can't be a name here")
    return name


def make_folders(logs: Path, inner: Path) -> None:
    """Make `inner` and what leads to it below `logs`. Raises OSError."""
    logs.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for made in [*reversed(inner.relative_to(logs).parents), inner.relative_to(logs)]:
        path = logs / made
        if not path.exists():
            path.mkdir(mode=FOLDER_MODE, exist_ok=True)
            path.chmod(FOLDER_MODE)
