"""`nap db`: the records' database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import RecordsStatus

db = LazyGroup(
    "db",
    table={
        "status": ("nap_compose.cli.db:status", "Show how the records stand"),
        "migrate": ("nap_compose.cli.db:migrate", "Bring the records' tables up to date"),
        "backup": ("nap_compose.cli.db:backup", "Write a backup of the records"),
        "restore": ("nap_compose.cli.db:restore", "Take a backup into an empty database"),
        "rekey": ("nap_compose.cli.db:rekey", "Seal anew with the newest key"),
        "rebuild": ("nap_compose.cli.db:rebuild", "Make the records again from the hosts"),
    },
    help="Look after the records: who runs what, and what became of it.",
)

STANDARD = "-"
_PIECE = 1 << 16


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def status(session: Session, form: str) -> int:
    """Show where the records are, and whether their tables are of this nap's version.

    Ends with 1 where they aren't.
    """
    with session.control() as control:
        found = control.records_status()
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
    else:
        for line in _told(found):
            session.terminal.say(plain(line))
    return Exit.DONE if found.version == found.known else Exit.FAILED


def _told(found: RecordsStatus) -> Iterator[str]:
    yield f"records   {found.database}"
    state = f"{found.version}"
    if found.version == 0:
        state = "none yet; the first change makes the tables, and so does nap db migrate"
    elif found.version < found.known:
        state += f", this nap knows {found.known}: nap db migrate"
    elif found.version > found.known:
        state += f", this nap knows {found.known} alone: bring nap up to date"
    yield f"schema    {state}"
    if found.rows:
        yield "rows      " + ", ".join(f"{table} {count}" for table, count in found.rows.items())
    if found.late:
        yield f"waiting   {found.late} to be entered, from when the database was away"


@click.command()
@with_shared()
def migrate(session: Session) -> None:
    """Bring the records' tables to the version that this nap knows, after a backup of them.

    A SQLite file the first change brings up to date in the same way. A database that the cluster
    file names waits for this, and is only read until then. From then on an older nap only reads.
    """
    with session.control() as control:
        done = control.migrate_records()
    text = f"schema {done.after}"
    if done.before != done.after:
        text += f", it was {done.before}" if done.before else ", made new"
    session.terminal.say(plain(f"{done.database}: {text}"))
    if done.backup:
        session.terminal.say(plain(f"as they were: {done.backup}; nap db restore takes it in"))


@click.command()
@click.argument("where", metavar="FILE")
@with_shared()
def backup(session: Session, where: str) -> None:
    """Write a backup of the records to FILE (- is the standard output).

    It is taken at one moment, whatever others write meanwhile. Models stay encrypted: keep the
    cluster's key file too, elsewhere.
    """
    from nap_compose.cli.cp import write_out
    from nap_compose.cli.written import write_file

    with session.control() as control:
        pieces = control.backup_records()
        if where == STANDARD:
            write_out(session, pieces, "a backup")
            return
        size = write_file(Path(where), pieces, mode=0o600)
    session.terminal.tell(f"{show_size(size)} written to {where}; nap db restore takes it in")


@click.command()
@click.argument("where", metavar="FILE")
@click.option("--replace", is_flag=True, help="Take the place of the records that are there")
@click.option("-y", "--yes", is_flag=True, help="Answer the question with yes")
@with_shared()
def restore(session: Session, where: str, *, replace: bool, yes: bool) -> None:
    """Take the backup in FILE (- is the standard input) into a database that is empty.

    The database may be of another kind than the one that was backed up. A backup that is damaged
    leaves it empty. With --replace the records that are there make room for it, once they are saved
    and somebody has said yes; the audit trail goes on, and must have begun as the backup's.
    """
    with session.control() as control:
        if replace and not yes:
            _ask(session, control.records_status())
        done = control.restore_records(_pieces(where), replace=replace)
    rows = ", ".join(f"{table} {count}" for table, count in done.rows.items() if count)
    where = f" of {done.cluster}" if done.cluster else ""
    session.terminal.say(plain(f"{done.database}: the records{where} of {done.made}"))
    session.terminal.say(plain(f"rows      {rows or 'none'}"))
    if done.saved:
        session.terminal.say(plain(f"as they were: {done.saved}; nap db restore takes it in"))
        session.terminal.tell("nap db rebuild enters what runs and isn't in the backup")
    if done.fault:
        session.terminal.warn(done.fault)


def _ask(session: Session, there: RecordsStatus) -> None:
    """Ask whether the records there may make room. Raises NapError where that isn't said."""
    from nap_compose.cli.losing import agreed, somebody_is_there
    from nap_compose.errors import Interrupted, NapError

    rows = ", ".join(f"{table} {count}" for table, count in there.rows.items() if count)
    question = f"{there.database} holds {rows or 'nothing'}. Shall the backup take its place?"
    if not somebody_is_there(session.terminal):
        raise NapError(
            f"nobody is there to ask: {question}",
            hint="nothing was done. With -y it takes their place",
            exit_code=Exit.UNANSWERED,
        )
    if not agreed(plain(question), session.terminal):
        raise Interrupted("nothing was done")


@click.command()
@with_shared()
def rekey(session: Session) -> int:
    """Seal anew, with the newest key of the key file, what an older one sealed.

    Add a key as the last line of the key file, on every machine of the cluster, then call this
    once. The older lines stay: containers bear their seals.
    """
    with session.control() as control:
        done = control.rekey_records()
    session.terminal.say(
        f"sealed anew: {done.revisions} revisions and {done.files} files in the state store, "
        f"{done.records} revisions in the records"
    )
    if done.busy:
        session.terminal.warn(
            f"{', '.join(done.busy)}: being deployed, so left as it was; call it again later"
        )
    return Exit.LOCKED if done.busy else Exit.DONE


@click.command()
@with_shared()
def rebuild(session: Session) -> int:
    """Make apps, revisions and deployments again that aren't on record.

    Containers' labels say which there are, and the state store holds the models of the last
    revisions. Users, shares, quotas and the audit trail only a backup brings back.
    """
    with session.control() as control:
        done = control.rebuild_records()
    for warning in done.warnings:
        session.terminal.warn(warning)
    apps = ", ".join(done.apps) or "no app"
    counts = f"{done.revisions} revisions and {done.deployments} deployments entered"
    session.terminal.say(plain(f"{apps}: {counts}"))
    if done.bare:
        session.terminal.warn(
            f"of these the model is kept nowhere: {', '.join(done.bare)}; the next nap up keeps it"
        )
    return Exit.PARTIAL if done.warnings else Exit.DONE


def _pieces(file: str) -> Iterator[bytes]:
    from nap_compose.errors import WrongUse

    try:
        with sys.stdin.buffer if file == STANDARD else Path(file).open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece
    except OSError as error:
        raise WrongUse(f"the backup {file} can't be read: {error.strerror}") from None
