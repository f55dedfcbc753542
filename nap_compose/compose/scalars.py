"""Shapes of single values: texts, numbers, booleans, sizes, times, file modes."""

from __future__ import annotations

import math
import re
from typing import Any

from nap_compose.compose import units
from nap_compose.compose.shapes import Reading, Schema, Shape


class Text(Shape):
    """A text. `choices` are the only ones allowed, `pattern` what each must match, `numbers`
    the kinds of numbers that are taken as well.
    """

    takes: tuple[type, ...] = (str,)
    expected = "a text"

    def __init__(
        self,
        *choices: str,
        pattern: str = "",
        expected: str = "",
        numbers: tuple[type, ...] = (),
    ) -> None:
        self.choices = choices
        self.pattern = pattern
        self.numbers = numbers
        if numbers:
            self.takes = (str, *numbers)
            self.expected = "a text or a number"
        if choices:
            self.expected = ("one of " if len(choices) > 1 else "") + ", ".join(choices)
        self.expected = expected or self.expected

    def read(self, value: Any, reading: Reading) -> Any:
        if type(value) is str:
            allowed = (not self.choices or value in self.choices) and (
                not self.pattern or re.search(self.pattern, value)
            )
            if not allowed and not reading.unresolved(value):
                self.wrong(value, reading)
            return value
        if type(value) in self.numbers:
            return value if reading.as_written else scalar_text(value)
        self.wrong(value, reading)
        return value

    def schema(self) -> Schema:
        more = [kind for kind, of in (("number", int), ("boolean", bool)) if of in self.numbers]
        schema: Schema = {"type": ["string", *more] if more else "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.pattern:
            schema["pattern"] = self.pattern
        return schema


GO_EXPONENT = 6
"""From this power of ten on Compose writes a float with an exponent."""

_TRUE = ("true", "yes", "y", "on")
_FALSE = ("false", "no", "n", "off")


class Flag(Shape):
    """True or false; `yes` and `on` are read with a warning, as YAML 1.2 doesn't know them.

    `strict`: nothing but a boolean will do.
    """

    takes = (bool, str)
    expected = "true or false"

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict

    def read(self, value: Any, reading: Reading) -> Any:
        if isinstance(value, bool) or reading.unresolved(value):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if self.strict or word not in _TRUE + _FALSE:
            self.wrong(value, reading)
            return value
        if word not in ("true", "false"):
            meant = "true" if word in _TRUE else "false"
            reading.warnings.append(f'"{value}" is no boolean in YAML 1.2: write {meant}')
        return value if reading.as_written else word in _TRUE

    def schema(self) -> Schema:
        return {"type": "boolean" if self.strict else ["boolean", "string"]}


class Whole(Shape):
    """A whole number, or a text that is one unless `strict`. `words` are allowed beside it."""

    takes = (int, str)
    expected = "a whole number"

    def __init__(
        self, low: int | None = None, high: int | None = None, *words: str, strict: bool = False
    ) -> None:
        self.low, self.high, self.words, self.strict = low, high, words, strict
        if low is not None and high is not None:
            self.expected = f"a whole number from {low} to {high}"
        elif low is not None:
            self.expected = f"a whole number, {low} or more"
        if words:
            self.expected += " or " + ", ".join(words)

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value) or (isinstance(value, str) and value in self.words):
            return value
        number = None if self.strict and isinstance(value, str) else whole(value)
        if number is None or not self._within(number):
            self.wrong(value, reading)
            return value
        return value if reading.as_written else number

    def _within(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )

    def schema(self) -> Schema:
        schema: Schema = {"type": "integer" if self.strict else ["integer", "string"]}
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
    """A number, or a text that is one unless `strict`."""

    takes = (int, float, str)
    expected = "a number"

    def __init__(
        self, low: float | None = None, high: float | None = None, *, strict: bool = False
    ) -> None:
        self.low, self.high, self.strict = low, high, strict
        if low is not None and high is not None:
            self.expected = f"a number from {low:g} to {high:g}"
        elif low is not None:
            self.expected = f"a number, {low:g} or more"

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value):
            return value
        number = None if self.strict and isinstance(value, str) else _number(value)
        if (
            number is None
            or (self.low is not None and number < self.low)
            or (self.high is not None and number > self.high)
        ):
            self.wrong(value, reading)
            return value
        if reading.as_written:
            return value
        return int(number) if float(number).is_integer() else number

    def schema(self) -> Schema:
        schema: Schema = {"type": "number" if self.strict else ["number", "string"]}
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
    """A number of which only the whole part counts; as a text it must be whole."""

    def read(self, value: Any, reading: Reading) -> Any:
        if isinstance(value, str) and not reading.unresolved(value) and whole(value) is None:
            self.wrong(value, reading)
            return value
        number = super().read(value, reading)
        return int(number) if isinstance(number, float) and not reading.as_written else number


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
        return value if reading.as_written else str(number)

    def schema(self) -> Schema:
        return {"type": "string" if self.text else ["number", "string"]}


class Mode(Shape):
    """A file's mode: octal digits as a text, or the number they are; read into `"0440"`."""

    takes = (int, str)
    expected = "a file mode such as 0440"

    def read(self, value: Any, reading: Reading) -> Any:
        if reading.unresolved(value):
            return value
        octal = isinstance(value, str) and re.fullmatch(r"[0-7]{1,6}", value)
        number = int(value, 8) if octal else value
        if isinstance(number, bool) or not isinstance(number, int):
            self.wrong(value, reading)
            return value
        return value if reading.as_written else f"0{number:o}"

    def schema(self) -> Schema:
        return {"type": ["integer", "string"]}


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
        return value if reading.as_written else units.duration_text(nanoseconds)

    def schema(self) -> Schema:
        return {"type": "string"}


class Scalar(Shape):
    """A text, number, boolean or nothing: read into the text that a container would see."""

    takes = (str, int, float, bool, type(None))
    expected = "a text, a number or a boolean"

    def read(self, value: Any, reading: Reading) -> Any:
        if value is None or type(value) is str:
            return value
        if isinstance(value, (bool, int, float)):
            return value if reading.as_written else scalar_text(value)
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
    from decimal import Decimal

    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    exponent = len(text) - 1 + int(power)
    minus = "-" if sign else ""
    if value and not -5 < exponent < GO_EXPONENT:
        point = "." + text[1:] if len(text) > 1 else ""
        return f"{minus}{text[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return f"{minus}{abs(value):.{max(0, -int(power))}f}"
