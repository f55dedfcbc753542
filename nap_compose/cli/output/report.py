"""How a deployment ended, for a person: what changed, where it is reached, what went wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nap_compose.cli.output.fields import show_differences
from nap_compose.cli.output.terminal import Terminal
from nap_compose.orchestration.downtime import downtime
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from nap_compose.text import coloured, colourless, plain
from nap_compose.units import show_duration, show_size

if TYPE_CHECKING:
    from nap_compose.border import Failure, Outcome, Published

_PAST = {
    Change.KEEP: "kept",
    Change.CREATE: "created",
    Change.REPLACE: "replaced",
    Change.START: "started",
    Change.SET: "set",
    Change.MOVE: "moved",
    Change.RESTART: "restarted",
    Change.STOP: "stopped",
    Change.KILL: "killed",
    Change.PAUSE: "paused",
    Change.UNPAUSE: "unpaused",
    Change.REMOVE: "removed",
    Change.UNSEEN: "not seen",
}
_COLOURS = {
    Change.CREATE: "green",
    Change.START: "green",
    Change.REPLACE: "yellow",
    Change.SET: "yellow",
    Change.MOVE: "yellow",
    Change.RESTART: "yellow",
    Change.STOP: "yellow",
    Change.KILL: "red",
    Change.PAUSE: "yellow",
    Change.UNPAUSE: "green",
    Change.REMOVE: "red",
    Change.UNSEEN: "yellow",
}
DETAIL = "       | "


def show_plan(plan: Plan, terminal: Terminal) -> None:
    """What would be done, a line for each replica and resource that changes."""
    changing = [line for line in plan.summary if line.change is not Change.KEEP]
    if plan.empty:
        terminal.say(nothing_to_do(plan))
    else:
        terminal.say(f"{plain(plan.app)} would change:")
    names = max((len(line.subject) for line in changing), default=0)
    for line in changing:
        where = f" on {line.host}" if line.host else ""
        told = "; ".join(filter(None, (line.reason, line.how)))
        why = f" ({plain(told)})" if told else ""
        what = terminal.out_style(f"{line.change.value:8}", _COLOURS.get(line.change, ""))
        terminal.say(f"  {what} {plain(line.subject):{names}}{where}{why}")
    for step in plan.steps:
        if step.kind is Kind.BRING_IMAGE:
            terminal.say(f"  {'bring':8} {plain(step.subject)} to {step.host} ({_way_of(step)})")
    away = downtime(plan)
    if away is not None:
        terminal.say(f"  {'downtime':8} {plain(', '.join(away)) or 'none'}")
    if not plan.empty:
        by_kind = Counter(step.kind for step in plan.steps)
        del by_kind[Kind.GATHER]
        steps = ", ".join(f"{by_kind[kind]} {kind.value}" for kind in Kind if by_kind[kind])
        terminal.say(f"  in {by_kind.total()} steps: {steps}")


def _way_of(step: Step) -> str:
    """Where an image comes from, and how large it is where that is known."""
    sources = step.args.get("from") or ()
    if step.host in sources:
        return "it is there, and gets its name back"
    size = int(step.args.get("size") or 0)
    way = f"from {sources[0]}" if sources else "pulled"
    return f"{way}, {show_size(size)}" if sources and size else way


def show_differences_of(outcome: Outcome, terminal: Terminal) -> None:
    """What a dry run would change in the model that runs, field by field."""
    if outcome.differences:
        terminal.say(f"\nagainst revision {outcome.against}, which runs:")
        show_differences(outcome.differences, terminal)


def show_why(outcome: Outcome, terminal: Terminal) -> None:
    """Why replicas are where they are, with the verdict on every host."""
    for explanation in outcome.why:
        terminal.say("")
        for line in explanation.lines():
            terminal.say(plain(line))


def nothing_to_do(plan: Plan) -> str:
    """That nothing is to be done; what wasn't seen may be out of date for all nap knows."""
    unseen = [line for line in plan.summary if line.change is Change.UNSEEN]
    if not unseen:
        return f"nothing to do: {plain(plan.app)} is up to date"
    left = ", ".join(f"{line.subject} on {line.host}" for line in unseen)
    return f"nothing done: {plain(left)} was not seen and is left as it is, the rest is up to date"


