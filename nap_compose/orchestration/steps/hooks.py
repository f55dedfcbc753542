"""Running a service's hooks in a container: after its start, before its stop."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable

from nap_compose.cluster.engine import Conflict, Engine, EngineError, Json, NotFound
from nap_compose.compose.model import App, Service
from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.bodies.hooks import exec_bodies
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.workshop import Report, Workshop

POST_START = "post_start"
PRE_STOP = "pre_stop"

PAUSE = 0.1
"""Seconds between two looks at a hook that runs."""


def named(service: Service) -> str:
    """What a container's label says of its service's hooks: `pre_stop,post_start`, or nothing."""
    return ",".join(moment for moment in (PRE_STOP, POST_START) if service.spec.get(moment))


def after_start(step: Step, container: str, shop: Workshop, report: Report) -> None:
    """Run the service's `post_start` hooks, where they are known; raises NapError where one
    fails."""
    service = step.target.rpartition(".")[0]
    _run(POST_START, shop.app or shop.former, service, step, container, shop, report)


def before_stop(step: Step, container: str, shop: Workshop, report: Report) -> None:
    """Run the service's `pre_stop` hooks, where they are known; raises NapError where one fails.

    One that ended meanwhile, or is gone, has no more use for them.
    """
    service = step.subject.rpartition(".")[0]
    app = shop.app or shop.former
    try:
        _run(PRE_STOP, app, service, step, container, shop, report)
    except (NotFound, Conflict):
        return


def _run(
    moment: str,
    app: App | None,
    service: str,
    step: Step,
    container: str,
    shop: Workshop,
    report: Report,
) -> None:
    known = app.services.get(service) if app else None
    for body in exec_bodies(known, moment) if known else ():
        report(f"{moment}: {body['Cmd'][0]}")
        code = code_of(shop.engine(step), container, body, shop.stopped, shop.deadline)
        if code:
            raise NapError(
                f"its {moment} hook `{shlex.join(body['Cmd'])}` ended with code {code}",
                host=step.host,
                hint=f"try it: nap exec {shop.plan.app}/{step.subject} {shlex.join(body['Cmd'])}",
            )


def code_of(
    engine: Engine, container: str, body: Json, stopped: Callable[[], bool], deadline: float
) -> int:
    """Run one hook to its end; gives its exit code. Raises Interrupted once it is `stopped`, and
    EngineError at the `deadline` of the monotonic clock."""
    made = engine.create_exec(container, body)
    engine.start_exec(made)
    while True:
        state = engine.inspect_exec(made)
        if not state.get("Running"):
            return int(state.get("ExitCode") or 0)
        if stopped():
            raise Interrupted("stopped waiting for a hook", host=engine.host)
        if time.monotonic() > deadline:
            raise EngineError(engine.host, 504, "a hook isn't done in time")
        time.sleep(PAUSE)
