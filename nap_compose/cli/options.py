"""The options that every command shares, given before the command or after it.

`nap -f app.yml up` and `nap up -f app.yml` mean the same. Given in both places, lists add up and
of single values the later one counts.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import click

from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass

MODES = ("auto", "tty", "plain", "json", "quiet")
ANSI = ("auto", "never", "always")


@dataclass(frozen=True)
class Options:
    """What the shared options say; empty where they were not given."""

    file: tuple[str, ...] = ()
    project_name: str = ""
    profile: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()
    project_directory: str = ""
    all_resources: bool = False
    cluster: str = ""
    progress: str = ""
    ansi: str = ""
    no_color: bool = False
    debug: bool = False

    def merged(self, given: Mapping[str, Any]) -> Options:
        """These options and then those `given` later in the line."""
        merged: dict[str, Any] = {}
        for each in fields(self):
            mine, later = getattr(self, each.name), given.get(each.name)
            if isinstance(mine, tuple):
                merged[each.name] = mine + tuple(later or ())
            else:
                merged[each.name] = later or mine
        return Options(**merged)

    def progress_mode(self, env: Mapping[str, str]) -> str:
        """`--progress`, `COMPOSE_PROGRESS` or auto."""
        return self.progress or _word(env, "COMPOSE_PROGRESS", MODES)

    def ansi_mode(self, env: Mapping[str, str]) -> str:
        """`--ansi`, `--no-color`, `COMPOSE_ANSI` or auto."""
        return self.ansi or ("never" if self.no_color else _word(env, "COMPOSE_ANSI", ANSI))


def _word(env: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    word = env.get(name) or "auto"
    if word not in words:
        raise WrongUse(f"{name} is '{word}', which is none of {', '.join(words)}")
    return word


def shared(*, short_file: bool = True, short_project: bool = True) -> list[click.Option]:
    """The shared options; without `short_file` for commands where `-f` is something else, without
    `short_project` for those where `-p` is."""
    file = ["-f", "--file"] if short_file else ["--file"]
    project = ["-p", "--project-name"] if short_project else ["--project-name"]
    return [
        _option([*file], multiple=True, metavar="FILE", help="Compose file; several are merged"),
        _option([*project], metavar="NAME", help="The app's name"),
        _option(["--profile"], multiple=True, metavar="NAME", help="Turn on a profile"),
        _option(["--env-file"], multiple=True, metavar="FILE", help="Use this instead of .env"),
        _option(
            ["--project-directory"],
            metavar="DIR",
            callback=_folder,
            help="The app's folder, that paths are relative to",
        ),
        _option(["--all-resources"], is_flag=True, help="Also what no service uses"),
        _option(["--cluster"], metavar="FILE", help="The cluster file, or ssh://MACHINE"),
        _option(["--progress"], type=click.Choice(MODES), help="How progress is shown"),
        _option(["--ansi"], type=click.Choice(ANSI), help="When to use colours"),
        _option(["--no-color"], is_flag=True, help="Use no colours"),
        _option(["--debug"], is_flag=True, help="Show where in nap an error arose"),
    ]


def _folder(ctx: click.Context, _: click.Parameter, name: str | None) -> str | None:
    """A folder that is there: an app would else be named after a slip of the pen."""
    if name and not ctx.resilient_parsing and not os.path.isdir(name):  # noqa: PTH112 (start-up)
        what = "is a file and no folder" if os.path.exists(name) else "isn't there"  # noqa: PTH110
        raise WrongUse(f"--project-directory: {name} {what}")
    return name


def _option(names: list[str], **settings: Any) -> click.Option:
    return click.Option(names, **settings)


Callback = TypeVar("Callback", bound=Callable[..., Any])


def with_shared(
    *, short_file: bool = True, short_project: bool = True
) -> Callable[[Callback], Callback]:
    """Give a command the shared options, and its function the Session with them taken in."""

    def decorate(function: Callback) -> Callback:
        from nap_compose.cli.session import Session

        @functools.wraps(function)
        def run(**given: Any) -> Any:
            session = click.get_current_context().ensure_object(Session)
            session.take(given)
            for each in fields(Options):
                given.pop(each.name, None)
            return function(session, **given)

        # click collects a function's options last first.
        params: list[click.Parameter] = getattr(run, "__click_params__", [])
        options = shared(short_file=short_file, short_project=short_project)
        run.__click_params__ = [*reversed(options), *params]  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate
