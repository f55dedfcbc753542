"""Differences of two models, for a person: a subject, then a line for each of its fields."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from nap_compose.cli.output.terminal import Terminal
from nap_compose.orchestration.differences import Difference
from nap_compose.text import plain


def show_differences(differences: Iterable[Difference], terminal: Terminal) -> None:
    """`+` is new, `-` goes, `~` changes; that nothing differs is said as well."""
    found = list(differences)
    if not found:
        terminal.say("no difference")
    for subject, fields in groupby(found, key=lambda each: each.subject):
        for index, each in enumerate(fields):
            if not each.field:
                terminal.say(_whole(each, terminal))
                continue
            if index == 0:
                terminal.say(terminal.out_style(plain(subject), "bold"))
            terminal.say(f"  {_field(each, terminal)}")


def _whole(each: Difference, terminal: Terminal) -> str:
    sign, colour = ("+", "green") if each.before is None else ("-", "red")
    return terminal.out_style(f"{sign} {plain(each.subject)}", colour)


def _field(each: Difference, terminal: Terminal) -> str:
    name = plain(each.field)
    if each.before is None:
        return terminal.out_style(f"+ {name}: {_value(each.after)}", "green")
    if each.after is None:
        return terminal.out_style(f"- {name}: {_value(each.before)}", "red")
    return terminal.out_style(f"~ {name}: {_value(each.before)} → {_value(each.after)}", "yellow")


def _value(value: str | None) -> str:
    return plain(value or "") or "(empty)"
