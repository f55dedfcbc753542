"""`nap backup`: one encrypted archive of all that a cluster's control machine knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import (
        BackingUp,
        BackupContent,
        BackupRestored,
        BackupRow,
        BackupSecret,
    )

backup = LazyGroup(
    "backup",
    table={
        "create": ("nap_compose.cli.backup:create", "Make a backup"),
        "verify": ("nap_compose.cli.backup:verify", "See whether a backup is whole"),
        "ls": ("nap_compose.cli.backup:ls", "List backups"),
        "restore": ("nap_compose.cli.backup:restore", "Bring a backup back"),
    },
    help="Keep all that the cluster's control machine knows, and bring it back.",
)

STANDARD = "-"
COLUMNS = (
    Column("FILE", least=20),
    Column("CLUSTER", least=5, drop=2),
    Column("MADE (UTC)", least=19),
    Column("SIZE", drop=1),
)
F = TypeVar("F", bound=Callable[..., Any])
_key_file: Callable[[F], F] = click.option(
    "--key-file", metavar="FILE", default="", help="What it is encrypted with stands in this file"
)


@click.command()
@click.argument("target", metavar="[FILE]", default="")
@_key_file
@click.option("--container-logs", is_flag=True, help="Also what containers printed")
@with_shared()
def create(session: Session, *, target: str, key_file: str, container_logs: bool) -> None:
    """Make a backup of all control state: cluster file, keys and certificates, records, the state
    store, the logs of deployments.

    It goes into FILE (- is the standard output), or without one into the folder that the cluster
    file names, where older ones make room. It is encrypted with a key file or a passphrase: keep
    that elsewhere. Volumes are not in it.
    """
    from nap_compose.border import BackupRequest

    terminal = session.terminal
    backups = _backups(session)
    secret = _secret(session, backups, key_file, twice=True)
    if target == STANDARD:
        if terminal.out_is_terminal:
            raise WrongUse("a backup isn't for a terminal", hint="send it to a file or a pipe")
        terminal.flush()
        backups.create_into(sys.stdout.buffer, BackupRequest(STANDARD, container_logs), secret)
        sys.stdout.buffer.flush()
        return
    made = backups.create(
        BackupRequest(target, container_logs), secret, lambda text: terminal.tell(plain(text))
    )
    terminal.say(f"{plain(made.file)}: {show_size(made.size)}, {_told(made.content)}")


@click.command()
@click.argument("source", metavar="FILE")
@_key_file
@with_shared()
def verify(session: Session, *, source: str, key_file: str) -> None:
    """Read the whole of a backup, and say what is in it. One that was changed or cut off is
    refused. Nothing is written."""
    backups = _backups(session)
    content = backups.verify(source, _secret(session, backups, key_file))
    session.terminal.say(f"{plain(source)} is whole: {_told(content)}")


@click.command()
@click.argument("folder", metavar="[FOLDER]", default="")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, *, folder: str, form: str) -> None:
    """List the backups in FOLDER, or in the one that the cluster file names, the newest first.

    None is opened: nap backup verify does that.
    """
    terminal = session.terminal
    listing = _backups(session).ls(folder)
    if form == "json":
        for row in listing.rows:
            terminal.say(json.dumps(asdict(row)))
        return
    cells = [_cells(row) for row in listing.rows]
    lines = table_on(terminal, COLUMNS, cells)
    for line in lines:
        terminal.say(line)
    for row in listing.rows:
        if row.problem:
            terminal.warn(f"{row.file}: {row.problem}")
    if not listing.last:
        terminal.warn("the cluster knows of no backup that was made")


@click.command()
@click.argument("source", metavar="FILE")
@_key_file
@click.option("--keep-files", is_flag=True, help="Leave files that are there as they are")
@click.option("-y", "--yes", is_flag=True, help="Put it in the place of what is there")
@with_shared()
def restore(session: Session, *, source: str, key_file: str, keep_files: bool, yes: bool) -> int:
    """Bring a backup back: on a new control machine, with an empty database and state store.

    All of it is read before anything is touched. Nothing on the hosts is started, stopped or
    changed. A state that is alive is left alone, unless -y says to replace it.
    """
    from nap_compose.border import RestoreRequest

    terminal = session.terminal
    backups = _backups(session)
    secret = _secret(session, backups, key_file)
    done = backups.restore(
        RestoreRequest(source, keep_files=keep_files, replace=yes),
        secret,
        lambda text: terminal.tell(plain(text)),
    )
    _tell_restored(session, done)
    return Exit.PARTIAL if done.unseen else Exit.DONE


def _tell_restored(session: Session, done: BackupRestored) -> None:
    terminal = session.terminal
    of = done.content.cluster or "the local engine"
    rows = ", ".join(f"{table} {count}" for table, count in done.rows.items() if count)
    terminal.say(plain(f"{of} as it was on {done.content.made}"))
    terminal.say(f"files     {done.files} written")
    terminal.say(f"state     {done.keys} keys")
    terminal.say(plain(f"records   {rows or 'none'}"))
    terminal.say(f"logs      {done.logs} files")
    for app in done.newer:
        terminal.warn(
            f"{app} runs, which is newer than the backup: bring it up again from its file"
        )
    if done.unseen:
        terminal.warn(
            f"not seen: {', '.join(done.unseen)}; so nobody knows whether what runs there is newer "
            "than the backup. nap host ls shows why"
        )


def _backups(session: Session) -> BackingUp:
    from nap_compose.control.connect import backups

    return backups(session.options.cluster or None, session.env)


def _secret(
    session: Session, backups: BackingUp, key_file: str, *, twice: bool = False
) -> BackupSecret:
    """What it is encrypted with: as the option or the cluster file says, else a person is asked."""
    from nap_compose.border import BackupSecret

    secret = BackupSecret(key_file)
    if not backups.needs_passphrase(secret):
        return secret
    if not (sys.stdin.isatty() and session.terminal.err_is_terminal):
        raise WrongUse(
            "it isn't said what the backup is encrypted with, and nobody is there to ask",
            hint="--key-file FILE, or `backup: {key_file: …}` in the cluster file",
        )
    import getpass

    typed = getpass.getpass("Passphrase: ", stream=sys.stderr)
    if twice and getpass.getpass("Once more: ", stream=sys.stderr) != typed:
        raise WrongUse("the two aren't the same")
    return BackupSecret(passphrase=typed)


def _told(content: BackupContent) -> str:
    of = f"{plain(content.cluster)}, " if content.cluster else ""
    parts = ", ".join(f"{part} {count}" for part, count in content.parts.items() if count)
    return f"{of}made {plain(content.made)}: {parts}"


def _cells(row: BackupRow) -> list[Cell | str]:
    made = row.made.replace("T", " ").partition(".")[0]
    return [row.file, row.cluster or "-", made or Cell("damaged", "red"), show_size(row.size)]
