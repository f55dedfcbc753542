"""What a shell offers for a TARGET, an app or a host, while the person types.

The hosts are asked, but no longer than a moment: what doesn't answer in time isn't offered. A
Compose file's services are found at a glance, without reading YAML.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from nap_compose.border import Control
    from nap_compose.cli.session import Session

MOMENT = 1.5
"""Seconds that a person at the keyboard waits at the most."""
_SERVICES = re.compile(r"^services:[ \t]*(?:#.*)?\n((?:(?:[ \t].*|[ \t]*#.*|[ \t]*)\n?)*)", re.M)
_KEY = re.compile(r"""^([ ]+)["']?([A-Za-z0-9][\w.-]*)["']?:(?:\s|$)""", re.M)

Found = TypeVar("Found")


class Words(click.types.StringParamType):
    """A word that the shell can offer; `words(session, incomplete)` gives those that there are."""

    name = "text"

    def __init__(self, words: Callable[[Session, str], Iterable[str]]) -> None:
        self._words = words

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Those that begin so."""
        del param
        return _items(self._words(_session(ctx), incomplete), incomplete)


def complete(params: Iterable[click.Parameter]) -> None:
    """Let the shell offer what an argument stands for, which the word in its help says."""
    for param in params:
        if isinstance(param, click.Argument) and param.type is click.STRING:
            word = re.search(r"[A-Z]+", param.metavar or (param.name or "").upper())
            if word and word[0] in _BY_WORD:
                param.type = _BY_WORD[word[0]]


def _session(ctx: click.Context) -> Session:
    """The session with the options that stand in the line so far."""
    from nap_compose.cli.session import Session

    session = ctx.ensure_object(Session)
    above = ctx.parent
    contexts = [ctx]
    while above is not None:
        contexts.insert(0, above)
        above = above.parent
    for each in contexts:
        session.options = session.options.merged(each.params)
    return session


def _given_app(session: Session) -> str | None:
    from nap_compose.cli.appname import app_name
    from nap_compose.errors import NapError

    try:
        return app_name(session)
    except NapError:
        return None


def _apps(session: Session) -> list[str]:
    def ask(control: Control) -> list[str]:
        me = control.whoami().owner
        rows = control.apps().rows
        return [row.app if row.owner == me else f"{row.owner}/{row.app}" for row in rows]

    return _asked(session, ask) or []


def _services_of(session: Session, app: str) -> list[str]:
    """The services of `app` or `owner/app` that have containers."""

    def ask(control: Control) -> list[str]:
        from nap_compose.border import Target as Of

        owner, _, name = app.rpartition("/")
        whose = owner or control.whoami().owner
        rows = control.ps(Of(name, whose), stopped=True).rows
        return list(dict.fromkeys(row.service for row in rows))

    return _asked(session, ask) or []


def _in_file(session: Session) -> list[str]:
    """The services of the Compose files, as far as they can be told at a glance."""
    from nap_compose.cli.appname import file_paths

    names: dict[str, None] = {}
    for path in file_paths(session):
        try:
            text = Path(path).read_text("utf-8", "replace")
        except OSError:
            continue
        for block in _SERVICES.findall(text):
            keys = _KEY.findall(block)
            least = min((len(indent) for indent, _ in keys), default=0)
            names |= dict.fromkeys(name for indent, name in keys if len(indent) == least)
    return list(names)


def _asked(session: Session, question: Callable[[Control], Found]) -> Found | None:
    """The answer, if it comes in a moment. The thread is a daemon: who hangs holds up nobody."""
    from nap_compose.errors import NapError

    found: list[Found] = []

    def ask() -> None:
        try:
            found.append(question(session.connect(session.options.cluster or None, session.env)))
        except NapError:
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(MOMENT)
    return found[0] if found else None


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name)
        for name in sorted(set(names))
        if name.startswith(incomplete) and name.isprintable() and " " not in name
    ]


def _targets(session: Session, incomplete: str) -> Iterable[str]:
    """Services of the app that is given, else apps, and after a slash an app's services."""
    given = _given_app(session)
    if given and "/" not in incomplete:
        return [*_services_of(session, given), *_in_file(session)]
    app, slash, _ = incomplete.rpartition("/")
    if not slash:
        return _apps(session)
    return (f"{app}/{service}" for service in _services_of(session, app))


def _hosts(session: Session) -> Iterable[str]:
    """The cluster's hosts, whether they answer or not."""
    return _asked(session, lambda control: [row.name for row in control.hosts().rows]) or ()


TARGET = Words(_targets)
"""`[owner/]app[/service[.N]]`; where a file or `-p` gives the app, one of its services."""

_SERVICE = Words(lambda session, _: _in_file(session))

_BY_WORD: Mapping[str, Words] = {
    "TARGET": TARGET,
    "APP": Words(lambda session, _: _apps(session)),
    "SERVICE": _SERVICE,
    "SERVICES": _SERVICE,
    "HOST": Words(lambda session, _: _hosts(session)),
}
