"""`nap help`: the help of nap, or of one of its commands."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@with_shared()
def show_help(session: Session, words: tuple[str, ...]) -> None:
    """Show what nap can do, or how to use one command."""
    context = click.get_current_context().find_root()
    for word in words:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"'{context.command_path}' has no commands of its own", context)
        name, command, _ = group.resolve_command(context, [word])
        if command is None:
            raise click.UsageError(f"there is no command '{word}'", context)
        context = click.Context(command, parent=context, info_name=name)
    session.terminal.say(context.get_help())
