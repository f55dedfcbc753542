"""`include`: other Compose files that become part of the app, each with its own folder and .env."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nap_compose.compose import dotenv
from nap_compose.compose.discovery import is_file
from nap_compose.compose.envfiles import read_text
from nap_compose.compose.faults import Fault
from nap_compose.compose.paths import is_remote

KINDS = ("services", "volumes", "networks", "secrets", "configs", "models")


class Inclusion(NamedTuple):
    """One entry: the `files` (the first, and its overrides), their `folder` and variables."""

    files: tuple[str, ...]
    folder: str
    env: Mapping[str, str]


def read(entries: Any, folder: str, env: Mapping[str, str]) -> Iterator[tuple[int, Inclusion]]:
    """The inclusions of a checked `include:`, each with its index. Raises Fault or BadFile."""
    for index, given in enumerate(entries or ()):
        entry = {"path": given} if isinstance(given, str) else given
        paths = _texts(entry.get("path"))
        if not paths:
            raise Fault(("include", index), '"path" is missing here')
        for path in paths:
            if is_remote(path):
                raise Fault(
                    ("include", index), f"{path} is not on this machine: copy it here first"
                )
        files = tuple(_join(folder, path) for path in paths)
        home = entry.get("project_directory")
        inside = _join(folder, home) if home else str(Path(files[0]).parent)
        variables = _variables(entry, folder, inside, env)
        yield index, Inclusion(files, inside, variables)


def _variables(
    entry: Mapping[str, Any], folder: str, inside: str, env: Mapping[str, str]
) -> Mapping[str, str]:
    """The variables for the included files: their own .env, the includer's winning over it."""
    files = [_join(folder, path) for path in _texts(entry.get("env_file"))]
    if not files and is_file(Path(inside, ".env")):
        files = [f"{inside}/.env"]
    found: dict[str, str] = {}
    for file in files:
        values = dotenv.parse(read_text(file), file, {**found, **env})
        found.update({key: value for key, value in values.items() if value is not None})
    return {**found, **env}


def _join(folder: str, path: str) -> str:
    return os.path.normpath(Path(folder, path))


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def add(document: dict[str, Any], included: Mapping[str, Any], index: int) -> None:
    """Bring the resources of an included document into `document`, in place.

    The same thing twice is fine, two different things of one name are a Fault.
    """
    for kind in KINDS:
        found = included.get(kind)
        if not found:
            continue
        table = dict(document.get(kind) or {})
        for name, entry in found.items():
            if name in table and table[name] != entry:
                raise Fault(
                    ("include", index),
                    f"{kind}.{name} of the included file conflicts with {kind}.{name} of this app",
                    "give one of them another name",
                )
            table[name] = entry
        document[kind] = table
