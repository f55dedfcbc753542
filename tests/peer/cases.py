"""The corpus: apps, each with its files and how it is called, many to a text file.

@@ name of the case                      a `.case` file is one case, without this line
# args: -f compose.yaml -f two.yaml      flags, as for the command
# env: A=1 B="2 3"                       variables beside HOME
# services: web                          services named on the command line
=== compose.yaml
…

Without a line `===` everything is `compose.yaml`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
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
    """`files` maps names to texts; `args`, `services` and `env` are the call, `flags` those of
    the command."""

    name: str
    files: Mapping[str, str]
    args: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Put the case's files into `folder`."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

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
    """The cases of `corpus/KIND`, named `FILE/CASE`."""
    folder = CORPUS / kind
    cases = [_case(f"{file.parent.name}/{file.stem}", file.read_text())
             for file in sorted(folder.glob("*/*.case"))]  # fmt: skip
    for table in sorted(folder.glob("*.cases")):
        cases += _table(table)
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"cases of the same name: {twice}"
    return cases


def _table(file: Path) -> Iterator[Case]:
    before, *parts = re.split(r"^@@ (.*)\n", file.read_text(), flags=re.MULTILINE)
    assert not before.strip(), f"{file.name} begins without @@"
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        yield _case(f"{file.stem}/{name.strip()}", text.rstrip("\n") + "\n")


def _case(name: str, text: str) -> Case:
    given: dict[str, str] = {}
    while call := re.match(r"# (args|env|services): (.*)\n", text):
        given[call[1]] = call[2]
        text = text[call.end() :]
    if not text.startswith("=== "):
        text = "=== compose.yaml\n" + text
    _, *parts = re.split(r"^=== (.*)\n?", text, flags=re.MULTILINE)
    return Case(
        name=name,
        files=dict(zip(parts[::2], parts[1::2], strict=True)),
        args=tuple(shlex.split(given.get("args", ""))),
        services=tuple(given.get("services", "").split()),
        env=dict(pair.split("=", 1) for pair in shlex.split(given.get("env", ""))),
    )
