"""Lines of logs, and which of them are asked for."""

from __future__ import annotations

from typing import NamedTuple

from nap_compose.border.words import Target
from nap_compose.plaindata import dataclass


class LogLine(NamedTuple):
    """A line of a container's output or of a deployment's log.

    `at` is seconds since 1970 by the clock of the host it was printed on; `source` is stdout,
    stderr, deploy, or gap where lines are missing; `subject` the replica (`web.2`) or `deploy`;
    `host` empty for the latter. (A tuple: there may be millions.)
    """

    at: float
    subject: str
    host: str
    source: str
    text: str


@dataclass(frozen=True)
class LogRequest:
    """Which lines of an app; `since` and `until` in seconds since 1970, `tail` lines a source.

    `hosts` limits the containers to those on some hosts, `stream` (stdout or stderr) their lines
    to one stream; `deployment` the deployments to those whose id begins so.
    """

    target: Target
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None
    deploy: bool = True
    containers: bool = True
    hosts: tuple[str, ...] = ()
    stream: str = ""
    deployment: str = ""


@dataclass(frozen=True)
class AttendRequest:
    """An app that is watched in the foreground: the services whose lines are shown, and those
    whose ends are awaited."""

    target: Target
    shown: tuple[str, ...]
    awaited: tuple[str, ...]
