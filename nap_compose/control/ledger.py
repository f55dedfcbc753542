"""One deployment's books: its log file, its record, the steps it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nap_compose.clock import utc_now
from nap_compose.cluster.app_lock import origin
from nap_compose.control.parts import Parts
from nap_compose.db.records import AppRecord, DeploymentRecord, StepRecord
from nap_compose.logs.deployment_log import DeploymentLog, Head
from nap_compose.orchestration.events import Event, Phase
from nap_compose.orchestration.plan import Plan


@dataclass
class Ledger:
    """Opened before the first step and closed after the last, whatever happened between."""

    parts: Parts
    app: AppRecord
    deployment: str
    log: DeploymentLog
    warn: Callable[[str], None]
    _begun: dict[str, str] = field(default_factory=dict)
    _steps: list[StepRecord] = field(default_factory=list)

    @classmethod
    def open(
        cls, parts: Parts, plan: Plan, *, verb: str, who: str, warn: Callable[[str], None]
    ) -> Ledger:
        """Begin the books of a plan that is about to run."""
        app = parts.records.ensure_app(plan.owner, plan.app, plan.project)
        head = Head(
            deployment=plan.deployment,
            owner=plan.owner,
            app=plan.app,
            verb=verb,
            revision=plan.revision,
            who=who,
            origin=origin(),
        )
        log = DeploymentLog(parts.cluster.logs.dir, head, warn)
        parts.records.begin(
            DeploymentRecord(
                id=plan.deployment,
                app_id=app.id,
                revision=plan.revision,
                verb=verb,
                author=who,
                origin=head.origin,
                started=utc_now(),
            )
        )
        return cls(parts, app, plan.deployment, log, warn)

    def event(self, event: Event) -> None:
        """Enter an event. Listeners are called one at a time, so there is nothing to lock."""
        self.log.event(event)
        if event.phase is Phase.RUNNING:
            self._begun.setdefault(event.step, event.at)
        if event.phase in (Phase.DONE, Phase.FAILED):
            self._steps.append(
                StepRecord(
                    deployment=self.deployment,
                    step=event.step,
                    host=event.host,
                    subject=event.subject,
                    phase=event.phase.value,
                    started=self._begun.get(event.step, event.at),
                    ended=event.at,
                    error=event.error,
                )
            )

    def close(self, outcome: str, error: str) -> None:
        """Enter how it ended. The deployment is over: a database away now is but a warning."""
        from nap_compose.errors import NapError

        self.log.end(outcome, error)
        try:
            self.parts.records.add_steps(self._steps)
            self.parts.records.finish(self.deployment, outcome, error, utc_now())
        except NapError as problem:
            self.warn(f"how the deployment ended could not be recorded: {problem}")
