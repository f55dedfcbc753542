"""Daemons of a bed: start one, find it again, stop it. Only what the bed started is ever ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bed.errors import BedError
from bed.layout import Bed

T = TypeVar("T")

MARK = "NAP_BED_PART_OF"  # in the environment of every process of a bed: its folder

RARELY = {"GOGC": "400"}
"""Engines, Consul and the registry take four times the memory, of which they need little, before
they collect garbage: of what an engine's short helpers take of a processor that saves a quarter."""


def start(
    bed: Bed,
    name: str,
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    forks: bool = False,
) -> int:
    """Start a daemon unless it runs; its pid. Output goes to the bed's log/NAME.log.

    `forks` is for a command such as nsenter or unshare that forks and waits: the daemon is then
    its child, and that child's pid is the one to keep.
    """
    running = pid_of(bed, name)
    if running is not None:
        return running
    for stray in _nobody_s(bed, argv):
        end(stray, how=signal.SIGKILL)
    log = log_of(bed, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**RARELY, **os.environ, **(env or {}), MARK: str(bed.directory)},
            cwd=cwd or "/",
            start_new_session=True,
        )
    pid = process.pid
    if forks:
        pid = wait_for(lambda: _child_of(process), 10, f"{name} to start", log)
    _note(bed, name, pid)
    return pid


def pid_of(bed: Bed, name: str) -> int | None:
    """The pid of a running daemon; None when it never ran, ended, or its pid is another's now."""
    try:
        note = json.loads(_note_of(bed, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return note["pid"] if _born(note["pid"]) == note["born"] else None


def stop(bed: Bed, name: str, timeout: float = 10, how: int = signal.SIGTERM) -> None:
    """Ask a daemon to end, and end it if it doesn't within the timeout."""
    pid = pid_of(bed, name)
    if pid is not None:
        end(pid, timeout, how)
    _note_of(bed, name).unlink(missing_ok=True)


def stop_together(bed: Bed, daemons: Sequence[str], timeout: float = 10) -> None:
    """Ask several to end at once: each takes its time, and they needn't add up."""
    with ThreadPoolExecutor(max(len(daemons), 1)) as pool:
        list(pool.map(lambda name: stop(bed, name, timeout), daemons))


def end(pid: int, timeout: float = 10, how: int = signal.SIGTERM) -> None:
    born = _born(pid)
    if born is None:
        return
    for attempt in (how, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, attempt)
        if _gone(pid, born, timeout):
            return
    raise BedError(f"process {pid} doesn't end, even killed; see /proc/{pid}/stack")


@contextlib.contextmanager
def suspended(pid: int) -> Iterator[None]:
    """No thread of the process does anything in the block. One that is under way when the signal
    is sent goes on for a moment, so they are waited for."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: _threads(pid) <= {"T"}, 10, f"all of process {pid} to stand still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def names(bed: Bed) -> list[str]:
    """The names of all daemons that were started and not stopped."""
    return sorted(path.stem for path in (bed.directory / "run").glob("*.json"))


def log_of(bed: Bed, name: str) -> Path:
    return bed.logs / f"{name}.log"


def marked(directory: Path) -> Iterator[int]:
    """The pids of all processes that carry the mark of the bed in that folder."""
    mark = f"{MARK}={directory}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0"):
            yield int(path.name)


def wait_for(
    condition: Callable[[], T | None], timeout: float, what: str, log: Path | None = None
) -> T:
    """The condition's first true value; an error with the log's last lines when none comes."""
    deadline = time.monotonic() + timeout
    pause = 0.02
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise BedError(f"waited {timeout:g} s in vain for {what}" + _tail(log))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.3)


def wait_until_ready(
    bed: Bed, name: str, condition: Callable[[], T | None], timeout: float, what: str
) -> T:
    """As wait_for, but gives up at once when that daemon has ended."""

    def ready() -> T | None:
        value = condition()
        if not value and pid_of(bed, name) is None:
            raise BedError(f"{name} ended before {what}" + _tail(log_of(bed, name)))
        return value

    return wait_for(ready, timeout, what, log_of(bed, name))


def _tail(log: Path | None, lines: int = 15) -> str:
    if log is None or not log.exists():
        return ""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "".join(["; the end of ", str(log), ":", *(f"\n    {line}" for line in last)])


def _note_of(bed: Bed, name: str) -> Path:
    return bed.directory / "run" / f"{name}.json"


def _nobody_s(bed: Bed, argv: Sequence[str | Path]) -> list[int]:
    """Who started this daemon was killed before it had noted it; and what it was started with."""
    words = [str(word).encode() for word in argv]
    found = []
    for pid in marked(bed.directory):
        with contextlib.suppress(OSError):
            own = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
            if own and words[-len(own) :] == own:
                found.append(pid)
    return found


def _note(bed: Bed, name: str, pid: int) -> None:
    path = _note_of(bed, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "born": _born(pid)}))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _threads(pid: int) -> set[str]:
    """The states of its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/stat")
    return {task.read_text().rpartition(")")[2].split()[0] for task in tasks}


def _born(pid: int) -> int | None:
    """When the process started: with the pid, a name that is never used twice."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a dead child of ours would else stay as a zombie
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _gone(pid: int, born: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while _born(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _child_of(parent: subprocess.Popen[bytes]) -> int | None:
    if parent.poll() is not None:
        raise BedError(f"{parent.args!r} ended at once with code {parent.returncode}")
    for path in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(path.name))
        if fields is not None and int(fields[1]) == parent.pid:
            return int(path.name)
    return None
