"""`nap images`: the image that each container was made from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.aimed import aimed_at, chosen, holds, refuse_missing
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import dockers
from nap_compose.cli.output.listed import WHOSE, Layout, whose_cells
from nap_compose.cli.output.table import Column
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.output.template.values import Record, as_json
from nap_compose.cli.session import Session, nothing_seen

if TYPE_CHECKING:
    from nap_compose.border import ImageRow

IMAGE_COLUMNS = (
    Column("REPOSITORY", least=10),
    Column("TAG", least=6),
    Column("PLATFORM", drop=4),
    Column("IMAGE ID", drop=3),
    Column("SIZE", drop=2),
    Column("CREATED", drop=5),
)
EMBEDDED_COLUMNS = (Column("CONTAINER", least=10), *IMAGE_COLUMNS)
CLUSTER_COLUMNS = (*WHOSE, *IMAGE_COLUMNS)
NEVER = "0001-01-01T00:00:00Z"


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-q", "--quiet", is_flag=True, help="The images' ids alone, each once")
@format_option()
@with_shared()
def images(session: Session, *, targets: tuple[str, ...], quiet: bool, form: Form) -> int:
    """List the images that containers were made from.

    TARGET is a service where a file or -p gives the app, otherwise an app or app/service.
    """
    terminal = session.terminal
    with session.control() as control:
        me = control.whoami().owner
        aimed = aimed_at(targets, control, session)
        listing = control.images(chosen(aimed, stopped=True))
        if not listing.rows and not listing.warnings:
            refuse_missing(aimed, control, session)
    rows = [row for row in listing.rows if holds(aimed, row.of)]
    for warning in listing.warnings:
        terminal.warn(warning)
    if quiet:
        lines = list(dict.fromkeys(row.id.partition(":")[2] or row.id for row in rows))
    elif form.json:
        lines = [as_json([_record(row) for row in rows])]
    else:
        layout = Layout(EMBEDDED_COLUMNS, lambda row: [row.of.name, *_cells(row)], _record)
        if me:
            layout = Layout(
                CLUSTER_COLUMNS, lambda row: [*whose_cells(row.of, me), *_cells(row)], _record
            )
        lines = layout.lines(rows, form, terminal, width=terminal.out_width())
    for line in lines:
        terminal.say(line)
    return nothing_seen(listing)


def _cells(row: ImageRow) -> list[str]:
    return [
        row.repository or "<none>",
        row.tag or "<none>",
        row.platform,
        row.id.partition(":")[2][:12],
        dockers.decimal_size(row.size),
        _tagged(row.tagged),
    ]


def _tagged(text: str) -> str:
    """How long ago; Python before 3.11 reads neither a Z nor nanoseconds."""
    if not text or text == NEVER:
        return "N/A"
    try:
        return dockers.ago(datetime.fromisoformat(f"{text[:19]}+00:00").timestamp())
    except ValueError:
        return "N/A"


def _record(row: ImageRow) -> Record:
    fields: dict[str, Any] = {
        "ID": row.id,
        "ContainerName": row.of.name,
        "Repository": row.repository,
        "Tag": row.tag,
        "Platform": row.platform,
        "Size": row.size,
        "LastTagTime": row.tagged or NEVER,
        "Owner": row.of.owner,
        "App": row.of.app,
        "Service": row.of.service,
        "Replica": row.of.replica,
        "Host": row.of.host,
    }
    return Record(fields)
