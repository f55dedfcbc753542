"""`nap health`: how containers and hosts are, as the watcher keeps it."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.cli.targets import aim
from nap_compose.exits import Exit
from nap_compose.text import app_called, plain
from nap_compose.units import show_age, show_duration

if TYPE_CHECKING:
    from nap_compose.border import Checkup, HealthReport
    from nap_compose.health.records import ContainerRecord

health = LazyGroup(
    "health",
    table={
        "status": ("nap_compose.cli.health:status", "Show how containers are"),
        "events": ("nap_compose.cli.health:events", "Show what happened to containers and hosts"),
        "watch": ("nap_compose.cli.health_watch:watch", "Keep watch, and act"),
        "check": ("nap_compose.cli.health:check", "Look at every container once"),
    },
    help="See how containers and hosts are, and keep watch over them.",
)

COLUMNS = (
    Column("APP", least=6),
    Column("REPLICA", least=8),
    Column("HOST", least=4, drop=2),
    Column("STATE", least=7),
    Column("HEALTH", least=6, drop=1),
    Column("SINCE", drop=3),
    Column("RESTARTS", drop=4),
    Column("REV", drop=5),
)
FORMAT = click.Choice(["table", "json"])


@click.command()
@click.option("--format", "form", type=FORMAT, default="table")
@with_shared()
def check(session: Session, form: str) -> int:
    """Look at every container of every host once, and keep what changed."""
    terminal = session.terminal
    with session.control() as control:
        found = control.check_health()
    if form == "json":
        terminal.say(json.dumps(_checkup_as_json(found)))
    else:
        for record in found.unwell:
            terminal.warn(f"{_named(record, '')} on {record.host}: {record.text}")
        wrong = f", {len(found.unwell)} unwell" if found.unwell else ""
        terminal.say(
            f"{_many(found.containers, 'container')} on {_many(found.hosts, 'host')}{wrong}; "
            f"{_many(found.written, 'record')} written ({show_duration(found.took)})"
        )
        for host in found.unseen:
            terminal.warn(f"host {host.name} was not seen: {host.why}")
    return Exit.PARTIAL if found.unseen else Exit.DONE


@click.command()
@click.argument("target", required=False, metavar="[TARGET]")
@click.option("--format", "form", type=FORMAT, default="table")
@with_shared()
def status(session: Session, target: str | None, form: str) -> int:
    """Show how containers are, from the records: no host is asked.

    TARGET is an app, app/service or owner/app. What stands on a host that isn't up, or behind a
    watcher that hasn't looked for long, is shown as unknown.
    """
    terminal = session.terminal
    with session.control() as control:
        me = control.whoami().owner
        aimed = aim((target,) if target else (), None, control)
        report = control.health(aimed.target())
    records = [
        each
        for each in report.containers
        if not aimed.app or aimed.holds(each.service, each.replica)
    ]
    if form == "json":
        for record in records:
            terminal.say(json.dumps(_as_json(record, report)))
    else:
        lines = table_on(terminal, COLUMNS, [_cells(record, report, me) for record in records])
        for line in lines:
            terminal.say(line)
    return _warn(session, report)


@click.command()
@click.argument("target", required=False, metavar="[TARGET]")
@click.option("--since", metavar="TIME", help="From then on: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("-n", "--tail", type=click.IntRange(0), default=100, help="So many at most (100)")
@click.option("--format", "form", type=FORMAT, default="table")
@with_shared()
def events(
    session: Session, *, target: str | None, since: str | None, tail: int, form: str
) -> None:
    """Show what happened to containers and hosts, the latest last.

    TARGET is an app, app/service or owner/app.
    """
    from nap_compose.border import HappeningRequest

    terminal = session.terminal
    after = moment(since)
    began = "" if after is None else _utc(after)
    with session.control() as control:
        aimed = aim((target,) if target else (), None, control)
        found = control.health_events(HappeningRequest(aimed.target(), began, tail))
    for each in found:
        if form == "json":
            terminal.say(json.dumps(each.as_json()))
            continue
        app = app_called(each.owner, each.app)
        whose = f"{app}: " if app else ""
        terminal.say(f"{_local(each.at)}  {plain(whose + each.text)}")


def _warn(session: Session, report: HealthReport) -> int:
    """Say what makes the records doubtful; the exit code."""
    terminal = session.terminal
    if report.stale:
        seen = f"last seen {show_age(_age(report.as_of))} ago" if report.as_of else "never seen"
        terminal.warn(f"nobody keeps watch: {seen} (nap health watch, or nap health check once)")
    away = [host for host in report.hosts if host.state.value != "up"]
    for host in away:
        since = f" for {show_age(_age(host.since))}" if host.since else ""
        terminal.warn(f"host {host.name} is {host.state.value}{since}: {plain(host.why)}")
    apart = [host for host in report.hosts if host.storage and host.state.value == "up"]
    for host in apart:
        terminal.warn(
            f"host {host.name} doesn't reach the cluster storage: {plain(host.storage)}; what runs"
            " there on cluster volumes can't read or write them"
        )
    return Exit.PARTIAL if report.stale or away or apart else Exit.DONE


def _cells(record: ContainerRecord, report: HealthReport, me: str) -> list[Cell | str]:
    app = record.app if record.owner in ("", me) else f"{record.owner}/{record.app}"
    known = report.known(record)
    state = record.state
    if record.exit_code is not None and state in ("exited", "dead"):
        state = f"{state} ({record.exit_code})"
    return [
        app,
        record.slot,
        record.host,
        Cell(state, _colour(record)) if known else Cell("unknown", "yellow"),
        (record.health if record.health != "none" else "-") if known else f"was {record.text}",
        show_age(_age(record.since)) if record.since else "-",
        str(record.restarts),
        str(record.revision or "-"),
    ]


def _colour(record: ContainerRecord) -> str:
    if record.health == "unhealthy" or (record.exit_code or 0) != 0:
        return "red"
    return "green" if record.state == "running" else "yellow"


def _as_json(record: ContainerRecord, report: HealthReport) -> dict[str, Any]:
    whose = {"owner": record.owner, "app": record.app, "replica": record.slot}
    return {**whose, **record.as_json(), "known": report.known(record)}


def _checkup_as_json(found: Checkup) -> dict[str, Any]:
    return {
        "hosts": found.hosts,
        "containers": found.containers,
        "unwell": [_named(each, "") for each in found.unwell],
        "written": found.written,
        "took": round(found.took, 3),
        "unseen": {host.name: host.why for host in found.unseen},
    }


def _named(record: ContainerRecord, me: str) -> str:
    app = record.app if record.owner in ("", me) else f"{record.owner}/{record.app}"
    return plain(f"{app}/{record.slot}")


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _age(text: str) -> float:
    return time.time() - _seconds(text)


def _local(text: str) -> str:
    seconds = _seconds(text)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + text[19:23]


def _utc(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"
