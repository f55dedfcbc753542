"""What a value in a Compose file may look like, and how it is read.

A shape reads a value into its checked copy: numbers, booleans and sizes may stand as text, since
that is how interpolation leaves them. Short forms (`"8080:80"`) pass through here and become
long ones in `canonical`. The JSON Schema that editors use is made from the same shapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Any

from nap_compose.compose import units
from nap_compose.compose.faults import Fault, Key

Schema = dict[str, Any]


@dataclass
class Reading:
    """One walk over a document: where it is, and what it found.

    `loose`: variables were left as they stand, so a text with a `$` may become anything.
    """

    loose: bool = False
    path: list[Key] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

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
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else "a text"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


class Text(Shape):
    """A text. `choices` are the only ones allowed, `pattern` what each must match."""

    takes: tuple[type, ...] = (str,)
    expected = "a text"

    def __init__(
        self, *choices: str, pattern: str = "", expected: str = "", numbers: bool = False
    ) -> None:
        self.choices = choices
        self.pattern = re.compile(pattern) if pattern else None
        self.numbers = numbers
        if numbers:
            self.takes = (str, int, float)
            self.expected = "a text or a number"
        if choices:
            self.expected = "one of " + ", ".join(choices)
        self.expected = expected or self.expected

    def read(self, value: Any, reading: Reading) -> Any:
        if isinstance(value, str):
            allowed = (not self.choices or value in self.choices) and (
                self.pattern is None or self.pattern.search(value)
            )
            if not allowed and not reading.unresolved(value):
                self.wrong(value, reading)
            return value
        if self.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
            return scalar_text(value)
        self.wrong(value, reading)
        return value

    def schema(self) -> Schema:
        schema: Schema = {"type": ["string", "number"] if self.numbers else "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.pattern:
            schema["pattern"] = self.pattern.pattern
        return schema


GO_EXPONENT = 21
"""From this power of ten on Compose writes a float with an exponent."""

_TRUE = ("true", "yes", "y", "on")
_FALSE = ("false", "no", "n", "off")


class Flag(Shape):
    """True or false; `yes` and `on` are read with a warning, as YAML 1.2 doesn't know them."""

    takes = (bool, str)
    expected = "true or false"

    def read(self, value: Any, reading: Reading) -> Any:
        if isinstance(value, bool) or reading.unresolved(value):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if word not in _TRUE + _FALSE:
            self.wrong(value, reading)
            return value
        if word not in ("true", "false"):
            meant = "true" if word in _TRUE else "false"
            reading.warnings.append(f'"{value}" is no boolean in YAML 1.2: write {meant}')
        return word in _TRUE

    def schema(self) -> Schema:
        return {"type": ["boolean", "string"]}


class Whole(Shape):
    """A whole number, or a text that is one. `words` are allowed beside it."""

    takes = (int, str)
    expected = "a whole number"

    def __init__(self, low: int | None = None, high: int | None = None, *words: str) -> None:
        self.low, self.high, self.words = low, high, words
        if low is not None and high is not None:
            self.expected = f"a whole number from {low} to {high}"
        elif low is not None:
            self.expected = f"a whole number, {low} or more"
        if words:
            self.expected += " or " + ", ".join(words)

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value) or (isinstance(value, str) and value in self.words):
            return value
        number = whole(value)
        if number is None or not self._within(number):
            self.wrong(value, reading)
            return value
        return number

    def _within(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )

    def schema(self) -> Schema:
        schema: Schema = {"type": ["integer", "string"]}
        if self.low is not None:
            schema["minimum"] = self.low
        if self.high is not None:
            schema["maximum"] = self.high
        return schema


