"""`nap export`: a container's file system as a tar."""

from __future__ import annotations

from pathlib import Path

import click

from nap_compose.cli.cp import write_out
from nap_compose.cli.one import one_service
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.written import write_file


@click.command()
@click.argument("target", metavar="TARGET")
@click.option("-o", "--output", metavar="FILE", help="Write it there, not to standard output")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@with_shared()
def export(session: Session, *, target: str, output: str | None, index: int | None) -> None:
    """Write a container's file system, volumes left out, as a tar stream.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE.
    """
    with session.control() as control:
        pieces = control.export(one_service(target, index or 0, control, session))
        if output is None:
            write_out(session, pieces, "a tar stream")
        else:
            write_file(Path(output), pieces)
