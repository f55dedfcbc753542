"""`nap doctor`: whether all is well with the cluster, and what mends what isn't."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Finding

COLOURS = {"fault": "red", "warning": "yellow", "ok": "green", "unknown": "yellow"}


@click.command()
@click.option("--net", "network", is_flag=True, help="Try the way from each host to each other")
@click.option("--isolation", is_flag=True, help="Try which inner ports answer to containers")
@click.option(
    "--image", metavar="IMAGE", help="What the probes are made of (placement.probe_image)"
)
@click.option("-q", "--quiet", is_flag=True, help="Show what needs somebody alone")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def doctor(
    session: Session, network: bool, isolation: bool, image: str | None, quiet: bool, form: str
) -> int:
    """Look after the cluster: hosts, clocks, certificates, managers, and what nap leans on.

    It ends with 1 where something doesn't work, and with 0 where there are warnings alone.
    `--net` and `--isolation` start a small container on each host for as long as they take, and
    look at the engines' disks too.
    """
    from nap_compose.border import DoctorRequest, Grade

    terminal = session.terminal
    wanted = DoctorRequest(network, isolation, image or "")
    with session.control() as control, Interrupt(terminal.tell) as cancel:
        findings = control.check_up(wanted, cancel)
    shown = [each for each in findings if not quiet or each.grade is not Grade.OK]
    if form == "json":
        for finding in shown:
            terminal.say(json.dumps(asdict(finding)))
    else:
        show(shown, terminal)
    return Exit.FAILED if any(each.grade is Grade.FAULT for each in findings) else Exit.DONE


def show(findings: list[Finding], terminal: Terminal) -> None:
    """A line for each finding, and one below it for what mends it."""
    wide = max((len(plain(each.subject)) for each in findings), default=0)
    for each in findings:
        grade = terminal.out_style(f"{each.grade.value:7}", COLOURS[each.grade.value])
        terminal.say(f"{grade}  {plain(each.subject):{wide}}  {plain(each.text)}")
        if each.remedy:
            terminal.say(f"{'':{7 + 2 + wide}}  {plain(each.remedy)}")
