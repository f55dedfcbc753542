"""A case: the same job done by two sides, and how much longer than the other nap may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """What one side runs: arguments, folder, and what its environment has besides ours.

    `before` and `after` are run around it each time, untimed: what makes it ready, and what clears
    it away again.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sides:
    """The two commands that are timed in turn; each must end with 0, and what goes with it too."""

    nap: Command
    peer: Command


Prepare = Callable[[Path], AbstractContextManager[Sides]]
"""Sets up what a case needs in the folder it is given, and clears it away again."""


@dataclass(frozen=True)
class Case:
    """`bar` is the largest ratio of nap's median time to the peer's; None: only shown.

    `start` names the case that does next to nothing: what this one takes beyond it is shown too.
    `runs` are the timed runs of each side; one more of each comes before them, untimed.
    """

    name: str
    what: str
    peer: str
    bar: float | None
    prepare: Prepare
    runs: int = 15
    start: str = ""


class CannotRun(Exception):
    """The case can't run here; the text says what is missing."""


CASES: dict[str, Case] = {}


def case(
    name: str, *, what: str, peer: str, bar: float | None, runs: int = 15, start: str = ""
) -> Callable[[Prepare], Prepare]:
    """Register the function below as the preparation of a case."""

    def register(prepare: Prepare) -> Prepare:
        if name in CASES:
            raise ValueError(f"there are two cases called {name}")
        CASES[name] = Case(name, what, peer, bar, prepare, runs, start)
        return prepare

    return register
