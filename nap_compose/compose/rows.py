"""A row of the table of keys: what a key looks like, what it does, and how nap treats it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nap_compose.compose.shapes import Shape


class Treatment(str, Enum):
    """What nap does with a key."""

    APPLIED = "applied"
    TRANSLATED = "translated"
    REFUSED = "refused"
    IGNORED = "ignored"
    """It has no effect, and a warning says so."""


class Merge(str, Enum):
    """How a key of a later file meets the same key of an earlier one."""

    DEFAULT = "mappings merge, lists append, the rest is replaced"
    REPLACE = "the later one replaces the earlier"
    DRIVER = "merged when the drivers agree, else replaced"
    HOSTS = "the addresses of a name append"
    REPLACE_ENTRIES = "mappings merge, each entry is replaced"
    ADD = "the later list, with what an earlier one says of the same things"


class Site(NamedTuple):
    """Where an app is to run: on `cluster` with so many `hosts`; without a name, embedded."""

    cluster: str = ""
    hosts: int = 1


EMBEDDED = Site()


class Entry(NamedTuple):
    """A row of the table.

    `does` says what the key is for, `note` what becomes of it with nap where that isn't plain.
    `treatment` holds embedded, and on a cluster too unless `cluster` says otherwise there; what
    is refused only there is refused only across hosts. With `heeds` only these values are applied,
    and others ignored. `unique` names the rule by which entries of a list are the same. `zero`: an
    empty value says something else than no value, so it is kept.
    """

    key: str
    shape: Shape
    does: str
    treatment: Treatment = Treatment.APPLIED
    note: str = ""
    cluster: Treatment | None = None
    heeds: tuple[Any, ...] = ()
    merge: Merge = Merge.DEFAULT
    unique: str = ""
    zero: bool = False

    def treated(self, value: Any, site: Site) -> Treatment:
        """How nap treats the key with this `value` at `site`."""
        if self.heeds and value not in self.heeds and "$" not in str(value):
            return Treatment.IGNORED
        if not site.cluster or self.cluster is None:
            return self.treatment
        if self.cluster is Treatment.REFUSED and site.hosts == 1:
            return self.treatment
        return self.cluster

    def says(self, value: Any) -> bool:
        """Whether `value` asks for something."""
        return bool(value) or (self.zero and value is not None)

    @property
    def line(self) -> str:
        """What it does, and what nap makes of it."""
        return "; ".join(text for text in (self.does, self.note) if text)


def ignored(key: str, shape: Shape, does: str, note: str, **more: Any) -> Entry:
    """A key without effect; `note` says why, or what to do instead."""
    return Entry(key, shape, does, Treatment.IGNORED, note, **more)


def refused(key: str, shape: Shape, does: str, note: str, **more: Any) -> Entry:
    """A key that nap won't carry out; `note` says why, or what to do instead."""
    return Entry(key, shape, does, Treatment.REFUSED, note, **more)


def not_across_hosts(key: str, shape: Shape, does: str, note: str, **more: Any) -> Entry:
    """A key that is applied where all containers are on one host, and else refused."""
    return Entry(key, shape, does, note=note, cluster=Treatment.REFUSED, **more)


def translated(key: str, shape: Shape, does: str, note: str, **more: Any) -> Entry:
    """A key that comes to something else; `note` says to what."""
    return Entry(key, shape, does, Treatment.TRANSLATED, note, **more)
