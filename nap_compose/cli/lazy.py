"""A group of commands whose modules are imported only when one of them is run.

Helps and completion are answered from a table, so that they cost no import.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from nap_compose import spared

Row = tuple[str, str]
_BEFORE_COMPOSE = ("compose", "docker", "docker-compose")
"""What fingers type before the command's name."""

FOR_COMMAND = "nap.for_command"
"""Under this a context keeps an option that stood before the command and is the command's own."""


class LazyGroup(click.Group):
    """`table` maps a command's name to where it stands (`module:attribute`) and its short help.
    The help lists them by `sections`, parts of the table with a title each, where those are given.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, Row],
        sections: Mapping[str, Mapping[str, Row]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table = table
        self._sections = sections or {"Commands": table}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but without words the help goes to standard error: it is no result."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, _flags_read(self, args))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands' names, in the table's order."""
        return list(self._table)

    def get_command(
        self,
        ctx: click.Context,
        cmd_name: str,
    ) -> click.Command | None:
        """Import and give one command; None where there is no such."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        return _loaded(ctx, module, attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command names the nearest one."""
        if args and args[0] not in self._table and not ctx.resilient_parsing:
            from nap_compose.text import nearest, plain

            if args[0] in _BEFORE_COMPOSE:
                rest = " ".join(map(plain, args[1:])).removeprefix("compose ") or "up"
                ctx.fail(f"nap is called without '{args[0]}': nap {rest}")
            from nap_compose.cli.not_done import COMMANDS

            if args[0] in COMMANDS and ctx.parent is None:
                ctx.fail(f"there is no command '{args[0]}': {COMMANDS[args[0]]}")
            near = nearest(args[0], self._table)
            hint = f"; did you mean '{near}'?" if near else ""
            ctx.fail(f"there is no command '{plain(args[0])}'{hint}")
        name, command, words = super().resolve_command(ctx, args)
        read = _flags_read(command, words) if command else words
        return name, command, [*filter(None, [ctx.meta.pop(FOR_COMMAND, "")]), *read]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """The lists of commands, from the table; all texts begin in one column."""
        widest = max(map(len, self._table))
        for title, rows in self._sections.items():
            with formatter.section(title):
                listed = [(name.ljust(widest), text) for name, (_, text) in rows.items()]
                formatter.write_dl(listed)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands that begin so, then the options, without importing a command."""
        commands = [
            CompletionItem(name, help=text)
            for name, (_, text) in self._table.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


def _flags_read(command: click.Command, words: list[str]) -> list[str]:
    """A command's words, with flags that are given a value as Go's programs take them read."""
    if not any(word[:1] == "-" and "=" in word for word in words):
        return words
    from nap_compose.cli.goflags import without_values

    return without_values(command, words)


class VerbGroup(LazyGroup):
    """A command with further ones under it: `nap logs shop` beside `nap logs status`.

    `usual` is the command that is meant where the first word is none of the table's.
    """

    def __init__(self, *args: Any, usual: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._usual = usual

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with the usual command in front where no other is named."""
        if args in (["--help"], ["-h"]):
            return super().parse_args(ctx, args)
        if not (args and args[0] in self._table):
            args = ["", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Its commands that begin so, then what the usual one offers."""
        command = self.get_command(ctx, "")
        usual = command.shell_complete(ctx, incomplete) if command else []
        return super().shell_complete(ctx, incomplete) + usual

    def get_help(self, ctx: click.Context) -> str:
        """The usual command's, and which others there are."""
        command = self.get_command(ctx, "")
        if command is None:
            return super().get_help(ctx)
        help_of_usual = command.get_help(
            click.Context(command, parent=ctx.parent, info_name=ctx.info_name)
        )
        formatter = ctx.make_formatter()
        self.format_commands(ctx, formatter)
        return f"{help_of_usual}\n\n{formatter.getvalue()}".rstrip()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The usual command goes by no name."""
        if cmd_name:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._usual.partition(":")
        return _loaded(ctx, module, attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does."""
        if args and not args[0]:
            return "", self.get_command(ctx, ""), args[1:]
        return super().resolve_command(ctx, args)


def _loaded(ctx: click.Context, module: str, attribute: str) -> click.Command:
    """A command, imported. A shell that completes it is told what its arguments stand for."""
    with spared.patterns:
        command: click.Command = getattr(importlib.import_module(module), attribute)
    if ctx.resilient_parsing:
        from nap_compose.cli.completing import complete

        complete(command.params)
    return command
