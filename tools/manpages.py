"""nap's man pages, from its commands as they are: `python tools/manpages.py FOLDER`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import nap_compose
from nap_compose.cli.calling import root
from nap_compose.cli.commands import SECTIONS

FILES = (
    ("/etc/nap/cluster.yml", "the cluster; without it nap works on the local engine alone"),
    ("$XDG_STATE_HOME/nap", "what nap keeps where there is no cluster"),
)


def pages() -> Iterator[tuple[str, str]]:
    """Every page: its name, such as `nap-host-ls`, and its text for man(7)."""
    top = root()
    context = click.Context(top, info_name="nap")
    yield "nap", _page(top, context, _sections())
    for name in top.list_commands(context):
        yield from _of(top.get_command(context, name), name, context)


def _of(
    command: click.Command | None, name: str, parent: click.Context
) -> Iterator[tuple[str, str]]:
    if command is None or command.hidden:
        return
    context = click.Context(command, info_name=name, parent=parent)
    yield context.command_path.replace(" ", "-"), _page(command, context, [])
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _of(command.get_command(context, below), below, context)


def _page(command: click.Command, context: click.Context, more: list[str]) -> str:
    path = context.command_path
    name = path.replace(" ", "-")
    # A group that means a command of its own when none is named is described by that one.
    usual = command.get_command(context, "") if isinstance(command, click.Group) else None
    shown = usual or command
    told = inspect.cleandoc(shown.help or command.help or "").split("\n\n")
    lines = [
        f'.TH {_plain(name.upper())} 1 "" "nap {nap_compose.__version__}" "nap"',
        ".SH NAME",
        f"{_plain(name)} \\- {_plain(_first(command, told))}",
        ".SH SYNOPSIS",
        f".B {_plain(path)}",
        _plain(" ".join(shown.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(told),
        *_options(shown, context),
        *more,
        *(_commands(command, context) if not more else []),
        ".SH EXIT STATUS",
        "0 when all is as it was asked for; docs/exit\\-codes.md lists the others.",
        *_see_also(path),
    ]
    return "\n".join(lines) + "\n"


def _first(command: click.Command, told: list[str]) -> str:
    text = command.short_help or told[0] or command.name or ""
    return " ".join(text.split()).rstrip(".").partition(". ")[0]


def _paragraphs(told: list[str]) -> Iterator[str]:
    for number, paragraph in enumerate(told):
        if number:
            yield ".PP"
        kept = paragraph.startswith("\b")
        text = paragraph.lstrip("\b\n")
        if kept:
            yield from (".nf", *map(_plain, text.splitlines()), ".fi")
        else:
            yield _plain(" ".join(text.split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    found = [each.get_help_record(context) for each in command.get_params(context)]
    records = [each for each in found if each]
    if records:
        yield ".SH OPTIONS"
    for words, text in records:
        yield from (".TP", f".B {_plain(words)}", _plain(text))


def _commands(command: click.Command, context: click.Context) -> Iterator[str]:
    if not isinstance(command, click.Group):
        return
    yield ".SH COMMANDS"
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            text = inspect.cleandoc(below.short_help or below.help or "")
            yield from (".TP", f".B {_plain(name)}", _plain(text.partition("\n\n")[0]))


def _sections() -> list[str]:
    lines = []
    for title, rows in SECTIONS.items():
        lines.append(f".SH {_plain(title.upper())}")
        for name, (_, text) in rows.items():
            lines += [".TP", f".B {_plain(name)}", _plain(text)]
    lines.append(".SH FILES")
    for file, text in FILES:
        lines += [".TP", f".I {_plain(file)}", _plain(text)]
    return lines


def _see_also(path: str) -> list[str]:
    above = path.rpartition(" ")[0].replace(" ", "-")
    return [".SH SEE ALSO", f".BR {_plain(above)} (1)"] if above else []


def _plain(text: str) -> str:
    """Text that man(7) takes for no request of its own."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    lines = [f"\\&{line}" if line[:1] in (".", "'") else line for line in safe.splitlines()]
    return "\n".join(lines)


def main(folder: Path) -> None:
    """Write them all into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / f"{name}.1").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
