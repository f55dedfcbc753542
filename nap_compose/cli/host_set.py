"""`nap host label|cordon|activate`: what is set for hosts by command."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import plain


@click.command()
@click.argument("name", metavar="HOST")
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@with_shared()
def label(session: Session, name: str, labels: tuple[str, ...], dry_run: bool) -> None:
    """Give a host labels, which win over the cluster file's; `KEY-` takes one away.

    Constraints and preferences in Compose files ask for them: `node.labels.KEY==VALUE`. What runs
    already isn't moved.
    """
    from nap_compose.border import HostChange

    change = HostChange(name, labels=dict(_pair(word) for word in labels), dry_run=dry_run)
    with session.control() as control:
        control.change_host(change)
    for key, value in change.labels.items():
        text = f"{name}: no label {key}" if value is None else f"{name}: {key}={value}"
        session.terminal.say(plain(f"would set {text}" if dry_run else text))


def _pair(word: str) -> tuple[str, str | None]:
    key, equals, value = word.partition("=")
    if not equals and word.endswith("-"):
        key, taken = word[:-1], None
    elif equals:
        taken = value
    else:
        raise WrongUse(f"'{word}' is no label", hint="write KEY=VALUE, or KEY- to take it away")
    if not key:
        raise WrongUse(f"'{word}' has no key", hint="write KEY=VALUE, or KEY- to take it away")
    return key, taken


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="HOST...")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@with_shared()
def cordon(session: Session, names: tuple[str, ...], dry_run: bool) -> None:
    """Place nothing new on these hosts; what runs there stays."""
    meaning = "nothing new is placed there, what runs there stays"
    _set(session, names, "cordoned", meaning, dry_run=dry_run)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="HOST...")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@with_shared()
def activate(session: Session, names: tuple[str, ...], dry_run: bool) -> None:
    """Use these hosts again, after they were cordoned or drained."""
    _set(session, names, "active", "it takes replicas", dry_run=dry_run)


def _set(
    session: Session, names: tuple[str, ...], state: str, meaning: str, *, dry_run: bool
) -> None:
    from nap_compose.border import HostChange

    with session.control() as control:
        for name in names:
            control.change_host(HostChange(name, state, dry_run=dry_run))
            verb = "would be" if dry_run else "is"
            session.terminal.say(f"{plain(name)} {verb} {state}: {meaning}")
