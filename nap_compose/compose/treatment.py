"""How nap treats what a document asks for: what it ignores, what it refuses, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nap_compose.compose.faults import Path, dotted
from nap_compose.compose.keys import TOP
from nap_compose.compose.rows import EMBEDDED, Entry, Site, Treatment
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table

_STOPS = (Treatment.IGNORED, Treatment.REFUSED)


_SOME_CLUSTER = Site("some", 2)


class Finding(NamedTuple):
    """A key at `path` with its `value`, its row of the table, and how it is treated."""

    path: Path
    value: Any
    entry: Entry
    treatment: Treatment

    @property
    def sentence(self) -> str:
        """What becomes of it, for the person."""
        if self.treatment is Treatment.IGNORED:
            said = f' "{self.value}"' if self.entry.heeds else ""
            return f"{dotted(self.path)}{said} is ignored: {self.entry.note}"
        if self.treatment is Treatment.REFUSED:
            across = "" if self.entry.treatment is Treatment.REFUSED else " across hosts"
            return f"{dotted(self.path)} is not done{across}: {self.entry.note}"
        return f"{dotted(self.path)} is {self.treatment.value}"


def ignored(document: Mapping[str, Any], site: Site | None = None) -> Iterator[Finding]:
    """What of a canonical document has no effect at `site`; None: wherever it is run."""
    for finding in _in_object(document, TOP, (), site or EMBEDDED):
        elsewhere = () if site else (_SOME_CLUSTER,)
        treated = (finding.treatment, *(finding.entry.treated(finding.value, s) for s in elsewhere))
        if all(treatment is Treatment.IGNORED for treatment in treated):
            yield finding


def refused(document: Mapping[str, Any], site: Site) -> Iterator[Finding]:
    """What of a canonical document nap won't carry out at `site`.

    A secret, config or model that no service is granted does no harm, so the grants are refused
    and not the declarations.
    """
    for finding in _in_object(document, TOP, (), site):
        if finding.treatment is Treatment.REFUSED and finding.path[0] in ("services", "x-nap"):
            yield finding


def every_key(value: Any, site: Site, shape: Shape = TOP, path: Path = ()) -> Iterator[Finding]:
    """Each key of a document as it is written, outer ones before what stands in them.

    What is ignored or refused is so with all that stands in it, and counts as one.
    """
    if isinstance(shape, Either):
        shape = shape.by_kind.get(type(value), Shape())
    if isinstance(shape, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from every_key(item, site, shape.item, (*path, index))
    elif isinstance(shape, Table) and isinstance(value, dict):
        for key, entry in value.items():
            yield from every_key(entry, site, shape.entry, (*path, key))
    elif isinstance(shape, Object) and isinstance(value, dict):
        for key, inner in value.items():
            row = shape.entries.get(key)
            if row is None:
                continue
            treatment = row.treated(inner, site)
            yield Finding((*path, key), inner, row, treatment)
            if treatment not in _STOPS:
                yield from every_key(inner, site, row.shape, (*path, key))


def _below(value: Any, shape: Shape, path: Path, site: Site) -> Iterator[Finding]:
    """The findings in `value` that `has_some` says there may be."""
    if isinstance(shape, Either):
        shape = shape.by_kind.get(type(value), Shape())
    if isinstance(shape, Object) and isinstance(value, Mapping):
        yield from _in_object(value, shape, path, site)
    elif isinstance(shape, Table) and isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _below(entry, shape.entry, (*path, key), site)
    elif isinstance(shape, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, shape.item, (*path, index), site)


def _in_object(
    value: Mapping[str, Any], shape: Object, path: Path, site: Site
) -> Iterator[Finding]:
    rows = _telling(shape)
    for key in [key for key in value if key in rows]:
        row, inner = rows[key], value[key]
        if not row.says(inner):
            continue
        treatment = row.treated(inner, site)
        if treatment in _STOPS:
            yield Finding((*path, key), inner, row, treatment)
        else:
            yield from _below(inner, row.shape, (*path, key), site)


_known: dict[Object, Mapping[str, Entry]] = {}


def _telling(shape: Object) -> Mapping[str, Entry]:
    """The rows of an object that may be ignored or refused, or hold something that is.

    They are few, so a document without any is gone through in no time.
    """
    if shape not in _known:
        _known[shape] = {
            key: row for key, row in shape.entries.items() if _stops(row) or has_some(row.shape)
        }
    return _known[shape]


def _stops(row: Entry) -> bool:
    return bool(row.heeds) or row.treatment in _STOPS or row.cluster in _STOPS


def has_some(shape: Shape) -> bool:
    """Whether anything that `shape` takes may be ignored or refused."""
    if isinstance(shape, Object):
        return bool(_telling(shape))
    if isinstance(shape, Either):
        return any(has_some(inner) for inner in shape.shapes)
    if isinstance(shape, Table):
        return has_some(shape.entry)
    return isinstance(shape, Items) and has_some(shape.item)
