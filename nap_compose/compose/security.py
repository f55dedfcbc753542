"""`security_opt`: its forms, and the seccomp profiles that it names, read from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nap_compose.compose.envfiles import read_text
from nap_compose.compose.faults import Fault
from nap_compose.errors import BadFile

_ALONE = ("no-new-privileges",)
"""Options without a value."""
_NO_FILES = ("unconfined", "builtin")
"""Seccomp profiles that the engine knows by name."""


def resolve(name: str, service: dict[str, Any], folder: str) -> None:
    """Put the contents of seccomp profiles in the place of their files' names, in place.

    The engine takes a profile itself, and never sees the caller's files; their names are relative
    to `folder`. Raises Fault.
    """
    options = service.get("security_opt")
    if options:
        service["security_opt"] = [
            _resolved(option, folder, ("services", name, "security_opt", index))
            for index, option in enumerate(options)
        ]


def _resolved(option: str, folder: str, path: tuple[str | int, ...]) -> str:
    key, equals, value = option.partition("=")
    if not equals:
        key, equals, value = option.partition(":")
    if not equals and option not in _ALONE:
        raise Fault(path, f'"{option}" is no security option: expected KEY=VALUE')
    if key != "seccomp" or value in _NO_FILES:
        return option
    import json

    try:
        profile = json.loads(read_text(Path(folder, value)))
    except BadFile as error:
        raise Fault(path, error.message) from None
    except ValueError as error:
        raise Fault(path, f"the seccomp profile {value} is no JSON: {error}") from None
    return f"seccomp={json.dumps(profile, separators=(',', ':'))}"
