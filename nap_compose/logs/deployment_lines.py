"""Deployment logs as lines for people, to stand among the containers' lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from nap_compose.border import LogLine
from nap_compose.logs.block import Stamped
from nap_compose.logs.deployment_log import SUFFIX, folder, read_record

SUBJECT = "deploy"


class DeploymentLines:
    """The lines of an app's deployments: those there are, then those that are added.

    `deployment` limits them to those whose id begins so; `since` and `until` are seconds since
    1970.
    """

    def __init__(
        self,
        logs: Path,
        owner: str,
        app: str,
        *,
        deployment: str = "",
        since: float | None = None,
        until: float | None = None,
    ) -> None:
        self._folder = folder(logs, owner, app)
        # It becomes a part of a path: nothing in it may lead out of the app's folder.
        self._deployment = re.sub(r"[^\w-]", "", deployment)
        self._since = since
        self._until = until
        self._read: dict[Path, int] = {}

    def any(self) -> bool:
        """Whether there is a deployment to show."""
        return any(True for _ in self._files())

    def news(self) -> list[Stamped]:
        """The lines that were written since the last call, by time; all of them at the first."""
        lines = [line for path in self._files() for line in self._news_of(path)]
        return sorted(lines, key=lambda line: line[0])

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"{self._deployment}*{SUFFIX}")

    def _news_of(self, path: Path) -> Iterator[Stamped]:
        read = self._read.get(path, 0)
        try:
            with path.open("rb") as file:
                file.seek(read)
                added = file.read()
        except FileNotFoundError:
            return
        # What comes after the last line end is still being written, or was cut off by a kill.
        whole = added[: added.rfind(b"\n") + 1]
        self._read[path] = read + len(whole)
        for text in whole.split(b"\n"):
            record = read_record(text)
            line = as_line(record) if record else None
            if line is not None and self._wanted(line[1].at):
                yield line

    def _wanted(self, at: float) -> bool:
        return (self._since is None or at >= self._since) and (
            self._until is None or at <= self._until
        )


def as_line(record: dict[str, Any]) -> Stamped | None:
    """A record as a line; None for what says nothing to a person (a step that waits its turn)."""
    tell = {"head": _head, "event": _event, "end": _end}.get(record["record"])
    text = tell(record) if tell else ""
    if not text:
        return None
    at = datetime.fromisoformat(record["at"].replace("Z", "+00:00")).timestamp()
    return round(at * 1000) * 1_000_000, LogLine(at, SUBJECT, "", "deploy", text)


def _head(record: dict[str, Any]) -> str:
    by = " ".join(filter(None, [record["who"] and f"by {record['who']}", _origin(record)]))
    return f"{record['verb']} {record['app']}, revision {record['revision']}, {by}".rstrip(", ")


def _origin(record: dict[str, Any]) -> str:
    return f"from {record['origin']}" if record["origin"] else ""


def _event(record: dict[str, Any]) -> str:
    phase = record["phase"]
    if phase == "waiting":
        return ""
    what = " ".join(filter(None, [record["subject"], record["host"] and f"on {record['host']}"]))
    how = record["text"] or phase
    if phase == "failed":
        how = f"failed: {record['error'] or record['text']}"
    return f"{what}: {how}" if what else how


def _end(record: dict[str, Any]) -> str:
    return f"{record['outcome']}: {record['error']}" if record["error"] else record["outcome"]
