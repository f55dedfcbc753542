"""The records: who runs what, which revision, which deployment. One Protocol, two databases.

Here are the apps; `people.py` has who uses the cluster, `trail.py` the audit trail.

Times are UTC, ISO 8601 with milliseconds, as text: the same in SQLite and MySQL, and they sort.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nap_compose.db.people import PeopleRecords
from nap_compose.db.trail import TrailRecords
from nap_compose.errors import Away
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass


class RecordsAway(Away):
    """The database didn't answer."""


class OtherSchema(RecordsAway):
    """The tables are of another version than this nap's: it reads, and writes nothing. What waits
    for a database that is away waits for this too."""

    exit_code = Exit.FAILED


@dataclass(frozen=True)
class AppRecord:
    """An app. `id` never changes, nor does `project`, its name on the engines. `owner` is who made
    it; whose it is now may be told by `PeopleRecords.given`."""

    id: str
    owner: str
    name: str
    project: str
    created: str


@dataclass(frozen=True)
class RevisionRecord:
    """A revision: the rendered model as sealed text, numbered from 1 within its app.

    `digest` is that of the plain model, so that equal models can be told without the key.
    """

    app_id: str
    number: int
    digest: str
    sealed: str
    author: str
    created: str


@dataclass(frozen=True)
class DeploymentRecord:
    """A plan that was run. `outcome`: running, done, failed, rolled back, abandoned.

    `verb` is the command that asked for it; `origin` says from where (user@machine).
    """

    id: str
    app_id: str
    revision: int
    verb: str
    author: str
    origin: str
    started: str
    ended: str = ""
    outcome: str = "running"
    error: str = ""


@dataclass(frozen=True)
class StepRecord:
    """How one step of a deployment went; `phase` is its last."""

    deployment: str
    step: str
    host: str
    subject: str
    phase: str
    started: str
    ended: str
    error: str = ""


Reseal = Callable[[str, str, int, str], "str | None"]
"""Owner, app, number and sealed text of a revision → the new text, None where it may stay."""


class Records(PeopleRecords, TrailRecords, Protocol):
    """Every method raises RecordsAway, and what writes OtherSchema. Parameters are always bound,
    never pasted."""

    def app(self, owner: str, name: str) -> AppRecord | None: ...

    def ensure_app(self, owner: str, name: str, project: str) -> AppRecord:
        """The app, made now if it is new; two callers at once get the same one."""

    def apps(self, owner: str | None = None) -> Sequence[AppRecord]:
        """All apps by owner and name, or those of one owner."""

    def remove_app(self, app_id: str) -> None:
        """Forget an app that is down; its revisions and deployments stay for history."""

    def add_revision(self, revision: RevisionRecord) -> None: ...
    def revision(self, app_id: str, number: int) -> RevisionRecord | None: ...
    def revisions(self, app_id: str) -> Sequence[RevisionRecord]:
        """All of an app's, the newest first, without their models (`sealed` is empty)."""

    def reseal(self, resealed: Reseal) -> int:
        """Put what `resealed` makes of each revision's sealed text in its place, those of apps that
        were removed too; gives how many were changed. Raises what `resealed` raises."""

    def last_revision(self, app_id: str) -> RevisionRecord | None: ...

    def begin(self, deployment: DeploymentRecord) -> None: ...
    def finish(self, deployment: str, outcome: str, error: str, ended: str) -> None: ...
    def add_steps(self, steps: Sequence[StepRecord]) -> None: ...
    def abandon(self, app_id: str, ended: str, *, reached: int = 0) -> None:
        """Enter that the app's deployments that still count as running were cut short: whoever
        holds the app's lock knows that nobody carries them out any more. Those to the revision
        `reached` are done: what they were to bring about was found to be there."""

    def deployments(self, app_id: str, limit: int = 20) -> Sequence[DeploymentRecord]:
        """The newest first."""

    def last_deployments(self) -> Mapping[str, DeploymentRecord]:
        """The newest of each app, by the app's id."""

    def steps(self, deployment: str) -> Sequence[StepRecord]: ...
    def forget(self, app_id: str, deployments: Sequence[str], revisions: Sequence[int]) -> None:
        """Take these deployments, with their steps, and revisions out of an app's history."""

    def check_writable(self) -> None:
        """Raise OtherSchema where nothing can be written, as no method that reads does."""

    def close(self) -> None: ...
