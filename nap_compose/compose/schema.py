"""The JSON Schema of a Compose file as nap reads it, for editors; made from the table of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from nap_compose.compose.keys import TOP
from nap_compose.compose.rows import Entry
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) that accepts what the loader's own check accepts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Compose file",
        **TOP.schema(),
    }


class Row(NamedTuple):
    """A row of the table of keys, and the keys that lead to it.

    `*` stands for a name that users choose, `[]` for the entries of a list.
    """

    path: tuple[str, ...]
    entry: Entry


def rows(shape: Shape = TOP, path: tuple[str, ...] = ()) -> Iterator[Row]:
    """Every row of the table, each before those that stand in it."""
    if isinstance(shape, Object):
        for key, entry in shape.entries.items():
            yield Row((*path, key), entry)
            yield from rows(entry.shape, (*path, key))
    elif isinstance(shape, Either):
        for each in shape.shapes:
            yield from rows(each, path)
    elif isinstance(shape, Table):
        yield from rows(shape.entry, (*path, "*"))
    elif isinstance(shape, Items):
        yield from rows(shape.item, (*path, "[]"))
