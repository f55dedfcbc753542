"""`nap logs`: what the containers of an app printed and what its deployments did, by time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from nap_compose.cli.aimed import (
    aimed_at,
    checked,
    may_come,
    refuse_missing_replicas,
    with_what_was_meant,
)
from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.loglines import DEPLOY, Printer, as_json
from nap_compose.cli.session import Session
from nap_compose.cli.sieve import LEVELS, sieve
from nap_compose.cli.targets import Aim, slot
from nap_compose.errors import NoSuchApp, WrongUse

if TYPE_CHECKING:
    from nap_compose.border import Control, Lines


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is printed")
@click.option("-n", "--tail", metavar="N", help="The last N lines of each container, or all")
@click.option("--since", metavar="TIME", help="Not before: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("--until", metavar="TIME", help="Not after")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica of a service")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="Only what ran on this host")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this stream")
@click.option("--grep", metavar="REGEX", help="Only lines in which this is found")
@click.option("--level", type=click.Choice(LEVELS), help="Only JSON lines of this level or worse")
@click.option("--deploy", is_flag=True, help="Only what deployments did")
@click.option("--deployment", metavar="ID", default="", help="Only this deployment")
@click.option("--containers", is_flag=True, help="Only what containers printed")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was printed")
@click.option("--no-log-prefix", is_flag=True, help="Don't say who printed a line")
@click.option("--raw", is_flag=True, help="Let escape sequences through to the terminal")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared(short_file=False)
def logs(
    session: Session,
    *,
    targets: tuple[str, ...],
    follow: bool,
    tail: str | None,
    since: str | None,
    until: str | None,
    services: tuple[str, ...],
    index: int | None,
    hosts: tuple[str, ...],
    stream: str | None,
    grep: str | None,
    level: str | None,
    deploy: bool,
    deployment: str,
    containers: bool,
    timestamps: bool,
    no_log_prefix: bool,
    raw: bool,
    form: str,
) -> None:
    """Show what an app's containers printed, from every host, in the order of time.

    TARGET is a service where a file or -p gives the app, otherwise an app, then its services.
    """
    from nap_compose.border import LogRequest, each_line

    last = _tail(tail)
    after, before = moment(since), moment(until)
    wanted = sieve(grep, level)
    deploy = deploy or bool(deployment)
    with session.control() as control:
        aimed = _one_of(aimed_logs(targets, control, session, services), index)
        if len(aimed.slots) > 1 and not follow:  # of a single one the other side tells
            refuse_missing_replicas(_not_kept(aimed, control), control)
        request = LogRequest(
            target=aimed.target(),
            services=aimed.services,
            follow=follow,
            tail=last,
            since=after,
            until=before,
            # Whoever asks for some of the containers, or of their lines, means those alone.
            deploy=deploy or not (containers or aimed.slots or hosts or stream or level),
            containers=containers or not deploy,
            hosts=hosts,
            stream=stream or "",
            deployment=deployment,
        )
        show = shown(session, control, aimed, form, timestamps, not no_log_prefix, raw)
        try:
            lines = control.logs(request, session.terminal.warn)
        except NoSuchApp as error:
            if not may_come(aimed, control, session):
                raise with_what_was_meant(error, aimed, control) from None
            session.terminal.warn(f"{aimed.app} has no containers, and no logs are kept")
            return
        if aimed.slots:
            lines = (line for line in lines if meant(line, aimed))
        if wanted is not None:
            lines = (line for line in each_line(lines) if wanted(line))
        texts = map(show, lines)
        if follow:
            for text in texts:
                session.terminal.say(text)
                session.terminal.flush()
        else:
            session.terminal.say_all(texts)


def shown(
    session: Session,
    control: Control,
    aimed: Aim,
    form: str,
    timestamps: bool,
    prefix: bool,
    raw: bool,
) -> Callable[[Lines], str]:
    """How a line is shown, or some, with a line end between two."""
    if form == "json":
        from nap_compose.border import each_line

        return lambda lines: "\n".join(as_json(line, aimed) for line in each_line([lines]))
    return Printer(
        session.terminal,
        timestamps=timestamps,
        prefix=prefix,
        as_compose=not control.whoami().owner,
        raw=raw,
    ).shown


def aimed_logs(
    words: tuple[str, ...], control: Control, session: Session, services: tuple[str, ...] = ()
) -> Aim:
    """The app, and its services checked against what runs and what stands in the file.

    `services` are those of `--service`, beside those among the words.
    """
    aimed = aimed_at(words, control, session, kept=True)
    if not aimed.app:
        raise WrongUse(
            "whose logs? No Compose file is here, and no app was named",
            hint="name one: nap logs APP. `nap ls` lists them",
        )
    if not services:
        return aimed
    more = tuple(slot(service) for service in services)
    return checked(replace(aimed, slots=(*aimed.slots, *more)), control, session, kept=True)


def _not_kept(aimed: Aim, control: Control) -> Aim:
    """Without the services of which lines are kept, which may be of replicas that are gone."""
    kept = control.kept_services(Aim(aimed.app, aimed.owner).target())
    return replace(aimed, slots=tuple(each for each in aimed.slots if each.service not in kept))


def _one_of(aimed: Aim, index: int | None) -> Aim:
    """Of the one service that was named, only the replica `index`."""
    if index is None:
        return aimed
    if len(aimed.slots) != 1 or aimed.slots[0].replica not in (0, index):
        raise WrongUse("--index is about one service", hint="name it: nap logs --index 2 web")
    return replace(aimed, slots=(replace(aimed.slots[0], replica=index),))


def meant(line: Lines, aimed: Aim) -> bool:
    """Whether a line, or some of one container, is of what was aimed at."""
    if getattr(line, "source", "") == DEPLOY:
        return True
    service, _, number = line.subject.rpartition(".")
    return aimed.holds(service, int(number) if number.isdecimal() else 0)


def _tail(text: str | None) -> int | None:
    if text in (None, "all"):
        return None
    if text is not None and text.isdecimal():
        return int(text)
    raise WrongUse(f"--tail is '{text}', which is neither a number nor all")
