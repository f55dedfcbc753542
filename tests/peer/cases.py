"""Cases of the corpus: one text file each, holding the files of an app and how it is called.

# args: -f compose.yaml -f two.yaml      flags, as for the command
# env: A=1 B=2                           variables beside HOME
# services: web                          services named on the command line
=== compose.yaml
…
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
_FLAGS = {
    "-f": "files",
    "-p": "project_name",
    "--profile": "profiles",
    "--env-file": "env_files",
    "--project-directory": "project_directory",
}
_LISTS = ("files", "profiles", "env_files")


@dataclass(frozen=True)
class Case:
    """`files` maps names to texts; `args`, `services` and `env` are the call."""

    name: str
    files: Mapping[str, str]
    args: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Put the case's files into `folder`."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def request(self) -> dict[str, Any]:
        """The flags as `load` takes them."""
        request: dict[str, Any] = {"services": self.services}
        for flag, value in zip(self.args[::2], self.args[1::2], strict=True):
            name = _FLAGS[flag]
            if name in _LISTS:
                request.setdefault(name, []).append(value)
            else:
                request[name] = value
        return request


def read(kind: str) -> list[Case]:
    """The cases of `corpus/KIND`."""
    return [_parse(path) for path in sorted((CORPUS / kind).glob("*.case"))]


def _parse(path: Path) -> Case:
    head, *parts = re.split(r"^=== (.*)\n?", path.read_text(), flags=re.MULTILINE)
    given = dict(re.findall(r"^# (\w+): (.*)$", head, flags=re.MULTILINE))
    return Case(
        name=path.stem,
        files=dict(zip(parts[::2], parts[1::2], strict=True)),
        args=tuple(shlex.split(given.get("args", ""))),
        services=tuple(given.get("services", "").split()),
        env=dict(pair.split("=", 1) for pair in given.get("env", "").split()),
    )
