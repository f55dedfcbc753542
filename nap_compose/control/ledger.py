"""One deployment's books: its log file, its record, the steps it took."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import field, replace

from nap_compose.clock import utc_now
from nap_compose.control.late import LateDeployment
from nap_compose.control.parts import Parts
from nap_compose.db.records import DeploymentRecord, RecordsAway, StepRecord
from nap_compose.errors import NapError
from nap_compose.logs.deployment_log import DeploymentLog, Head
from nap_compose.orchestration.events import Event, Phase
from nap_compose.orchestration.plan import Plan
from nap_compose.plaindata import dataclass

PACE = 1.0
"""Seconds between two times that steps are entered: a deployment that is killed leaves those that
it took until then, and none waits for the database at a step."""


@dataclass
class Ledger:
    """Opened before the first step and closed after the last, whatever happened between.

    The caller holds the app's lock.
    """

    parts: Parts
    plan: Plan
    record: DeploymentRecord
    log: DeploymentLog
    warn: Callable[[str], None]
    away: bool = False
    _begun: dict[str, str] = field(default_factory=dict)
    _steps: list[StepRecord] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _entering: threading.Thread | None = None

    @classmethod
    def open(
        cls, parts: Parts, plan: Plan, *, verb: str, who: str, warn: Callable[[str], None]
    ) -> Ledger:
        """Begin the books of a plan that is about to run.

        Raises RecordsAway, before anything is done, unless the records may wait.
        """
        head = Head(
            deployment=plan.deployment,
            owner=plan.owner,
            app=plan.app,
            verb=verb,
            revision=plan.revision,
            who=who,
            origin=parts.origin,
        )
        record = DeploymentRecord(
            id=plan.deployment,
            app_id="",
            revision=plan.revision,
            verb=verb,
            author=who,
            origin=head.origin,
            started=utc_now(),
        )
        away = False
        try:
            record = _begin(parts, plan, record)
        except RecordsAway:
            if not parts.records_may_wait:
                raise
            away = True
        log = DeploymentLog(parts.cluster.logs.dir, head, warn)
        return cls(parts, plan, record, log, warn, away)

    def event(self, event: Event) -> None:
        """Enter an event. Listeners are called one at a time, so there is nothing to lock."""
        self.log.event(event)
        if event.phase is Phase.RUNNING:
            self._begun.setdefault(event.step, event.at)
        if event.phase in (Phase.DONE, Phase.FAILED):
            self._steps.append(
                StepRecord(
                    deployment=self.record.id,
                    step=event.step,
                    host=event.host,
                    subject=event.subject,
                    phase=event.phase.value,
                    started=self._begun.get(event.step, event.at),
                    ended=event.at,
                    error=event.error,
                )
            )
            if self._entering is None:
                self._entering = threading.Thread(
                    target=self._enter_again_and_again, name="books", daemon=True
                )
                self._entering.start()

    def close(self, outcome: str, error: str) -> None:
        """Enter how it ended. The deployment is over: a database away now is but a warning, and
        what it should have taken is handed in later."""
        self.log.end(outcome, error)
        self._over.set()
        if self._entering is not None:
            self._entering.join()
        ended = replace(self.record, ended=utc_now(), outcome=outcome, error=error)
        try:
            if not self._entered(ended):
                self._keep(ended)
        except NapError as problem:
            self.warn(f"how the deployment ended could not be recorded: {problem}")

    def _entered(self, ended: DeploymentRecord) -> bool:
        """Whether the database took it."""
        if not ended.app_id:
            return False
        try:
            self.parts.records.add_steps(self._steps)
            self.parts.records.finish(ended.id, ended.outcome, ended.error, ended.ended)
        except RecordsAway as problem:
            self.warn(f"how the deployment ended is recorded later: {problem}")
            return False
        return True

    def _keep(self, ended: DeploymentRecord) -> None:
        plan = self.plan
        self.parts.late_records.keep(
            LateDeployment(
                plan.owner, plan.app, plan.project, replace(ended, app_id=""), tuple(self._steps)
            )
        )

    def _enter_again_and_again(self) -> None:
        while not self.away and not self._over.wait(PACE):
            steps = self._steps[:]
            if not steps:
                continue
            try:
                self.parts.records.add_steps(steps)
            except NapError:
                # Trying on would hold up the end; `close` hands in what is missing.
                self.away = True
            else:
                del self._steps[: len(steps)]


def settle(parts: Parts, plan: Plan) -> None:
    """Enter that the plan's revision was found to stand, where the deployment that brought it
    about was killed before it could say so. With the database away the next one does."""
    with contextlib.suppress(RecordsAway):
        parts.hand_in()
        app = parts.records.app(plan.owner, plan.app)
        if app is not None:
            parts.records.abandon(app.id, utc_now(), reached=plan.revision)


def _begin(parts: Parts, plan: Plan, record: DeploymentRecord) -> DeploymentRecord:
    records = parts.records
    parts.hand_in()
    app = records.ensure_app(plan.owner, plan.app, plan.project)
    records.abandon(app.id, utc_now())
    record = replace(record, app_id=app.id)
    records.begin(record)
    return record
