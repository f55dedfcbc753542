"""Apps, revisions and deployments in SQL that SQLite and MySQL share."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.db.records import (
    AppRecord,
    DeploymentRecord,
    Reseal,
    RevisionRecord,
    StepRecord,
)
from nap_compose.db.transactions import Clash, Transactions

_APP = "SELECT id, owner, name, project, created FROM apps WHERE live = 1"
_REVISION = "SELECT app_id, number, digest, sealed, author, created FROM revisions WHERE app_id = ?"
_REVISION_HEADS = (
    "SELECT app_id, number, digest, '', author, created FROM revisions WHERE app_id = ?"
)
_SEALED = (
    "SELECT r.app_id, r.number, a.owner, a.name, r.sealed FROM revisions r"
    " JOIN apps a ON a.id = r.app_id WHERE (r.app_id, r.number) > (?, ?)"
    " ORDER BY r.app_id, r.number"
)
_AT_ONCE = 20
"""Rows: a revision may have megabytes."""
_DEPLOYMENT = (
    "SELECT id, app_id, revision, verb, author, origin, started, ended, outcome, error"
    " FROM deployments"
)
_LAST = "(app_id, started) IN (SELECT app_id, MAX(started) FROM deployments GROUP BY app_id)"
_END = "UPDATE deployments SET outcome = ?, ended = ? WHERE app_id = ? AND outcome = 'running'"
_FORGET_STEPS = "DELETE FROM steps WHERE deployment IN"
_OF_APP = " FROM deployments WHERE id = ? AND app_id = ?"
_STEP = "SELECT deployment, step, host, subject, phase, started, ended, error FROM steps"


class SqlApps(Transactions):
    """See `Records`."""

    def app(self, owner: str, name: str) -> AppRecord | None:
        rows = self._read(f"{_APP} AND owner = ? AND name = ?", owner, name)
        return AppRecord(*rows[0]) if rows else None

    def ensure_app(self, owner: str, name: str, project: str) -> AppRecord:
        found = self.app(owner, name)
        if found is None:
            # Who is second finds the row of the first.
            with contextlib.suppress(Clash):
                self._write(
                    "INSERT INTO apps (id, owner, name, project, created, live, removed)"
                    " VALUES (?, ?, ?, ?, ?, 1, '')",
                    (uuid.uuid4().hex, owner, name, project, utc_now()),
                )
            found = self.app(owner, name)
        if found is None:
            raise Clash(f"the app {owner}/{name} was removed while it was made: try again")
        return found

    def apps(self, owner: str | None = None) -> Sequence[AppRecord]:
        whose, values = ("", ()) if owner is None else (" AND owner = ?", (owner,))
        return [
            AppRecord(*row) for row in self._read(f"{_APP}{whose} ORDER BY owner, name", *values)
        ]

    def remove_app(self, app_id: str) -> None:
        self._write(
            "UPDATE apps SET live = NULL, removed = ? WHERE id = ? AND live = 1",
            (utc_now(), app_id),
        )

    def add_revision(self, revision: RevisionRecord) -> None:
        """Keep a revision. The same model once more is no error; another raises Clash."""
        try:
            self._insert("revisions", revision)
        except Clash:
            found = self.revision(revision.app_id, revision.number)
            if found is None or found.digest != revision.digest:
                raise

    def revision(self, app_id: str, number: int) -> RevisionRecord | None:
        rows = self._read(f"{_REVISION} AND number = ?", app_id, number)
        return RevisionRecord(*rows[0]) if rows else None

    def revisions(self, app_id: str) -> Sequence[RevisionRecord]:
        rows = self._read(f"{_REVISION_HEADS} ORDER BY number DESC", app_id)
        return [RevisionRecord(*row) for row in rows]

    def reseal(self, resealed: Reseal) -> int:
        done, last = 0, ("", 0)
        while rows := self._read(f"{_SEALED} LIMIT {_AT_ONCE}", *last):
            for app_id, number, owner, name, sealed in rows:
                text = resealed(owner, name, number, sealed) if sealed else None
                if text is not None:
                    self._write(
                        "UPDATE revisions SET sealed = ? WHERE app_id = ? AND number = ?",
                        (text, app_id, number),
                    )
                    done += 1
            last = (rows[-1][0], rows[-1][1])
        return done

    def last_revision(self, app_id: str) -> RevisionRecord | None:
        rows = self._read(f"{_REVISION} ORDER BY number DESC LIMIT 1", app_id)
        return RevisionRecord(*rows[0]) if rows else None

    def begin(self, deployment: DeploymentRecord) -> None:
        try:
            self._insert("deployments", deployment)
        except Clash:
            rows = self._read(f"{_DEPLOYMENT} WHERE id = ?", deployment.id)
            if not rows or DeploymentRecord(*rows[0]) != deployment:
                raise

    def finish(self, deployment: str, outcome: str, error: str, ended: str) -> None:
        self._write(
            "UPDATE deployments SET outcome = ?, error = ?, ended = ? WHERE id = ?",
            (outcome, error, ended, deployment),
        )

    def abandon(self, app_id: str, ended: str, *, reached: int = 0) -> None:
        if not self._read(f"{_DEPLOYMENT} WHERE app_id = ? AND outcome = 'running'", app_id):
            return

        def end(connection: Any) -> None:
            self._database.run(
                connection,
                f"{_END} AND revision = ?",
                ("done", ended, app_id, reached),
            )
            self._database.run(
                connection,
                _END,
                ("abandoned", ended, app_id),
            )

        self._transact(end)

    def add_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep how steps went; a step that is there already takes what is new and its new place."""
        if not steps:
            return

        def add(connection: Any) -> None:
            last: dict[str, int] = {}
            for step in steps:
                if step.deployment not in last:
                    last[step.deployment] = self._last_position(connection, step.deployment)
                last[step.deployment] += 1
                self._database.run(
                    connection,
                    "REPLACE INTO steps (deployment, step, host, subject, phase, started, ended,"
                    " error, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*dataclasses.astuple(step), last[step.deployment]),
                )

        self._transact(add)

    def deployments(self, app_id: str, limit: int = 20) -> Sequence[DeploymentRecord]:
        rows = self._read(
            f"{_DEPLOYMENT} WHERE app_id = ? ORDER BY started DESC, id DESC LIMIT ?", app_id, limit
        )
        return [DeploymentRecord(*row) for row in rows]

    def last_deployments(self) -> Mapping[str, DeploymentRecord]:
        rows = self._read(f"{_DEPLOYMENT} WHERE {_LAST} ORDER BY started, id")
        return {each.app_id: each for each in (DeploymentRecord(*row) for row in rows)}

    def steps(self, deployment: str) -> Sequence[StepRecord]:
        rows = self._read(f"{_STEP} WHERE deployment = ? ORDER BY position", deployment)
        return [StepRecord(*row) for row in rows]

    def forget(self, app_id: str, deployments: Sequence[str], revisions: Sequence[int]) -> None:
        def delete(connection: Any) -> None:
            for each in deployments:
                mine = (each, app_id)
                self._database.run(connection, f"{_FORGET_STEPS} (SELECT id{_OF_APP})", mine)
                self._database.run(connection, f"DELETE{_OF_APP}", mine)
            for number in revisions:
                self._database.run(
                    connection,
                    "DELETE FROM revisions WHERE app_id = ? AND number = ?",
                    (app_id, number),
                )

        self._transact(delete)

    def _last_position(self, connection: Any, deployment: str) -> int:
        rows = self._database.run(
            connection, "SELECT max(position) FROM steps WHERE deployment = ?", (deployment,)
        )
        return int(rows[0][0] or 0)
