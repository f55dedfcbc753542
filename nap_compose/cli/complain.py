"""Errors as a person reads them: what and where, the next thing to try, and the exit code."""

from __future__ import annotations

import os

import click

from nap_compose.cli.output.terminal import Terminal
from nap_compose.errors import BadFiles, NapError, Place, WrongUse, foreseen
from nap_compose.exits import Exit
from nap_compose.text import nearest, plain

HINT = "     "
WIDEST = 100
"""Characters of a line of a file that are shown."""


def complain(error: Exception, terminal: Terminal, *, debug: bool) -> int:
    """Say what went wrong and give the exit code; with `debug` the traceback comes first."""
    if debug:
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            terminal.tell(plain(line))
    if isinstance(error, BadFiles):
        for fault in error.faults:
            _say(fault, terminal)
        return error.exit_code
    told = foreseen(error) or _of_the_persons_files(error)
    if told is not None:
        _say(told, terminal)
        return told.exit_code
    terminal.tell(_sentence(f"this is a bug in nap: {type(error).__name__}: {error}", terminal))
    if not debug:
        _hint("run it again with --debug to see where it arose, and report that", terminal)
    return Exit.FAILED


def _of_the_persons_files(error: Exception) -> NapError | None:
    """What is to be said of a file that the person may not use, and where the folder that they are
    in was removed meanwhile; None for all else."""
    if isinstance(error, PermissionError) and error.filename:
        return NapError(f"{error.filename} can't be used: {error.strerror}")
    if not isinstance(error, FileNotFoundError):
        return None
    try:
        os.getcwd()  # noqa: PTH109 (start-up)
    except FileNotFoundError:
        return WrongUse(
            "the folder that you are in isn't there any more",
            hint="go to one that is; where it was made anew, `cd .` is enough",
        )
    return None


def complain_of_use(error: click.ClickException, terminal: Terminal) -> int:
    """Say what is wrong with the words on the command line."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        message = _no_such_option(error.option_name, context)
    else:
        message = " ".join(error.format_message().split()).rstrip(".")
    terminal.tell(_sentence(message[:1].lower() + message[1:], terminal))
    if instead := _instead(error, context):
        _hint(instead, terminal)
    elif context is not None:
        # A command within a command may have no name: `nap logs` is one of `nap logs status`.
        words = " ".join(context.command_path.split())
        _hint(f"`{words} --help` shows what there is", terminal)
    return Exit.WRONG_USE


def _no_such_option(name: str, context: click.Context | None) -> str:
    """In words of our own: click's change from one release to the next."""
    params = context.command.params if context else []
    known = [option[2:] for param in params for option in param.opts if option.startswith("--")]
    near = nearest(name.lstrip("-"), known)
    return f"there is no option '{name}'" + (f"; did you mean '--{near}'?" if near else "")


def _instead(error: click.ClickException, context: click.Context | None) -> str:
    """What to do instead of what only Compose has; empty for all else."""
    if not isinstance(error, click.NoSuchOption) or context is None:
        return ""
    from nap_compose.cli.not_done import OPTIONS

    command = context.info_name or "" if context.parent is not None else ""
    return OPTIONS.get((command, error.option_name), "")


def _say(error: NapError, terminal: Terminal) -> None:
    terminal.tell(_sentence(str(error), terminal))
    if error.place and error.place.text:
        for line in excerpt(error.place):
            terminal.tell(f"{HINT}  {line}")
    if error.hint:
        _hint(error.hint, terminal)


def excerpt(place: Place) -> tuple[str, str]:
    """The line at `place`, of a long one the part around it, and a mark under the column."""
    from nap_compose.cli.output.width import shown_width

    line, at = place.text.replace("\t", " "), max(place.column - 1, 0)
    start = max(0, at - WIDEST // 2) if len(line) > WIDEST else 0
    shown = plain(line[start : start + WIDEST].rstrip())
    return shown, " " * shown_width(plain(line[start:at])) + "^"


def _sentence(text: str, terminal: Terminal) -> str:
    lines = [plain(line) for line in text.splitlines() or [""]]
    return terminal.err_style("nap:", "red") + " " + f"\n{HINT}".join(lines)


def _hint(text: str, terminal: Terminal) -> None:
    for line in text.splitlines():
        terminal.tell(HINT + plain(line))
