"""A time on the command line: plain seconds, as Compose has it, or with a unit."""

from __future__ import annotations

import re

import click

from nap_compose.units import parse_duration


def seconds(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """The callback of an option: `10` is ten seconds, `1m30s` ninety; never less than none."""
    if text is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if found < 0:
        raise click.BadParameter(f"'{text}' lies in the past")
    return found
