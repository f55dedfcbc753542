"""Events: one type for what happens in a deployment, whoever wants to know of it.

The terminal, `--progress json`, the deployment log and the audit trail all get the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from typing import Any

from nap_compose.plaindata import dataclass

VERSION = 1


class Phase(str, Enum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Event:
    """Something happened.

    `at` is control's clock, UTC, ISO 8601 with milliseconds; `seq` counts up within a deployment;
    `step` is the step's id, empty for the deployment itself; `subject` is what people call the
    thing (`web.2`, `network default`); `text` is one short phrase, `error` a sentence when it
    failed; the byte counts are 0 where nothing is moved.
    """

    at: str
    seq: int
    deployment: str
    step: str
    host: str
    subject: str
    phase: Phase
    text: str = ""
    error: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    v: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """As it stands in logs and on `--progress json`."""
        return {**asdict(self), "phase": self.phase.value}


OnEvent = Callable[[Event], None]
"""Called from several threads at once; must return quickly."""
