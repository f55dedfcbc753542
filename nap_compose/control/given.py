"""Apps that were given to another owner.

On the hosts, in the state store and in the logs an app stands for good under whoever made it: its
volumes, its containers' seals and its history bear that name. Whose it is now stands in the
records, and is put in place of its maker wherever a person names an app or is told of one.

What only looks is content with what was read within the last minute, or ever where the records are
away; what changes something asks the records.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path

from nap_compose.cluster.private_files import make_private_dir, replace_private
from nap_compose.db.records import Records, RecordsAway
from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass

FILE_NAME = "given.json"
FRESH = 60.0
"""Seconds for which a look takes what was read before."""

Key = tuple[str, str]
"""An app: an owner and its name."""


@dataclass(frozen=True)
class GivenApps:
    """`owners`: maker and name → the owner now; `makers` the other way round."""

    owners: Mapping[Key, str] = field(default_factory=dict)
    makers: Mapping[Key, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Iterable[tuple[str, str, str]]) -> GivenApps:
        """From maker, name and owner of each."""
        told = tuple(given)
        return cls(
            {(maker, name): owner for maker, name, owner in told},
            {(owner, name): maker for maker, name, owner in told},
        )

    def owner(self, maker: str, name: str) -> str:
        """Whose the app is that `maker` made."""
        return self.owners.get((maker, name), maker)

    def maker(self, owner: str, name: str) -> str:
        """Under whom `owner`'s app stands. Raises WrongUse where the name is that of an app which
        the owner gave away."""
        if (owner, name) in self.makers:
            return self.makers[owner, name]
        if (owner, name) in self.owners:
            raise WrongUse(
                f"{owner}/{name} was given to {self.owners[owner, name]}, and keeps its name on "
                "the hosts",
                hint=f"an app of your own needs another name (-p NAME); the other one is "
                f"{self.owners[owner, name]}/{name} now",
            )
        return owner


def now(records: Callable[[], Records], folder: Path) -> GivenApps:
    """As the records have it; kept for looks. `records` opens them. Raises RecordsAway."""
    told = [(each.maker, each.name, each.owner) for each in records().given()]
    _keep(folder / FILE_NAME, told)
    return GivenApps.of(told)


def lately(records: Callable[[], Records], folder: Path) -> GivenApps:
    """As it was a minute ago at most, or when the records were last there."""
    path = folder / FILE_NAME
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        told, age = [], FRESH
    if 0 <= age < FRESH:
        return GivenApps.of(map(tuple, told))
    try:
        return now(records, folder)
    except RecordsAway:
        # Kept anew, so that not every look waits for a database that hangs.
        _keep(path, told)
        return GivenApps.of(map(tuple, told))


def _keep(path: Path, told: list[tuple[str, str, str]]) -> None:
    # Without it the next look asks the records again.
    with contextlib.suppress(OSError):
        make_private_dir(path.parent)
        replace_private(path, json.dumps(told))
