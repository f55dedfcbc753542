"""A deployment's log: JSON lines in `LOGS/OWNER/APP/deploy/DEPLOYMENT.jsonl`.

The first record (`head`) says who asked for what, then each event follows as it happens, the
last (`end`) says how it went. Each line is handed to the system whole, so that a process that is
killed leaves whole lines, and no `end`. They stay when the app is gone, the last `KEPT` of each.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.errors import NapError
from nap_compose.logs.folders import FILE_MODE, app_folder, make_folders, plain_name
from nap_compose.orchestration.events import VERSION, Event, Phase
from nap_compose.plaindata import dataclass

SUFFIX = ".jsonl"

PROGRESS_EVERY = 5.0
"""Seconds between two records of how many bytes a step has moved."""

KEPT = 500
"""So many deployments of an app have a log; the oldest goes when a new one begins."""


@dataclass(frozen=True)
class Head:
    """What a deployment is. `origin` says from where it was asked for (user@machine)."""

    deployment: str
    owner: str
    app: str
    verb: str
    revision: int
    who: str
    origin: str


class DeploymentLog:
    """Writes one deployment's log. `event` is an OnEvent: call it from any thread."""

    def __init__(self, logs: Path, head: Head, warn: Callable[[str], None]) -> None:
        """Begin the log. A folder or file that can't be made raises NapError."""
        self.path = folder(logs, head.owner, head.app) / f"{plain_name(head.deployment)}{SUFFIX}"
        self._warn = warn
        self._lock = threading.Lock()
        self._moved: dict[str, float] = {}
        self._torn = False
        try:
            make_folders(logs, self.path.parent)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
            os.fchmod(self._file, FILE_MODE)
        except OSError as error:
            raise NapError(
                f"can't write the deployment's log {self.path}: {error.strerror}",
                hint="make the folder writable, or name another as `logs.dir` in the cluster file",
            ) from error
        self._write({"record": "head", "v": VERSION, "at": utc_now(), **asdict(head)})
        self._let_go_of_the_oldest()

    def event(self, event: Event) -> None:
        """Append an event. How far a transfer is gets one record every few seconds."""
        if not self._too_soon(event):
            self._write({"record": "event", **event.to_json()})

    def end(self, outcome: str, error: str = "") -> None:
        """Append how the deployment went, and see it safely on disk. Later calls do nothing."""
        self._write(
            {"record": "end", "v": VERSION, "at": utc_now(), "outcome": outcome, "error": error}
        )
        with self._lock:
            file, self._file = self._file, -1
        if file < 0:
            return
        try:
            os.fsync(file)
        except OSError as problem:
            self._complain(problem.strerror or str(problem))
        finally:
            os.close(file)

    def _let_go_of_the_oldest(self) -> None:
        """Who runs many deployments fills no disk with what they did, nor slows their reader."""
        logs = [log for log in self.path.parent.iterdir() if log.suffix == SUFFIX]
        if len(logs) <= KEPT:
            return
        logs.remove(self.path)
        # Another deployment may be at the same.
        with suppress(OSError):
            for log in sorted(logs, key=lambda log: log.stat().st_mtime)[: len(logs) + 1 - KEPT]:
                log.unlink()

    def _too_soon(self, event: Event) -> bool:
        if event.phase is not Phase.RUNNING or not event.bytes_total:
            return False
        now = time.monotonic()
        with self._lock:
            if now - self._moved.get(event.step, -PROGRESS_EVERY) < PROGRESS_EVERY:
                return True
            self._moved[event.step] = now
            return False

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        problem = ""
        with self._lock:
            if self._file < 0:
                return
            # What a full disk cut off must not swallow the next record too.
            line = b"\n" + line if self._torn else line
            try:
                written = os.write(self._file, line)
                self._torn = written < len(line)
                problem = "the disk is full" if self._torn else ""
            except OSError as error:
                problem = error.strerror or str(error)
        if problem:
            self._complain(problem)

    def _complain(self, why: str) -> None:
        """Say once that records are missing; a deployment doesn't fail for the sake of its log."""
        self._warn(f"the deployment's log {self.path} is incomplete: {why}")
        self._warn = _silence


def _silence(_: str) -> None:
    return


@dataclass(frozen=True)
class DeploymentSummary:
    """One deployment as its log tells it. `outcome` is empty while it runs, or was killed."""

    head: Head
    started: str
    ended: str = ""
    outcome: str = ""
    error: str = ""


def folder(logs: Path, owner: str, app: str) -> Path:
    """Where the deployments of an app are logged."""
    return app_folder(logs, owner, app) / "deploy"


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of one log. A line that was cut off, by a kill or a full disk, is passed over."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    for line in text.split(b"\n"):
        record = read_record(line)
        if record is not None:
            yield record


def read_record(line: bytes) -> dict[str, Any] | None:
    """The record in a line; None where there is no whole one."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "record" in record else None


def summaries(logs: Path, owner: str, app: str) -> tuple[DeploymentSummary, ...]:
    """Every deployment of the app that has a log, the newest first."""
    found = [
        summary
        for path in folder(logs, owner, app).glob(f"*{SUFFIX}")
        if (summary := _summary(path)) is not None
    ]
    return tuple(sorted(found, key=lambda summary: summary.started, reverse=True))


def _summary(path: Path) -> DeploymentSummary | None:
    head: dict[str, Any] | None = None
    end: dict[str, Any] = {}
    for record in records(path):
        if record["record"] == "head":
            head = record
        elif record["record"] == "end":
            end = record
    if head is None:
        return None
    return DeploymentSummary(
        head=Head(**{name: head[name] for name in Head.__dataclass_fields__}),
        started=head["at"],
        ended=end.get("at", ""),
        outcome=end.get("outcome", ""),
        error=end.get("error", ""),
    )
