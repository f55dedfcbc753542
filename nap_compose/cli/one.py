"""Commands about one replica: which one is meant, and how such a command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nap_compose.errors import Interrupted, NapError, WrongUse
from nap_compose.exits import Exit

if TYPE_CHECKING:
    from nap_compose.border import Control, Ended, Target
    from nap_compose.cli.session import Session


def one_service(word: str, index: int, control: Control, session: Session) -> Target:
    """The service, or one replica of it, that a word and `--index` name.

    Raises WrongUse where the word names a whole app, or word and index two replicas.
    """
    from nap_compose.border import Target
    from nap_compose.cli.aimed import refuse_unknown_app
    from nap_compose.cli.appname import app_name
    from nap_compose.cli.targets import aim

    aimed = aim([word], app_name(session), control)
    if not aimed.slots:
        refuse_unknown_app(aimed, control, session)
        raise WrongUse(
            f"'{word}' is an app, and one service of it is meant",
            hint=f"name it: {word}/SERVICE; nap ps {word} lists them",
        )
    (slot,) = aimed.slots
    if index and slot.replica not in (0, index):
        raise WrongUse(f"'{word}' and --index {index} name two different replicas")
    return Target(aimed.app, aimed.owner, slot.service, slot.replica or index)


@contextmanager
def own_failures() -> Iterator[None]:
    """A failure of nap's own ends with a code that a command's own end seldom has."""
    try:
        yield
    except Interrupted:
        raise
    except NapError as error:
        error.exit_code = Exit.NO_ANSWER
        raise


def ended(result: Ended, session: Session) -> int:
    """The exit code of a talk; of one that was left, where the process goes on is said."""
    if result.detached:
        where = f" on {result.host}" if result.host else ""
        session.terminal.tell(f"left {result.subject}{where}; it goes on")
    return result.code
