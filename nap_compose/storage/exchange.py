"""Folders that come to their place: new ones, and others in place of what is there.

A rename is all or nothing, two of them aren't. So before what is there makes way, it is written
down what comes in its place; where nap is killed in between, the next one finishes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path

from nap_compose.storage import folders
from nap_compose.storage.folders import parts_of

NEW = ".new"
"""Where a folder is while it is made ready."""

INTENT = ".intent"
TRIES = 3
"""How often a folder that somebody is just tidying away is made again on the way."""


def move_in(base: Path, new: str, parts: Sequence[str]) -> bool:
    """Bring what was made ready as `new` to its place; False where something is there already."""
    for left in reversed(range(TRIES)):
        with (
            folders.opened(base, [NEW]) as source,
            folders.opened(base, parts[:-1], make=0o711) as target,
        ):
            try:
                os.rename(new, parts[-1], src_dir_fd=source, dst_dir_fd=target)
            except OSError as error:
                if folders.exists(base, parts):
                    return False
                if not left or not isinstance(error, FileNotFoundError):
                    raise
            else:
                return True
    raise AssertionError("the last try returns or raises")


def exchange(base: Path, new: str, parts: Sequence[str], aside: Sequence[str]) -> None:
    """Bring `new` to its place, and what is there to `aside`, which must be free."""
    intent = {"new": new, "place": "/".join(parts), "aside": "/".join(aside)}
    with (
        folders.opened(base, [NEW]) as work,
        os.fdopen(
            os.open(f"{new}{INTENT}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=work),
            "r+",
        ) as file,
    ):
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(intent))
        file.flush()
        os.fsync(file.fileno())
        _carry_out(base, intent)
        os.unlink(f"{new}{INTENT}", dir_fd=work)


def finish(base: Path) -> None:
    """Finish what was cut off."""
    if not folders.exists(base, [NEW]):
        return
    with folders.opened(base, [NEW]) as work:
        for name in folders.inside(work):
            if name.endswith(INTENT):
                with contextlib.suppress(FileNotFoundError, BlockingIOError):
                    _finish_one(base, work, name)


def _finish_one(base: Path, work: int, name: str) -> None:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=work), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        text = file.read()
        with contextlib.suppress(json.JSONDecodeError):  # cut off before anything was moved
            _carry_out(base, json.loads(text))
        os.unlink(name, dir_fd=work)


def _carry_out(base: Path, intent: dict[str, str]) -> None:
    parts, aside = parts_of(intent["place"]), parts_of(intent["aside"])
    if not folders.exists(base, [NEW, intent["new"]]):
        return  # it is in its place already
    if folders.exists(base, parts) and not folders.exists(base, aside):
        with (
            folders.opened(base, parts[:-1]) as here,
            folders.opened(base, aside[:-1], make=0o700) as there,
        ):
            os.rename(parts[-1], aside[-1], src_dir_fd=here, dst_dir_fd=there)
    move_in(base, intent["new"], parts)