def show_changes(outcome: Outcome, terminal: Terminal) -> None:
    """What was changed, a line for each service and resource."""
    grouped: dict[str, list[Line]] = {}
    for line in outcome.plan.summary:
        grouped.setdefault(_service(line.subject), []).append(line)
    names = max((len(name) for name in grouped), default=0)
    for name, lines in grouped.items():
        if any(line.change is not Change.KEEP for line in lines):
            terminal.say(f"  {plain(name):{names}}  {_changes(lines, terminal)}")


def show_published(published: Iterable[Published], terminal: Terminal) -> None:
    """Where each service is reached."""
    rows = list(published)
    names = max((len(row.subject) for row in rows), default=0)
    for row in rows:
        url = terminal.out_style(plain(row.url), "bold")
        terminal.say(f"  {plain(row.subject):{names}}  {url}")


def show_failures(failures: Iterable[Failure], terminal: Terminal) -> None:
    """Each container that went wrong, with the end of its log and its health check's words. What
    helps against several is said once, after the last of them."""
    shown = list(failures)
    for number, failure in enumerate(shown):
        where = f" on {failure.host}" if failure.host else ""
        head = terminal.err_style("nap:", "red")
        reason, *more = failure.reason.splitlines() or ["failed"]
        terminal.tell(f"{head} {plain(failure.subject)}{where}: {plain(reason)}")
        for line in more:
            terminal.tell(f"     {plain(line)}")
        if failure.hint not in (each.hint for each in shown[number + 1 :]):
            for line in failure.hint.splitlines():
                terminal.tell(f"     {plain(line)}")
        if failure.probe.strip():
            terminal.tell("     its health check said:")
            _quote(failure.probe.splitlines(), terminal)
        if failure.log:
            terminal.tell("     the last it printed:")
            _quote(failure.log, terminal)
        if failure.kept:
            name = plain(failure.kept)
            terminal.tell(f"     it is kept for a look as {name}, until the next success")


def as_json(outcome: Outcome) -> str:
    """The outcome as one line of JSON; plans hold no secret."""
    found: dict[str, Any] = {
        "state": outcome.state,
        "app": outcome.plan.app,
        "owner": outcome.plan.owner,
        "revision": outcome.plan.revision,
        "deployment": outcome.plan.deployment,
        "exit_code": outcome.exit_code,
        "error": outcome.error,
        "seconds": round(outcome.seconds, 3),
        "changes": [{**asdict(line), "change": line.change.value} for line in outcome.plan.summary],
        "published": [asdict(row) for row in outcome.published],
        "failures": [asdict(failure) for failure in outcome.failures],
        "orphans": list(outcome.plan.orphans),
        "unseen": [host.name for host in outcome.plan.unseen],
        "left": list(outcome.left),
        "notes": list(outcome.notes),
        "differences": [asdict(each) for each in outcome.differences],
    }
    if outcome.why:
        found["why"] = [asdict(each) for each in outcome.why]
    return json.dumps(found)


def took(outcome: Outcome) -> str:
    """` in 3.2s`, or nothing where it isn't known."""
    return f" in {show_duration(outcome.seconds)}" if outcome.seconds else ""


def _service(subject: str) -> str:
    """`web` of `web.2`; a network's or volume's subject stays."""
    name, dot, number = subject.rpartition(".")
    return name if dot and number.isdecimal() else subject


def _changes(lines: list[Line], terminal: Terminal) -> str:
    """`2 replaced (image changed), 1 kept`; the number is left out where there is one line."""
    parts = []
    for change in Change:
        same = [line for line in lines if line.change is change]
        if not same:
            continue
        word = terminal.out_style(_PAST[change], _COLOURS.get(change, ""))
        many = f"{len(same)} " if len(lines) > 1 else ""
        reasons = dict.fromkeys(line.reason for line in same if line.reason)
        told = reasons and change not in (Change.KEEP, Change.CREATE)
        why = f" ({plain('; '.join(reasons))})" if told else ""
        hosts = dict.fromkeys(line.host for line in same if line.host)
        where = f" on {', '.join(hosts)}" if hosts and change is not Change.KEEP else ""
        parts.append(f"{many}{word}{where}{why}")
    return ", ".join(parts)


def _quote(lines: Iterable[str], terminal: Terminal) -> None:
    show = coloured if terminal.err_in_colour else colourless
    for line in lines:
        terminal.tell(DETAIL + show(line))
