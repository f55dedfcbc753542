"""`nap host inspect`: one host, with what runs there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import app_called, plain
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import HostDetail


@click.command()
@click.argument("name", metavar="HOST")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def inspect(session: Session, name: str, form: str) -> int:
    """Show one host: its engine, its room, its labels, and what runs there."""
    with session.control() as control:
        found = control.host(name)
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
    else:
        _show(found, session.terminal)
    if found.row.problem:
        session.terminal.warn(f"host {name}: {found.row.problem}")
    return Exit.DONE if found.row.engine else Exit.PARTIAL


def _show(found: HostDetail, terminal: Terminal) -> None:
    row = found.row
    lines = {"host": row.name, "state": row.state, "endpoint": row.endpoint}
    if row.engine:
        lines |= {
            "engine": f"{row.engine} (API {found.api}, {row.os}/{row.arch})",
            "cpus": f"{row.cpus:g} for replicas" + _kept(f"{found.reserved_cpus:g}"),
            "memory": f"{show_size(row.memory)} for replicas"
            + _kept(show_size(found.reserved_memory)),
            "clock": f"{found.skew:+.1f} s against this machine's",
            "overlay": row.overlay,
            "images": f"{found.images}, {show_size(found.images_size)} in all",
            "networks": f"{found.networks} of nap's",
            "volumes": ", ".join(found.volumes) or "none of nap's",
            "others": f"{found.foreign} containers that aren't nap's",
        }
        if found.failed:
            lines["failed"] = f"kept for a look: {', '.join(found.failed)}"
    if found.upgrade:
        lines["upgrade"] = f"{found.upgrade}: nap host upgrade {row.name} goes on"
    lines["labels"] = ", ".join(f"{k}={v}" for k, v in row.labels.items()) or "none"
    width = max(map(len, lines))
    for key, text in lines.items():
        terminal.say(f"{key:{width}}  {plain(text)}")
    for each in found.containers:
        app = app_called(each.owner, each.app)
        state = each.state if each.health in ("", "none") else f"{each.state}, {each.health}"
        terminal.say(plain(f"  {app}/{each.service}.{each.replica}  {state}  {each.image}"))


def _kept(amount: str) -> str:
    return "" if amount in ("0", "0B") else f", {amount} kept back"
