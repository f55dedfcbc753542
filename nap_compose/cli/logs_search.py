"""`nap logs search`: lines that were collected and in which something is found."""

from __future__ import annotations

import re

import click

from nap_compose.cli.logs import aimed_logs, meant, shown
from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.sieve import pattern


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[TARGET]... TEXT")
@click.option("--since", metavar="TIME", help="Not before: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("--until", metavar="TIME", help="Not after")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="Only what ran on this host")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this stream")
@click.option("-F", "--fixed", is_flag=True, help="TEXT is no regular expression")
@click.option("-i", "--ignore-case", is_flag=True, help="In any case")
@click.option("-c", "--count", is_flag=True, help="Only say how many lines there are")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was printed")
@click.option("--no-log-prefix", is_flag=True, help="Don't say who printed a line")
@click.option("--raw", is_flag=True, help="Let escape sequences through to the terminal")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def search(
    session: Session,
    *,
    words: tuple[str, ...],
    since: str | None,
    until: str | None,
    services: tuple[str, ...],
    hosts: tuple[str, ...],
    stream: str | None,
    fixed: bool,
    ignore_case: bool,
    count: bool,
    timestamps: bool,
    no_log_prefix: bool,
    raw: bool,
    form: str,
) -> int:
    """Show the lines that were collected of an app and in which TEXT, a regular expression, is
    found; compressed files are searched too.

    The exit code is 1 where there are none. A TEXT that has some fixed letters is found fastest.
    """
    from nap_compose.border import LogRequest, SearchRequest
    from nap_compose.cli.fixed import fixed_text

    *targets, text = words
    found = pattern(re.escape(text) if fixed else text)
    if ignore_case:
        found = re.compile(found.pattern, found.flags | re.IGNORECASE)
    any_case = bool(found.flags & re.IGNORECASE)
    needle = fixed_text(found)
    if any_case and not needle.isascii():
        needle = ""
    terminal = session.terminal
    with session.control() as control:
        aimed = aimed_logs(tuple(targets), control, session, services)
        lines = LogRequest(
            aimed.target(),
            aimed.services,
            since=moment(since),
            until=moment(until),
            hosts=hosts,
            stream=stream or "",
        )
        request = SearchRequest(lines, needle, any_case)
        hits = (
            line
            for line in control.search(request, terminal.warn)
            if found.search(line.text) and meant(line, aimed)
        )
        show = shown(session, control, aimed, form, timestamps, not no_log_prefix, raw)
        number = 0
        for line in hits:
            number += 1
            if not count:
                terminal.say(show(line))
    if count:
        terminal.say(str(number))
    return 0 if number else 1
