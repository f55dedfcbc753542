"""An app's revisions: which there were, what each changed, and the way back to one."""

from __future__ import annotations

from typing import Protocol

from nap_compose.border.deploying import Outcome
from nap_compose.border.words import Cancel, Listing, Target
from nap_compose.orchestration.differences import Difference
from nap_compose.orchestration.events import OnEvent
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class HistoryRow:
    """One revision. `created` is UTC, ISO 8601; `state` how its last deployment ended, empty
    where none is on record, "down" where it was the last to run and was taken down; `current`
    whether it runs; `changed` what it changed against the one before, by subject."""

    revision: int
    created: str
    author: str
    verb: str
    state: str
    current: bool
    changed: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class DiffRequest:
    """Two revisions of the target's app; 0 is the one that runs, and for `before` the one that
    ran before it. `show_values` shows what would be stars."""

    target: Target
    before: int = 0
    after: int = 0
    show_values: bool = False


@dataclass(frozen=True)
class Diff:
    """Which two revisions were compared, and what the second changed."""

    before: int
    after: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class RollbackRequest:
    """Bring an app back to `revision` (0: the one that ran before, or where the app is
    down, the one that ran last). Times in seconds, as in `UpRequest`."""

    target: Target
    revision: int = 0
    timeout: float = 600.0
    grace: float | None = None
    dry_run: bool = False


class Revisions(Protocol):
    """The calls about revisions. Every method raises NapError with its exit code."""

    def history(self, target: Target, *, limit: int = 20) -> Listing:
        """Rows of `HistoryRow`, the newest first."""

    def diff(self, request: DiffRequest) -> Diff: ...

    def rollback(self, request: RollbackRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...
