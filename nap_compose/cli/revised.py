"""The words of the commands about revisions: `[APP] [REVISION]...`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nap_compose.cli.appname import app_name
from nap_compose.cli.session import Session
from nap_compose.cli.targets import aim
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import Control, Target


def app_and_revisions(
    session: Session, control: Control, words: Sequence[str], *, most: int
) -> tuple[Target, tuple[int, ...]]:
    """The app that is meant, and up to `most` numbers of revisions.

    Where a file or -p gives the app, numbers alone are revisions of it. Raises WrongUse.
    """
    given = app_name(session)
    rest = list(words)
    named = bool(rest) and (given is None or not rest[0].isdecimal())
    target = aim([rest.pop(0)], None, control) if named else aim([], given, control)
    if not target.app:
        raise WrongUse(
            "which app? No Compose file is here, and none was named",
            hint="name one of those that nap ls -a lists",
        )
    if target.slots:
        raise WrongUse(
            f"revisions are of a whole app, and '{words[0]}' names a service",
            hint=f"write {target.app} for the app",
        )
    for word in rest:
        if not word.isdecimal() or not int(word):
            raise WrongUse(
                f"'{word}' is no revision", hint=f"nap history {target.app} lists their numbers"
            )
    if len(rest) > most:
        raise WrongUse(f"{len(rest)} revisions are named, {most} at most are meant")
    return target.target(), tuple(int(word) for word in rest)
