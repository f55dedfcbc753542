"""`nap logs stats`: how much an app's services print, and how many errors, hour by hour."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.logs import aimed_logs
from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import LogCount

COLUMNS = (
    Column("HOUR"),
    Column("SERVICE", least=7),
    Column("LINES"),
    Column("SIZE"),
    Column("STDERR", drop=1),
    Column("ERRORS"),
)
CHART = 40
"""Characters of the longest bar."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--since", metavar="TIME", help="Not before: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("--until", metavar="TIME", help="Not after")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service")
@click.option("--format", "form", type=click.Choice(["table", "json", "chart"]), default="table")
@with_shared()
def stats(
    session: Session,
    *,
    targets: tuple[str, ...],
    since: str | None,
    until: str | None,
    services: tuple[str, ...],
    form: str,
) -> None:
    """Count the lines that were collected of an app, by service and hour (UTC).

    A line with ERROR, FATAL, CRITICAL or PANIC in it, or "error", "fatal" or "critical" in double
    quotes, counts as an error.
    """
    from nap_compose.border import LogRequest, SearchRequest

    terminal = session.terminal
    with session.control() as control:
        aimed = aimed_logs(targets, control, session, services)
        lines = LogRequest(aimed.target(), aimed.services, since=moment(since), until=moment(until))
        rows = control.count_lines(SearchRequest(lines), terminal.warn).rows
    if form == "json":
        shown = [json.dumps(asdict(row)) for row in rows]
    elif form == "chart":
        shown = _chart(rows, "█" if terminal.out_in_unicode else "#")
    else:
        shown = table_on(terminal, COLUMNS, list(map(_cells, rows)))
    for line in shown:
        terminal.say(line)


def _cells(row: LogCount) -> list[Cell | str]:
    return [
        row.hour,
        row.service,
        str(row.lines),
        show_size(row.size),
        str(row.stderr),
        Cell(str(row.errors), "red" if row.errors else ""),
    ]


def _chart(rows: Sequence[LogCount], block: str) -> list[str]:
    """A bar for each hour, as long as there were lines in it; hours without any are left out."""
    hours: dict[str, tuple[int, int]] = {}
    for row in rows:
        lines, errors = hours.get(row.hour, (0, 0))
        hours[row.hour] = (lines + row.lines, errors + row.errors)
    most = max((lines for lines, _ in hours.values()), default=1)
    width = len(str(most))
    return [
        f"{hour[:13]}h  {lines:>{width}}  {block * max(1, round(CHART * lines / most))}"
        + (f"  {errors} error{'s' if errors > 1 else ''}" if errors else "")
        for hour, (lines, errors) in hours.items()
    ]
