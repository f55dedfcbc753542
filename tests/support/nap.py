"""`nap` as a person calls it: the installed program, in a process of its own."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nap_compose.cluster.names import owner_of, project_of

PROGRAM = Path(sys.executable).with_name("nap")
PATIENCE = 180.0
"""Seconds that any one call may take."""

LONGEST_PAUSE = 1.0
"""Seconds between two looks at something that takes its time."""

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """How a call ended: its exit code, and what stands on both outputs."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """What nap itself said on standard error, warnings and hints included, progress not."""
        lines = self.err.splitlines()
        return [line for line in lines if line.startswith(("nap:", "     "))]

    @property
    def errors(self) -> list[str]:
        """The sentences among that which are errors."""
        return [
            line
            for line in self.said
            if line.startswith("nap:") and not line.startswith("nap: warning:")
        ]


class Nap:
    """Calls nap on one cluster (None: the local engine), with a home of its own."""

    def __init__(self, home: Path, cluster: Path | None = None, **env: str) -> None:
        self.home = home
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("COMPOSE_", "NAP_", "DOCKER_", "XDG_", "SUDO_"))
        }
        own = {
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
        }
        where = {"NAP_CLUSTER": str(cluster)} if cluster else {}
        self.env = {**kept, **own, **where, **env}

    @property
    def me(self) -> str:
        """The system's user, whom nap takes for the caller."""
        return pwd.getpwuid(os.getuid()).pw_name

    @property
    def owner(self) -> str:
        """Whose the apps are on a cluster."""
        return owner_of(self.me)

    def project(self, app: str) -> str:
        """What the engines of a cluster call an app."""
        return project_of(self.owner, app)

    def on(self, cluster: Path) -> Nap:
        """The same person's nap, told of another cluster file."""
        return Nap(self.home, cluster)

    def __call__(
        self, *words: str | Path, code: int = 0, env: Mapping[str, str] | None = None
    ) -> Ended:
        """Run it to its end, which must come with `code` and without a traceback."""
        done = subprocess.run(
            [PROGRAM, *words],
            env={**self.env, **(env or {})},
            cwd=self.home,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        told = f"nap {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, told
        assert "Traceback" not in done.stderr, told
        return ended

    def start(self, *words: str | Path, env: Mapping[str, str] | None = None) -> Running:
        """Run it beside the test."""
        return Running(
            subprocess.Popen(
                [PROGRAM, *words],
                env={**self.env, **(env or {})},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def rows(self, app: str) -> dict[str, dict[str, Any]]:
        """Every container of an app as `ps` knows it, by replica: `web.1`; none of one that is yet
        to come."""
        which = (app,) if "/" in app else ("-p", app)
        words = ("ps", *which, "-a", "--no-trunc", "--format", "json")  # whole ids
        listed = [json.loads(line) for line in self(*words).out.splitlines()]
        rows = {f"{row['Service']}.{row['Replica']}": row for row in listed}
        assert len(rows) == len(listed), f"one replica stands twice: {listed}"
        return rows

    def ids(self, app: str) -> dict[str, str]:
        """The containers' ids by replica."""
        return {slot: row["ID"] for slot, row in self.rows(app).items()}


class Running:
    """A call that goes on; it is ended with the block, if it hasn't by itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def until(self, words: str) -> str:
        """Read its progress up to a line that has these words in it; that line."""
        return self.until_line(lambda line: words in line)

    def until_each(self, *words: str) -> None:
        """Read its progress until each of these was in some line, in whichever order."""
        for word in words:
            if not any(word in line for line in self.seen):
                self.until(word)

    def until_line(self, found: Callable[[str], bool]) -> str:
        """Read its progress up to the line that is `found`; that line."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen.append(line)
            if found(line):
                return line
        raise AssertionError(f"it ended before that was said:\n{''.join(self.seen)}")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, out, "".join(self.seen) + err)


def eventually(look: Callable[[], T], what: str, *, within: float = 30.0) -> T:
    """What `look` gives as soon as it is true; fails after `within` seconds.

    It looks a third of the time at the most: a look may be a nap of its own, and what is waited
    for needs the processor too.
    """
    deadline = time.monotonic() + within
    while True:
        began = time.monotonic()
        found = look()
        if found:
            return found
        ended = time.monotonic()
        assert ended < deadline, f"not within {within:g} s: {what}"
        time.sleep(min(max(0.1, 2 * (ended - began)), LONGEST_PAUSE))
