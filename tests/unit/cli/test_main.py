"""The tables of commands: what they promise in a help is there when it is called."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from nap_compose.cli.calling import root
from nap_compose.cli.lazy import LazyGroup


def commands(group: LazyGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command by the words that lead to it, those of groups in it too."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        yield (*path, name)
        inner = group.get_command(ctx, name)
        if isinstance(inner, LazyGroup):
            yield from commands(inner, (*path, name))


def found(words: tuple[str, ...]) -> tuple[LazyGroup, click.Command]:
    """The group that the last word stands in, and the command itself."""
    group: LazyGroup = root()
    for word in words[:-1]:
        inner = group.get_command(click.Context(group), word)
        assert isinstance(inner, LazyGroup)
        group = inner
    command = group.get_command(click.Context(group), words[-1])
    assert command is not None
    return group, command


@pytest.mark.parametrize("words", [*commands(root())], ids=" ".join)
def test_a_command_of_the_table_is_there_with_help(words: tuple[str, ...]) -> None:
    group, command = found(words)
    assert isinstance(command, click.Command)
    assert command.help, "its own --help says what it does"
    short = group._table[words[-1]][1]
    assert short and not short.endswith("."), "the table's word is a phrase"
    options = [name for param in command.params for name in param.opts if name.startswith("-")]
    assert len(options) == len(set(options)), "no option stands twice"
