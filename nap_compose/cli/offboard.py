"""`nap user offboard`: somebody leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Offboarded


@click.command()
@click.argument("name", metavar="USER")
@click.option("--to", "to", default="", metavar="USER2", help="Their apps are USER2's from now on")
@click.option("--stop", is_flag=True, help="Their apps are stopped; data stays")
@click.option("--keep", is_flag=True, help="Their apps run on, and take no change")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def offboard(
    session: Session, *, name: str, to: str, stop: bool, keep: bool, dry_run: bool, form: str
) -> int:
    """See to what somebody who leaves has on the cluster.

    Ends their sessions, takes back what others shared with them, sees to their apps, and lists the
    secrets that they know. No container is restarted. Without --to, --stop or --keep it only shows
    what there is. It can be run again.
    """
    from nap_compose.border import OffboardRequest

    if sum((bool(to), stop, keep)) > 1:
        raise WrongUse("--to, --stop and --keep are three ways: choose one")
    request = OffboardRequest(name, to, stop, keep, dry_run)
    with session.control() as control:
        found = control.offboard(request)
    for warning in found.warnings:
        session.terminal.warn(warning)
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
    else:
        for line in _told(found, to, stop):
            session.terminal.say(plain(line))
        if not found.changed:
            session.terminal.tell(_nothing_done(found.user, to, stop, keep))
    if any(app.problem for app in found.apps):
        return Exit.FAILED
    return Exit.PARTIAL if found.warnings else Exit.DONE


def _nothing_done(user: str, to: str, stop: bool, keep: bool) -> str:
    if to or stop or keep:
        return "nothing was done: it is a dry run"
    return f"nothing was done: nap user offboard {user} --to USER2, --stop or --keep does it"


def _told(found: Offboarded, to: str, stop: bool) -> Iterator[str]:
    would = f"would be {to}'s" if to else "would be stopped" if stop else "runs on"
    for app in found.apps:
        became = f"NOT DONE: {app.problem}" if app.problem else app.done or would
        yield f"app        {found.user}/{app.app}: {became} ({app.running} containers run)"
        if app.volumes:
            yield f"             volumes    {', '.join(app.volumes)}"
        if app.published:
            yield f"             published  {', '.join(app.published)}"
        if app.shared_with:
            yield f"             shared     {', '.join(app.shared_with)}"
    if not found.apps:
        yield f"app        none is {found.user}'s"
    for lent in found.lent:
        yield f"lent       {lent}" + (": taken back" if found.changed else "")
    for registry in found.registries:
        yield f"registry   {registry}"
    if found.changed:
        yield f"sessions   {found.sessions} ended"
    if found.secrets:
        yield "change these secrets, which they know:"
        for secret in found.secrets:
            kind = {"login": "the account's password"}.get(secret.kind, secret.kind)
            yield f"  {secret.of}: {kind} {secret.name}".rstrip()
    if found.in_directory:
        yield (
            f"{found.user} is still in the directory, and can log in again until you take them "
            "out of it, or out of the groups of `ldap.roles`"
        )
