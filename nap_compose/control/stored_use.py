"""What volumes in the cluster's storage may hold, as quotas count it: their own limits, and of one
that has none what is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nap_compose.control.parts import Parts
from nap_compose.plaindata import dataclass

Key = tuple[str, str]
"""An app: under whom it stands, and its name."""


@dataclass(frozen=True)
class StoredVolume:
    """A volume that is there: its `folder`, the most bytes that it may hold (0: any number), and
    what counts of it."""

    folder: str
    limit: int
    counts: int


Stored = Mapping[Key, tuple[StoredVolume, ...]]


def look(parts: Parts, wanted: Callable[[Key], bool]) -> Stored:
    """The volumes of the wanted apps, also those that no host and no file knows any more. Raises
    Away where the storage can't be asked, NapError where it isn't mounted here."""
    pool = parts.pool
    if pool is None:
        return {}
    pool.check_reached()
    found: dict[Key, list[StoredVolume]] = {}
    for folder in pool.all():
        owner, app, _ = folder.split("/")
        if not wanted((owner, app)):
            continue
        limit = pool.limit_of(folder)
        if limit is not None:
            counts = limit or pool.holds(folder)
            found.setdefault((owner, app), []).append(StoredVolume(folder, limit, counts))
    return {key: tuple(volumes) for key, volumes in found.items()}


def amounts(stored: Stored) -> dict[Key, int]:
    """Bytes that count, by app."""
    return {key: sum(each.counts for each in volumes) for key, volumes in stored.items()}
