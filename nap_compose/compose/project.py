"""What a project is called."""

from __future__ import annotations

import re

from nap_compose.errors import BadFile

_GOOD = re.compile(r"[a-z0-9][a-z0-9_-]*")


def check_name(name: str, source: str) -> str:
    """`name` if it can be a project's name; `source` says where it came from. Raises BadFile."""
    if not _GOOD.fullmatch(name):
        fitting = from_folder(name)
        raise BadFile(
            f"\"{name}\" ({source}) can't be a project's name: it takes lower case letters, "
            "digits, '-' and '_', and begins with a letter or a digit",
            hint=f"try {fitting}" if fitting else None,
        )
    return name


def from_folder(name: str) -> str:
    """The project name that a folder's name gives; empty when nothing is left of it."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")
