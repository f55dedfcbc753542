"""The `nap` command: reads its words, runs one verb, and turns every end into an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

import click

import nap_compose
from nap_compose.cli import GARBAGE
from nap_compose.cli.commands import COMMANDS, SECTIONS
from nap_compose.cli.complain import complain, complain_of_use
from nap_compose.cli.lazy import FOR_COMMAND, LazyGroup
from nap_compose.cli.options import shared
from nap_compose.cli.output.terminal import OutputClosed
from nap_compose.cli.session import Session
from nap_compose.exits import Exit

SIGPIPE = 141
"""How a shell reports a program that nobody listened to any more: 128 and the signal's number."""


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.ensure_object(Session).terminal.say(f"nap {nap_compose.__version__}")
        ctx.exit()


def _dry_run(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """As Compose takes it, before the command: it is handed on to that."""
    if wanted:
        ctx.meta[FOR_COMMAND] = "--dry-run"


def _root(**given: Any) -> None:
    """Compose for a shared cluster of Docker hosts."""
    click.get_current_context().ensure_object(Session).take(given)


def root() -> LazyGroup:
    """The group of all commands."""
    version = click.Option(
        ["-v", "--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help="Show nap's version and end",
    )
    dry_run = click.Option(
        ["--dry-run"], is_flag=True, expose_value=False, callback=_dry_run, hidden=True
    )
    return LazyGroup(
        "nap",
        table=COMMANDS,
        sections=SECTIONS,
        callback=_root,
        help=_root.__doc__,
        params=[*shared(), version, dry_run],
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def call(words: list[str], session: Session | None) -> int:
    """Run the command that the words mean and give its exit code."""
    if session is not None:
        return _guarded(words, session)
    _show_what_the_terminal_can_not()
    gc.set_threshold(GARBAGE, 20, 50)
    try:
        return _guarded(words, Session())
    finally:
        # The process ends here. Without this Python looks through all that it has once more,
        # which takes a tenth of a short command's time and frees nothing.
        gc.freeze()


def _guarded(words: list[str], session: Session) -> int:
    """The exit code, whatever happens on the way to it."""
    terminal = session.terminal
    try:
        code = _run(words, session)
        terminal.flush()
    except OutputClosed:
        _forget_output()
        return SIGPIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        code = complain(error, terminal, debug=session.options.debug or "--debug" in words)
        if not terminal.is_taken():
            _forget_output()
    return code


def _run(words: list[str], session: Session) -> int:
    try:
        ended = root().main(words, prog_name="nap", obj=session, standalone_mode=False)
    except click.ClickException as error:
        return complain_of_use(error, session.terminal)
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    return int(ended or 0)


def _show_what_the_terminal_can_not() -> None:
    """Signs that the terminal's encoding lacks are shown as escapes instead of ending nap."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """What is left to print goes nowhere: Python would complain once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