def whole(value: Any) -> int | None:
    """`value` as a whole number of at most 64 bits, None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,19}", value):
        value = int(value)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


class Number(Shape):
    """A number, or a text that is one."""

    takes = (int, float, str)
    expected = "a number"

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        self.low, self.high = low, high
        if low is not None and high is not None:
            self.expected = f"a number from {low:g} to {high:g}"
        elif low is not None:
            self.expected = f"a number, {low:g} or more"

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value):
            return value
        number = _number(value)
        if (
            number is None
            or (self.low is not None and number < self.low)
            or (self.high is not None and number > self.high)
        ):
            self.wrong(value, reading)
            return value
        return int(number) if float(number).is_integer() else number

    def schema(self) -> Schema:
        schema: Schema = {"type": ["number", "string"]}
        if self.low is not None:
            schema["minimum"] = self.low
        if self.high is not None:
            schema["maximum"] = self.high
        return schema


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(
        r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", value
    ):
        value = float(value)
    if not isinstance(value, (int, float)) or math.isnan(value) or abs(value) > 1e300:
        return None
    return value


class Cut(Number):
    """A number of which only the whole part counts."""

    def read(self, value: Any, reading: Reading) -> Any:
        number = super().read(value, reading)
        return int(number) if isinstance(number, float) else number


class Size(Shape):
    """Bytes, as a number or as `512m`; read into the text of the number, as Compose prints it.

    `number`: a fraction of a byte may be asked for, and is cut off; `text`: it must be a text.
    """

    takes = (int, float, str)
    expected = "a size such as 512m or 1gb"

    def __init__(self, *, number: bool = False, text: bool = False) -> None:
        self.number = number
        self.text = text

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value):
            return value
        number: int | None = None
        if isinstance(value, str):
            number = -1 if value == "-1" else units.size(value)
        elif (
            not self.text
            and _number(value) is not None
            and (self.number or float(value).is_integer())
        ):
            number = int(value)
        if number is None:
            self.wrong(value, reading)
            return value
        return str(number)

    def schema(self) -> Schema:
        return {"type": "string" if self.text else ["number", "string"]}


class Duration(Shape):
    """A time such as `1m30s`, read into the form that Compose prints."""

    takes = (str,)
    expected = "a time such as 10s or 1m30s"

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value):
            return value
        nanoseconds = units.duration(value) if isinstance(value, str) else None
        if nanoseconds is None:
            self.wrong(value, reading)
            return value
        return units.duration_text(nanoseconds)

    def schema(self) -> Schema:
        return {"type": "string"}


class Scalar(Shape):
    """A text, number, boolean or nothing: read into the text that a container would see."""

    takes = (str, int, float, bool, type(None))
    expected = "a text, a number or a boolean"

    def read(self, value: Any, reading: Reading) -> Any:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (bool, int, float)):
            return scalar_text(value)
        self.wrong(value, reading)
        return value

    def schema(self) -> Schema:
        return {"type": ["string", "number", "boolean", "null"]}


def scalar_text(value: bool | float | int) -> str:
    """A YAML scalar as the text that Compose makes of it: `true`, `1`, `1.5`, `1e+10`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    digits = repr(value).replace("-", "").split("e", maxsplit=1)[0].replace(".", "").strip("0")
    power = int(exponent)
    if -4 <= power < GO_EXPONENT or not digits:
        return f"{value:.{max(0, len(digits) - 1 - power)}f}"
    sign = "-" if mantissa.startswith("-") else ""
    head = digits[:1] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{head or '0'}e{'-' if power < 0 else '+'}{abs(power):02d}"


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
        self.keys = re.compile(keys) if keys else None

    def read(self, value: Any, reading: Reading) -> Any:
        if not isinstance(value, dict):
            self.wrong(value, reading)
            return value
        table = {}
        for key, entry in value.items():
            reading.path.append(key)
            if self.keys and not self.keys.search(key):
                reading.fault(
                    f'"{key}" can\'t be a name here', hint="use letters, digits, '.', '_' and '-'"
                )
            table[key] = self.entry.read(entry, reading)
            reading.path.pop()
        return table

    def schema(self) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self.entry.schema()}
        if self.keys:
            schema["propertyNames"] = {"pattern": self.keys.pattern}
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
        return {"oneOf": [shape.schema() for shape in self.shapes]}


class Treatment(str, Enum):
    """What nap does with a key."""

    APPLIED = "applied"
    TRANSLATED = "translated"
    REFUSED = "refused"
    IGNORED = "ignored with a warning"


class Merge(str, Enum):
    """How a key of a later file meets the same key of an earlier one."""

    DEFAULT = "mappings merge, lists append, the rest is replaced"
    REPLACE = "the later one replaces the earlier"
    DRIVER = "merged when the drivers agree, else replaced"
    REPLACE_ENTRIES = "mappings merge, each entry is replaced"


@dataclass(frozen=True)
class Entry:
    """A row of the table of keys: `unique` names the rule by which list entries are the same.

    `zero`: an empty value says something else than no value, so it is kept.
    """

    key: str
    shape: Shape
    does: str = ""
    treatment: Treatment = Treatment.APPLIED
    merge: Merge = Merge.DEFAULT
    unique: str = ""
    zero: bool = False


class Object(Shape):
    """A mapping with known keys, and `x-` ones where it is `extensible`."""

    takes = (dict,)
    expected = "a mapping"

    def __init__(
        self, *entries: Entry, required: Iterable[str] = (), extensible: bool = True, what: str = ""
    ) -> None:
        self.entries: Mapping[str, Entry] = {entry.key: entry for entry in entries}
        self.required = tuple(required)
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
            if key not in value:
                reading.fault(f'"{key}" is missing here')
        return result

    def _unknown(self, key: str, reading: Reading) -> None:
        near = get_close_matches(key, self.entries, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else None
        known = "" if near or len(self.entries) > 12 else f"; known are {', '.join(self.entries)}"
        reading.fault(f'unknown key "{key}"{known}', hint=hint)

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {key: entry.shape.schema() for key, entry in self.entries.items()},
            "additionalProperties": False,
        }
        for key, entry in self.entries.items():
            if entry.does:
                schema["properties"][key]["description"] = entry.does
        if self.required:
            schema["required"] = list(self.required)
        if self.extensible:
            schema["patternProperties"] = {"^x-": {}}
        return schema
