"""Flags written as Go's programs take them: `--orphans=false`, `--wait=true`."""

from __future__ import annotations

import click

_WORDS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


class GoFlags(click.Command):
    """A command whose flags may be given a value; one that is false and has no opposite is left
    out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, once the flags' values are read."""
        return super().parse_args(ctx, self._without_values(args))

    def _without_values(self, args: list[str]) -> list[str]:
        flags = {
            name: option
            for option in self.params
            if isinstance(option, click.Option) and option.is_flag
            for name in option.opts
        }
        ends = args.index("--") if "--" in args else len(args)
        rewritten: list[str] = []
        for word in args[:ends]:
            name, _, value = word.partition("=")
            if name not in flags or value not in _WORDS:
                rewritten.append(word)
            elif _WORDS[value]:
                rewritten.append(name)
            else:
                rewritten += flags[name].secondary_opts[:1]
        return rewritten + args[ends:]
