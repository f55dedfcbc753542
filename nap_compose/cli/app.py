"""`nap app`: one app as the records have it, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import app_called, plain

if TYPE_CHECKING:
    from nap_compose.border import AppDetail, Control, Target

app = LazyGroup(
    "app",
    table={
        "show": ("nap_compose.cli.app:show", "Show one app closely"),
        "give": ("nap_compose.cli.app:give", "Make an app another user's"),
        "take": ("nap_compose.cli.app:take", "Take an app that you are offered"),
        "share": ("nap_compose.cli.share:share", "Let others at an app"),
        "unshare": ("nap_compose.cli.share:unshare", "Take back what was shared"),
    },
    help="Look at one app as the records have it, and say whose it is.",
)


@click.command()
@click.argument("name", metavar="[OWNER/]APP")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def show(session: Session, name: str, form: str) -> int:
    """Show one app: whose it is, what runs, its volumes, shares and last deployments."""
    with session.control() as control:
        found = control.app(_target(name, control))
    for warning in found.warnings:
        session.terminal.warn(warning)
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
    else:
        for line in _told(found):
            session.terminal.say(plain(line))
    return Exit.PARTIAL if found.warnings else Exit.DONE


@click.command()
@click.argument("name", metavar="[OWNER/]APP")
@click.argument("user")
@with_shared()
def give(session: Session, name: str, user: str) -> None:
    """Make an app another user's, with its volumes, logs and history.

    What runs goes on untouched, under the name that it has on the hosts. Who had it has it no
    longer.

    An admin's word is enough. From its owner it is an offer: it is USER's once they take it, whom
    the owner lets operate it until then.
    """
    with session.control() as control:
        target = _target(name, control)
        owner = target.owner or control.whoami().owner
        done = control.give_app(target, user)
    if done:
        _say_whose(session, target, f"{user}'s")
    else:
        taking = f"nap app take {owner}/{target.app}"
        session.terminal.say(plain(f"{target.app} is offered to {user}, who takes it: {taking}"))


@click.command()
@click.argument("name", metavar="OWNER/APP")
@with_shared()
def take(session: Session, name: str) -> None:
    """Take an app that its owner offers you, with its volumes, logs and history.

    It counts for your quota from then on.
    """
    with session.control() as control:
        target = _target(name, control)
        control.take_app(target)
    _say_whose(session, target, "yours")


def _say_whose(session: Session, target: Target, whose: str) -> None:
    session.terminal.say(plain(f"{target.app} is {whose} now, with its volumes, logs and history"))


def _target(name: str, control: Control) -> Target:
    from nap_compose.cli.targets import aim
    from nap_compose.errors import WrongUse

    aimed = aim((name if name.count("/") != 1 else f"{name}/",), None, control)
    if aimed.slots:
        raise WrongUse(f"'{name}' is no app", hint="write it like shop or ada/shop")
    return aimed.target()


def _told(found: AppDetail) -> Iterator[str]:
    from nap_compose.border import show_amount

    yield f"app          {app_called(found.owner, found.app)}"
    if found.maker != found.owner:
        yield f"made by      {found.maker}, under whom it stands on the hosts"
    yield f"project      {found.project}, since {found.created}"
    yield f"revision     {found.revision if found.containers else 'none stands on the hosts'}"
    used = (f"{name} {show_amount(name, amount)}" for name, amount in found.used.items())
    yield f"uses         {', '.join(used) or 'nothing'}"
    yield f"volumes      {', '.join(found.volumes) or 'none'}"
    shares = (f"{each.grantee} may {each.access}" for each in found.shares)
    yield f"shared       {', '.join(shares) or 'with nobody'}"
    for row in found.containers:
        state = row.state if row.health in ("", "none") else f"{row.state}, {row.health}"
        yield f"container    {row.service}.{row.replica} on {row.host}: {state}, {row.image}"
    for each in found.deployments:
        revision = f"revision {each.revision} " if each.revision else ""
        yield f"deployment   {each.started} {each.verb} {revision}by {each.author}: {each.outcome}"
