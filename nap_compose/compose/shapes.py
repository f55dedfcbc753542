"""What a value in a Compose file may look like, and how it is read.

A shape reads a value into its checked copy: numbers, booleans and sizes may stand as text, since
that is how interpolation leaves them. Short forms (`"8080:80"`) pass through here and become
long ones in `canonical`. The JSON Schema that editors use is made from the same shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nap_compose.compose.faults import Fault, Key
from nap_compose.compose.limits import Budget
from nap_compose.compose.rows import Entry
from nap_compose.compose.scalartypes import Date
from nap_compose.text import nearest

Schema = dict[str, Any]


class Reading:
    """One walk over a document: the `path` where it is, and the `faults` and `warnings` it found.

    `loose`: variables were left as they stand, so a text with a `$` may become anything;
    `as_written`: then values and lists stay in the form that they have in the file, too.
    `canonical`: the document was read once, and zeros may have been left out.
    """

    def __init__(
        self,
        loose: bool = False,
        path: Iterable[Key] = (),
        budget: Budget | None = None,
        *,
        as_written: bool = False,
        canonical: bool = False,
    ) -> None:
        self.loose = loose
        self.as_written = as_written
        self.canonical = canonical
        self.path: list[Key] = list(path)
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.budget = budget or Budget()

    def fault(self, message: str, *more: Key, hint: str | None = None) -> None:
        """Note a fault at the current path, or at `more` below it."""
        self.faults.append(Fault((*self.path, *more), message, hint))

    def unresolved(self, value: Any) -> bool:
        """Whether `value` waits for its variables."""
        return self.loose and isinstance(value, str) and "$" in value


class Shape:
    """Anything: what stands under `x-` keys."""

    takes: tuple[type, ...] = (str, bool, int, float, list, dict, type(None))
    expected = "anything"

    def read(self, value: Any, _reading: Reading) -> Any:
        """The checked copy of `value`; what is wrong with it goes to the reading's faults."""
        return value

    def schema(self) -> Schema:
        """The JSON Schema of what `read` accepts."""
        return {}

    def wrong(self, value: Any, reading: Reading) -> None:
        """Note that `value` is of the wrong kind."""
        reading.fault(f"expected {self.expected}, found {describe(value)}")


def describe(value: Any) -> str:
    """What a value is, in words that someone who writes YAML would use."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Date):
        return f"the date {value.written}, which needs quotes"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else "a text"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


class Items(Shape):
    """A list. `unique`: the same entry twice is a fault."""

    takes = (list,)
    expected = "a list"

    def __init__(self, item: Shape, *, unique: bool = False) -> None:
        self.item = item
        self.unique = unique

    def read(self, value: Any, reading: Reading) -> Any:
        if not isinstance(value, list):
            self.wrong(value, reading)
            return value
        items = []
        for index, entry in enumerate(value):
            reading.path.append(index)
            items.append(self.item.read(entry, reading))
            reading.path.pop()
        if self.unique and len(items) > 1:
            self._check_unique(items, reading)
        return items

    def _check_unique(self, items: list[Any], reading: Reading) -> None:
        seen: set[str] = set()
        for index, entry in enumerate(items):
            known = repr(entry)
            if known in seen:
                reading.fault(f"{describe(entry)} stands in this list twice", index)
            seen.add(known)

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.item.schema()}
        if self.unique:
            schema["uniqueItems"] = True
        return schema


class Table(Shape):
    """A mapping whose keys the user chooses."""

    takes = (dict,)
    expected = "a mapping"

    def __init__(self, entry: Shape, *, keys: str = "") -> None:
        self.entry = entry
        self.keys = keys

    def read(self, value: Any, reading: Reading) -> Any:
        if not isinstance(value, dict):
            self.wrong(value, reading)
            return value
        table = {}
        for key, entry in value.items():
            reading.path.append(key)
            if self.keys and not re.search(self.keys, key):
                reading.fault(
                    f'"{key}" can\'t be a name here', hint="use letters, digits, '.', '_' and '-'"
                )
            table[key] = self.entry.read(entry, reading)
            reading.path.pop()
        return table

    def schema(self) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self.entry.schema()}
        if self.keys:
            schema["propertyNames"] = {"pattern": self.keys}
        return schema


class Nothing(Shape):
    """An empty value."""

    takes = (type(None),)
    expected = "nothing"

    def read(self, value: Any, reading: Reading) -> Any:
        if value is not None:
            self.wrong(value, reading)
        return None

    def schema(self) -> Schema:
        return {"type": "null"}


class Either(Shape):
    """One of several shapes, told apart by the kind of the value."""

    def __init__(self, *shapes: Shape) -> None:
        self.shapes = shapes
        self.expected = " or ".join(dict.fromkeys(shape.expected for shape in shapes))
        self.takes = tuple(kind for shape in shapes for kind in shape.takes)
        self.by_kind: dict[type, Shape] = {}
        for shape in shapes:
            for kind in shape.takes:
                self.by_kind.setdefault(kind, shape)

    def read(self, value: Any, reading: Reading) -> Any:
        shape = self.by_kind.get(type(value))
        if shape is None:
            self.wrong(value, reading)
            return value
        return shape.read(value, reading)

    def schema(self) -> Schema:
        return {"anyOf": [shape.schema() for shape in self.shapes]}


class Object(Shape):
    """A mapping with known keys, and `x-` ones where it is `extensible`. Of the `required` ones
    numbers leave the canonical form where they are 0: `zeros`."""

    takes = (dict,)
    expected = "a mapping"

    def __init__(
        self,
        *entries: Entry,
        required: Iterable[str] = (),
        zeros: bool = False,
        extensible: bool = True,
        what: str = "",
    ) -> None:
        self.entries: Mapping[str, Entry] = {entry.key: entry for entry in entries}
        self.required = tuple(required)
        self.zeros = zeros
        self.extensible = extensible
        self.what = what
        self.readers: dict[str, Callable[[Any, Reading], Any]] = {
            entry.key: entry.shape.read for entry in entries
        }

    def read(self, value: Any, reading: Reading) -> Any:
        if not isinstance(value, dict):
            self.wrong(value, reading)
            return value
        result = {}
        path = reading.path
        readers = self.readers
        for key, entry in value.items():
            path.append(key)
            read = readers.get(key)
            if read is not None:
                result[key] = read(entry, reading)
            elif self.extensible and key.startswith("x-"):
                result[key] = entry
            else:
                self._unknown(key, reading)
            path.pop()
        for key in self.required:
            if key not in value and not (self.zeros and reading.canonical):
                reading.fault(f'"{key}" is missing here')
        return result

    def _unknown(self, key: str, reading: Reading) -> None:
        near = nearest(key, self.entries)
        hint = f"did you mean {near}?" if near else None
        known = "" if near or len(self.entries) > 12 else f"; known are {', '.join(self.entries)}"
        reading.fault(f'unknown key "{key}"{known}', hint=hint)

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {key: entry.shape.schema() for key, entry in self.entries.items()},
            "additionalProperties": False,
        }
        for key, entry in self.entries.items():
            schema["properties"][key]["description"] = entry.line
        if self.required:
            schema["required"] = list(self.required)
        if self.extensible:
            schema["patternProperties"] = {"^x-": {}}
        return schema
