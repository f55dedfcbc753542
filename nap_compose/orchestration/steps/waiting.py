"""Steps that only look: wait until a replica is as the app needs it, check all once more."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nap_compose.cluster.engine import Engine, EngineAway
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import Condition
from nap_compose.errors import Interrupted, NapError
from nap_compose.health.ages import at_most
from nap_compose.health.verdict import Verdict, Word, judge
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps.looping import Loop
from nap_compose.orchestration.steps.workshop import Report, Workshop

FIRST_LOOK = 0.05
SHORT_PAUSE = 0.15
LONGEST_PAUSE = 0.5
"""Seconds between two looks: short at first, since most containers are up at once."""

AT_FIRST = 15.0
"""Seconds for which the pauses stay short."""

SETTLES = 0.5
"""How long a container must have run, in seconds, where it has no health check to say more."""

BLINK = 15.0
"""Seconds that a host may be away before those who wait for its containers give up."""

TAIL = 15
"""How many of a failed container's last lines are shown."""

_TO_THE_SECOND = len("2006-01-02T15:04:05")
"""What of an engine's times can be compared as text."""


class Unwell(NapError):
    """A replica didn't get where it should; carries what a person needs to see why."""

    def __init__(
        self, step: Step, container: str, reason: str, log: tuple[str, ...], probe: str
    ) -> None:
        super().__init__(reason, host=step.host)
        self.subject = step.subject
        self.container = container
        self.reason = reason
        self.log = log
        self.probe = probe


def wait(step: Step, shop: Workshop, report: Report) -> str:
    """Wait until the replica meets its condition; raises Unwell when it can't or time is up, unless
    all that need it can do without."""
    container = shop.container_of(step)
    condition = Condition(step.args["condition"])
    said = ""
    seen = time.monotonic()
    # One list since then tells of all that were started by then.
    began = shop.started.get(container, seen)
    met = 0.0
    loop = Loop()
    looked = shop.snapshots.recent
    for pause in _pauses():
        try:
            found = looked(step.host, began).get(container)
            verdict = loop.verdict(shop.engine(step), found) or judge(found, condition)
        except EngineAway:
            if shop.stopped() or time.monotonic() > min(seen + BLINK, shop.deadline):
                raise
            time.sleep(pause)
            continue
        seen = time.monotonic()
        if verdict.word is not Word.MET:
            met = 0.0
        elif met and _began_again(found, time.monotonic() - met):
            met = 0.0
            verdict = Verdict(Word.PENDING, f"{verdict.text}, having ended in between")
        else:
            met = met or time.monotonic()
            if _settled(step, met, found):
                return verdict.text
            verdict = Verdict(Word.PENDING, f"{verdict.text}, watched")
        if verdict.word is Word.HOPELESS:
            return _given_up(step, shop, container, verdict)
        if verdict.text != said:
            said = verdict.text
            report(said)
        # Of a container that runs the engine tells what comes next, but not how long it is up.
        told = found is not None and found.state == "running" and not met
        looked = shop.snapshots.heard if told else shop.snapshots.recent
        if told:
            shop.snapshots.listen(step.host)
        if shop.stopped():
            raise Interrupted(f"stopped waiting for {step.subject}", host=step.host)
        # The time given is for getting well; how long it's watched then is the update's own matter.
        if not met and time.monotonic() > shop.deadline:
            late = Verdict(Word.HOPELESS, f"is not ready in time ({verdict.text})")
            return _given_up(step, shop, container, late)
        shop.snapshots.pause(step.host, container, pause)
    raise AssertionError("the pauses have no end")


def _given_up(step: Step, shop: Workshop, container: str, verdict: Verdict) -> str:
    """Fail, unless all that wait for the replica can do without it."""
    if step.args.get("optional"):
        return f"gone on without, since nobody requires it: {verdict.text}"
    raise unwell(step, shop.engine(step), container, verdict)


