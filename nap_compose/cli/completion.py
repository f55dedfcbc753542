"""`nap completion SHELL`: the script that teaches a shell nap's words."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@with_shared()
def completion(session: Session, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash, put `eval "$(nap completion bash)"` into ~/.bashrc; for the others likewise.
    """
    from click.shell_completion import get_completion_class

    from nap_compose.cli.calling import root

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    session.terminal.say(found(root(), {}, "nap", "_NAP_COMPLETE").source())
