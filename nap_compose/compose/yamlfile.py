"""YAML as Compose reads it.

Only `true` and `false` are booleans, dates and `22:22` stay text, `0440` is octal, a key may
stand only once, `!reset` and `!override` mark what a file takes back from the files before it.
The nodes are kept, so that a fault can be shown with its line without reading the file again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from nap_compose.compose.faults import Fault, Key, Path, dotted
from nap_compose.errors import BadFile, Place

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TEXT_TAG = "tag:yaml.org,2002:str"
PLAIN_TAG = "plain"
"""Our mark on an unquoted scalar without a tag: what it is, is decided when it is built."""

MOST_NODES = 100_000
"""A document whose aliases unfold to more than this (and to 20 times its size) is a bomb."""
DEEPEST = 200
"""Levels of nesting that a document may have."""

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}


class _Nodes(_Base):  # type: ignore[misc]
    """libyaml's node trees, without the resolvers of YAML 1.1, which Compose doesn't use."""

    def resolve(self, kind: Any, _value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN_TAG if implicit[0] else TEXT_TAG
        return "map" if kind is yaml.MappingNode else "seq"

    def descend_resolver(self, _node: Any, _index: Any) -> None:
        return None

    def ascend_resolver(self) -> None:
        return None


@dataclass(frozen=True)
class Document:
    """One document of a file: its value, and what it takes back from the documents before it.

    `resets` are the paths marked `!reset` (already taken out of `value`) and `!override`.
    """

    file: str
    value: Any
    node: yaml.Node = field(repr=False)
    resets: tuple[Path, ...] = ()

    def place(self, path: Path) -> Place:
        """Where `path` stands, or as much of it as the document has."""
        mark = _mark(self.node, path)[0]
        return Place(self.file, mark.line + 1, mark.column + 1)

    def depth(self, path: Path) -> int:
        """How many steps of `path` the document has."""
        return _mark(self.node, path)[1]


def documents(text: bytes, file: str) -> list[Document]:
    """The documents of a file's `text`. Raises BadFile with the line and column of the fault."""
    try:
        return list(_documents(text, file))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise BadFile(
            f"this is not valid YAML: {_sentence(error)}", place=place, hint=_yaml_hint(text, mark)
        ) from None
    except yaml.reader.ReaderError as error:
        line = text[: int(error.position)].count(b"\n") + 1
        raise BadFile(f"this is not valid YAML: {error.reason}", place=Place(file, line)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadFile(f"this is not valid YAML: {error}", place=Place(file)) from None


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


def _yaml_hint(text: bytes, mark: Any) -> str | None:
    if mark is None:
        return None
    lines = text.splitlines()
    if mark.line < len(lines) and b"\t" in lines[mark.line]:
        return "indent with spaces: YAML takes no tabs"
    return None


def _documents(text: bytes, file: str) -> Iterator[Document]:
    loader = _Nodes(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            builder = _Builder(file)
            value = builder.build(node, 0)
            resets: list[Path] = []
            if builder.marked:
                value = _settle(value, (), resets)
            yield Document(file, value, node, tuple(resets))
    finally:
        loader.dispose()


class _Marked:
    """A value under `!reset` (`keep` false) or `!override`."""

    __slots__ = ("keep", "value")

    def __init__(self, value: Any, keep: bool) -> None:
        self.value = value
        self.keep = keep


class _Builder:
    """Makes plain values of one document's nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marked = False
        self.unfolded = 0
        self.done: dict[int, tuple[int, Any]] = {}
        self.active: set[int] = set()

    def build(self, node: yaml.Node, depth: int) -> Any:
        if isinstance(node, yaml.ScalarNode):
            self.unfolded += 1
            tag = node.tag
            if tag == PLAIN_TAG:
                return plain(node.value)
            return node.value if tag == TEXT_TAG else self._tagged(node)
        seen = self.done.get(id(node))
        if seen is None:
            return self._collection(node, depth)
        self.unfolded += seen[0]
        if self.unfolded > MOST_NODES and self.unfolded > 20 * len(self.done):
            raise self._bad(node, "its aliases unfold to far more than the file holds")
        return seen[1]

    def _collection(self, node: yaml.Node, depth: int) -> Any:
        key = id(node)
        if key in self.active:
            raise self._bad(node, "an anchor contains itself")
        if depth > DEEPEST:
            raise self._bad(node, f"more than {DEEPEST} levels of nesting")
        self.active.add(key)
        start = self.unfolded
        self.unfolded += 1
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, depth)
        else:
            value = [self.build(item, depth + 1) for item in node.value]
        if node.tag in _MARKS:
            self.marked = True
            value = _Marked(value, keep=_MARKS[node.tag])
        self.active.discard(key)
        self.done[key] = (self.unfolded - start, value)
        return value

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._bad(key_node, "a key must be a word, not a list or a mapping")
            key = self._key(key_node)
            if key == "<<" and key_node.tag == PLAIN_TAG:
                for name, entry in self._merged(value_node, depth):
                    merged.setdefault(name, entry)
                continue
            if key in value:
                first = next(k for k, _ in node.value if k.value == key).start_mark.line + 1
                raise self._bad(
                    key_node, f"the key {key!r} stands here twice, first in line {first}"
                )
            value[key] = self.build(value_node, depth + 1)
        return {**merged, **value} if merged else value

    def _key(self, node: yaml.ScalarNode) -> str:
        key = str(node.value)
        if node.tag == PLAIN_TAG and not isinstance(plain(key), str):
            raise self._bad(node, f"a key must be a text: quote it, as in '{key}':")
        return key

    def _merged(self, node: yaml.Node, depth: int) -> Iterator[tuple[str, Any]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            value = self.build(source, depth + 1)
            if isinstance(value, _Marked):
                value = value.value
            if not isinstance(value, dict):
                raise self._bad(source, "`<<` takes a mapping or a list of mappings")
            yield from value.items()

    def _tagged(self, node: yaml.ScalarNode) -> Any:
        if node.tag in _MARKS:
            self.marked = True
            value = plain(node.value) if not node.style else node.value
            return _Marked(value, keep=_MARKS[node.tag])
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None
        if kind in ("int", "float", "bool"):
            value = plain(node.value)
            kinds: dict[str, tuple[type, ...]] = {
                "int": (int,),
                "float": (int, float),
                "bool": (bool,),
            }
            if isinstance(value, kinds[kind]):
                return value
            raise self._bad(node, f"{node.value!r} is no {kind}")
        if kind == "binary":
            raise self._bad(node, "binary values have no place in a Compose file")
        return node.value if node.style else plain(node.value)

    def _bad(self, node: yaml.Node, message: str) -> BadFile:
        mark = node.start_mark
        return BadFile(message, place=Place(self.file, mark.line + 1, mark.column + 1))


_MARKS = {"!reset": False, "!override": True}


def plain(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    bare = text.replace("_", "")
    if _INTEGER.match(bare):
        return _integer(bare)
    return float(bare) if _FLOAT.match(bare) and bare[-1] != "_" else text


def _integer(text: str) -> int | float | str:
    digits = text.lstrip("+-")
    if len(digits) > 64:
        return float(text) if text.lstrip("+-").isdigit() else text
    prefix = digits[:2].lower()
    if prefix in ("0x", "0o", "0b"):
        number = int(digits, 0)
    elif digits[0] == "0" and len(digits) > 1:
        number = int(digits, 8)
    else:
        number = int(digits)
    number = -number if text[0] == "-" else number
    return number if -(2**63) <= number < 2**64 else float(number)


def _settle(value: Any, path: Path, resets: list[Path]) -> Any:
    """`value` without the marks of `!reset` and `!override`; their paths go to `resets`."""
    if isinstance(value, dict):
        settled: dict[str, Any] = {}
        for key, entry in value.items():
            kept = _unmark(entry, (*path, key), resets)
            if kept is not _GONE:
                settled[key] = kept
        return settled
    if isinstance(value, list):
        entries = [_unmark(entry, (*path, index), resets) for index, entry in enumerate(value)]
        return [entry for entry in entries if entry is not _GONE]
    return None if isinstance(value, _Marked) else value


_GONE = object()


def _unmark(entry: Any, path: Path, resets: list[Path]) -> Any:
    if not isinstance(entry, _Marked):
        return _settle(entry, path, resets) if isinstance(entry, (dict, list)) else entry
    resets.append(path)
    return _settle(entry.value, path, resets) if entry.keep else _GONE


def _mark(node: yaml.Node, path: Path) -> tuple[Any, int]:
    """The mark of `path`, and how many of its steps were found."""
    mark = node.start_mark
    for depth, step in enumerate(path):
        found = _step(node, step)
        if found is None:
            return mark, depth
        mark, node = found
    return mark, len(path)


def _step(node: yaml.Node, step: Key) -> tuple[Any, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int) and step < len(node.value):
            return node.value[step].start_mark, node.value[step]
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    merged = None
    for key, value in node.value:
        if key.value == step:
            return key.start_mark, value
        if key.value == "<<":
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged = merged or _step(source, step)
    return merged


def mapping(document: Document) -> dict[str, Any]:
    """The document as a mapping of its top-level elements; an empty one has none."""
    value = document.value
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault((), "the top level of a Compose file is a mapping, such as `services:`")
    return value


__all__ = ["Document", "documents", "dotted", "mapping", "plain"]