def _settled(step: Step, met: float, found: ContainerView | None) -> bool:
    """Whether it has been well for as long as it must; work that ended well is done at once."""
    ended = found is not None and found.state == "exited"
    return ended or time.monotonic() - met >= float(step.args.get("settles") or 0)


def _began_again(found: ContainerView | None, watched: float) -> bool:
    """Whether it has been up for less time than it was watched, in seconds: it ended between two
    looks, and its engine started it again."""
    youngest = at_most(found.status) if found and found.state == "running" else None
    return youngest is not None and watched >= youngest


def check(_step: Step, shop: Workshop, _report: Report) -> str:
    """Look at every replica again: one that crashed right after its start is found here."""
    waits = [
        other
        for other in shop.plan.steps
        if other.kind is Kind.WAIT
        and other.subject not in shop.forgiven
        and not other.args.get("optional")
    ]
    hosts = {other.host for other in waits}
    _let_settle(waits, shop)
    began = time.monotonic()
    shop.snapshots.look_at_all(hosts, began)
    for other in waits:
        container = shop.container_of(other)
        found = shop.snapshots.since(other.host, began).get(container)
        verdict = judge(found, Condition(other.args["condition"]))
        restarting = found is not None and found.state == "restarting"
        if verdict.word is Word.HOPELESS or restarting:
            crash = Verdict(Word.HOPELESS, "keeps restarting") if restarting else verdict
            raise unwell(other, shop.engine(other), container, crash)
    return "all is up"


def _let_settle(waits: Sequence[Step], shop: Workshop) -> None:
    """A program without a health check that fails at once has run for a moment all the same."""
    if time.monotonic() > shop.last_start + SETTLES:
        return
    # Each was seen since it started; whether it has a health check doesn't change.
    found = (shop.snapshots.last(step.host).get(shop.container_of(step)) for step in waits)
    if any(each and each.state == "running" and each.health == "none" for each in found):
        time.sleep(max(0.0, shop.last_start + SETTLES - time.monotonic()))


def unwell(step: Step, engine: Engine, container: str, verdict: Verdict) -> Unwell:
    """The failure, with the container's last lines and its last health check's output."""
    found = _inspected(engine, container)
    log = _last_lines(engine, container, found)
    return Unwell(step, container, verdict.text, log, _last_probe(found))


def _inspected(engine: Engine, container: str) -> Mapping[str, Any]:
    """What the engine knows of the container; nothing where that can't be had."""
    try:
        return engine.inspect_container(container)
    except NapError:
        return {}


def _last_lines(engine: Engine, container: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    """The container's last lines, oldest first; none where they can't be had. Of one that was
    started again by somebody those since then: what it printed before tells nothing of now."""
    began = "" if found.get("RestartCount") else str(_state(found).get("StartedAt") or "")
    try:
        lines = [text.decode(errors="replace") for _, text in engine.logs(container, tail=TAIL)]
    except NapError:
        return ()
    stamped = (line.partition(" ") for line in lines)
    return tuple(text for at, _, text in stamped if at[:_TO_THE_SECOND] >= began[:_TO_THE_SECOND])


def _last_probe(found: Mapping[str, Any]) -> str:
    """What the last health check printed; empty where there was none."""
    health = _state(found).get("Health")
    probes = health.get("Log") if isinstance(health, Mapping) else None
    if not probes:
        return ""
    output = str(probes[-1].get("Output") or "").strip()
    return f"exit {probes[-1].get('ExitCode')}: {output}" if output else ""


def _state(found: Mapping[str, Any]) -> Mapping[str, Any]:
    state = found.get("State")
    return state if isinstance(state, Mapping) else {}


def _pauses() -> Iterator[float]:
    pause, waited = FIRST_LOOK, 0.0
    while True:
        yield pause
        waited += pause
        pause = min(pause * 1.5, SHORT_PAUSE if waited < AT_FIRST else LONGEST_PAUSE)
