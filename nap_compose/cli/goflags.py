"""Flags written as Go's programs take them: `--orphans=false`, `--wait=true`."""

from __future__ import annotations

from collections.abc import Sequence

import click

_WORDS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def without_values(command: click.Command, words: Sequence[str]) -> list[str]:
    """A command's words with its flags' values read; a flag that is false and has no opposite is
    left out, and so is one that only Compose has, since nap does without it always.

    What is behind `--`, or is itself a command for a container, is nobody's flag.
    """
    options = {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    anywhere = command.context_settings.get(
        "allow_interspersed_args", command.allow_interspersed_args
    )
    rewritten: list[str] = []
    value_next = False
    for at, word in enumerate(words):
        if word == "--" or not (anywhere or value_next or word[:1] == "-"):
            return [*rewritten, *words[at:]]
        name, equals, value = word.partition("=")
        option = options.get(name)
        value_next = option is not None and not (option.is_flag or option.count or equals)
        if value not in _WORDS or not equals:
            rewritten.append(word)
        elif option is None:
            rewritten += [] if _does_without(command, name, value) else [word]
        elif not option.is_flag:
            rewritten.append(word)
        elif _WORDS[value] is (name in option.opts):
            rewritten += option.opts[:1]
        else:
            rewritten += option.secondary_opts[:1]
    return rewritten


def _does_without(command: click.Command, name: str, value: str) -> bool:
    """Whether it refuses a flag of Compose's that nap has no use for."""
    from nap_compose.cli.not_done import OPTIONS

    return not _WORDS[value] and (command.name or "", name) in OPTIONS
