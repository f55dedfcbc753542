"""The person's own side of a session: the token of each cluster, in a file for their eyes only."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from nap_compose.cluster.chosen import own_state_dir
from nap_compose.cluster.private_files import replace_private
from nap_compose.errors import NapError

FILE_NAME = "session"
_LONGEST = 64 * 1024


def token_of(env: Mapping[str, str], address: str) -> str:
    """The token for the cluster at `address`; empty where there is none."""
    return _read(_path(env)).get(address, "")


def remember(env: Mapping[str, str], address: str, token: str) -> None:
    """Keep a token; an empty one is forgotten."""
    path = _path(env)
    tokens = {**_read(path), address: token}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(path, json.dumps({key: value for key, value in tokens.items() if value}))
    except OSError as error:
        raise NapError(
            f"the session can't be kept in {path}: {error.strerror}",
            hint="XDG_STATE_HOME or NAP_STATE_DIR names another folder",
        ) from None


def _path(env: Mapping[str, str]) -> Path:
    return own_state_dir(env) / FILE_NAME


def _read(path: Path) -> dict[str, str]:
    """The tokens by address. A file that somebody else wrote, or may read, counts as none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return {}
            if status.st_mode & 0o077:
                return {}
            found = json.loads(os.read(descriptor, _LONGEST))
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items()}
