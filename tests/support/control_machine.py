"""A control machine of a bed: the cluster's own files in a folder, as they'd be in /etc/nap, and
the commands of a page of the docs run there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bed.layout import Bed
from tests.support.nap import PROGRAM, Nap


@dataclass(frozen=True)
class ControlMachine:
    """`folder` stands for the machine's root: /etc/nap is its `etc`, and so on."""

    folder: Path

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def file(self) -> Path:
        """The cluster file."""
        return self.etc / "cluster.yml"

    def make(self, bed: Bed, **more: Any) -> None:
        """The bed's cluster file, with all that it names beside it, and more sections."""
        self.etc.mkdir(parents=True)
        content = yaml.safe_load(bed.cluster_file.read_text())
        for name in _texts(content):
            if (bed.directory / name).is_file():
                (self.etc / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy(bed.directory / name, self.etc / name)
        content |= {"state_dir": "../state", "logs": {"dir": "../logs"}, **more}
        self.write(content)

    def secrets(self) -> list[str]:
        """The files of this machine that hold the cluster's own secrets, as the cluster file names
        them."""
        content = yaml.safe_load(self.file.read_text())
        sections = [content, *(each for each in content.values() if isinstance(each, dict))]
        keys = ("key_file", "password_file", "token_file")
        return [str(section[key]) for section in sections for key in keys if key in section]

    def write(self, content: Mapping[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(dict(content)))

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what stands in the cluster file."""
        content = yaml.safe_load(self.file.read_text())
        change(content)
        self.write(content)

    def shell(self, command: str, nap: Nap, code: int = 0, file: Path | None = None) -> str:
        """Run a line of a page here, with `nap` being this nap; what it prints."""
        here = {"/etc/nap": str(self.etc), "/var/backups/nap": str(self.folder / "backups")}
        for path, ours in here.items():
            command = command.replace(path, ours)
        done = subprocess.run(
            ["sh", "-euc", command],
            env={**nap.env, "PATH": f"{PROGRAM.parent}:{nap.env['PATH']}",
                 "NAP_CLUSTER": str(file or self.file)},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
