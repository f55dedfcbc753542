"""Passwords and tokens: made when a bed first needs them, kept in files of mode 0600."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def password() -> str:
    return secrets.token_urlsafe(24)


def kept(path: Path, make: Callable[[], str] = password) -> str:
    """The secret in that file; made at the first call."""
    if not path.exists():
        write(path, make() + "\n")
    return path.read_text().strip()


def write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, at no moment half or open to others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
