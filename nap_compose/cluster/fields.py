"""Fields of a YAML file read by type, each fault noted with its line and column.

A Field takes a YAML node and gives the value, or BAD after it has noted why not; so one reading
finds every fault of a file. Nothing here imports the YAML library: nodes say what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from nap_compose.errors import BadFile, Place
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest, plain
from nap_compose.units import parse_duration, parse_size

NULL = "tag:yaml.org,2002:null"


class Node(Protocol):
    """A node of a YAML tree, as PyYAML composes it: `id` is scalar, sequence or mapping."""

    id: ClassVar[str]
    tag: str
    value: Any
    start_mark: Any


class _Bad:
    """What a Field gives when it has noted a fault."""

    def __repr__(self) -> str:
        return "BAD"


BAD = _Bad()


@dataclass
class Reading:
    """A file that is being read: its name, the folder its paths are relative to, its faults."""

    file: str
    folder: Path
    faults: list[BadFile] = field(default_factory=list)

    def fault(self, node: Node, path: str, message: str, hint: str | None = None) -> _Bad:
        """Note a fault at `node`, whose dotted `path` is part of the message."""
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        text = f"{path}: {message}" if path else message
        self.faults.append(BadFile(plain(text), place=place, hint=hint))
        return BAD


Field = Callable[["Node", str, Reading], Any]


def text(node: Node, path: str, reading: Reading) -> Any:
    """A scalar as it is written: `7` and `on` are text where text is wanted."""
    if node.id != "scalar" or node.tag == NULL:
        return reading.fault(node, path, f"expected text, found {_kind(node)}")
    return str(node.value)


def matching(pattern: str, expected: str) -> Field:
    """Text of which all fits the regular expression; `expected` says so in words."""
    compiled = re.compile(pattern)

    def read(node: Node, path: str, reading: Reading) -> Any:
        value = text(node, path, reading)
        if value is BAD or compiled.fullmatch(value):
            return value
        return reading.fault(node, path, f"'{value}' is not {expected}")

    return read


def one_of(*words: str) -> Field:
    """One of a few words."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        value = text(node, path, reading)
        if value is BAD or value in words:
            return value
        return reading.fault(
            node, path, f"'{value}' is none of {', '.join(words)}", _did_you_mean(value, words)
        )

    return read


def parsed(parse: Callable[[str], Any]) -> Field:
    """Text that `parse` makes a value of; its ValueError is the fault."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        value = text(node, path, reading)
        if value is BAD:
            return BAD
        try:
            return parse(value)
        except ValueError as error:
            return reading.fault(node, path, str(error))

    return read


size = parsed(parse_size)
duration = parsed(parse_duration)


def boolean(node: Node, path: str, reading: Reading) -> Any:
    """`true` or `false`, and nothing that merely looks like it."""
    if node.id == "scalar" and node.value in ("true", "false"):
        return node.value == "true"
    return reading.fault(node, path, f"expected true or false, found {_kind(node)}")


def number(parse: Callable[[str], float], least: float, most: float) -> Field:
    """A number within both ends, read by `int` or `float`."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        value = text(node, path, reading)
        if value is BAD:
            return BAD
        try:
            amount = parse(value)
        except ValueError:
            return reading.fault(node, path, f"'{value}' is no number")
        if least <= amount <= most:
            return amount
        return reading.fault(node, path, f"{value} is not from {least:g} to {most:g}")

    return read


def path_to(node: Node, path: str, reading: Reading) -> Any:
    """A path, made absolute from the folder of the file."""
    value = text(node, path, reading)
    if value is BAD:
        return BAD
    if not value:
        return reading.fault(node, path, "expected a path, found nothing")
    return reading.folder / value


def list_of(item: Field) -> Field:
    """A list, as a tuple."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        if node.id != "sequence":
            return reading.fault(node, path, f"expected a list, found {_kind(node)}")
        values = [
            item(child, f"{path}[{index}]", reading) for index, child in enumerate(node.value)
        ]
        return BAD if BAD in values else tuple(values)

    return read


def map_of(key: Field, value: Callable[[str], Field]) -> Field:
    """A mapping with keys of the person's choosing; `value` gives each key's field."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        if node.id != "mapping":
            return reading.fault(node, path, f"expected a mapping, found {_kind(node)}")
        found: dict[str, Any] = {}
        for name, key_node, child in _pairs(node, path, reading):
            inner = f"{path}.{name}"
            if key(key_node, path, reading) is not BAD:
                found[name] = value(name)(child, inner, reading)
        return BAD if BAD in found.values() else found

    return read


def record(
    make: Callable[..., Any], fields: Mapping[str, Field], required: tuple[str, ...] = ()
) -> Field:
    """A mapping with known keys, handed to `make` by name; a key set to nothing is left out."""

    def read(node: Node, path: str, reading: Reading) -> Any:
        if node.id != "mapping":
            return reading.fault(node, path, f"expected a mapping, found {_kind(node)}")
        before = len(reading.faults)
        found: dict[str, Any] = {}
        for name, key_node, child in _pairs(node, path, reading):
            known = fields.get(name)
            if known is None:
                hint = _hint_for_unknown(name, child, node, fields)
                reading.fault(key_node, path, f"unknown key '{name}'", hint)
            elif child.id == "scalar" and child.tag == NULL:
                if name in required:
                    reading.fault(key_node, path, f"'{name}' needs a value")
            else:
                found[name] = known(child, f"{path}.{name}" if path else name, reading)
        present = {key.value for key, _ in node.value if key.id == "scalar"}
        for name in required:
            if name not in present:
                reading.fault(node, path, f"'{name}' is missing")
        return BAD if len(reading.faults) > before else make(**found)

    return read


def _pairs(node: Node, path: str, reading: Reading) -> Iterator[tuple[str, Node, Node]]:
    """Key, its node and its value's node; keys that aren't text or come twice are faults."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        if key.id != "scalar":
            reading.fault(key, path, "a key must be text")
        elif key.value in seen:
            reading.fault(
                key, path, f"'{key.value}' stands here twice, first in line {seen[key.value]}"
            )
        else:
            seen[key.value] = key.start_mark.line + 1
            yield str(key.value), key, value


def _kind(node: Node) -> str:
    if node.id != "scalar":
        return "a list" if node.id == "sequence" else "a mapping"
    return "nothing" if node.tag == NULL else f"'{node.value}'"


def _hint_for_unknown(
    name: str, value: Node, mapping: Node, fields: Mapping[str, Field]
) -> str | None:
    flow = getattr(mapping, "flow_style", False)
    if flow and value.id == "scalar" and value.tag == NULL:
        return "within { }, text that holds a comma needs quotes"
    if f"{name}_file" in fields:
        return (
            f"secrets don't stand in this file: put it in a file and name that with '{name}_file'"
        )
    return _did_you_mean(name, fields)


def _did_you_mean(word: str, known: Mapping[str, Field] | tuple[str, ...]) -> str:
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near else f"known here: {', '.join(sorted(known))}"
