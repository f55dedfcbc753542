"""YAML as Compose reads it.

Only `true` and `false` are booleans, dates and `22:22` stay text, `0440` is octal, a key may
stand only once, `!reset` and `!override` mark what a file takes back from the files before it.

Values are built from libyaml's events, not from its nodes: that is faster, and a nest of a
hundred thousand brackets meets a limit here instead of the end of the stack there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from nap_compose import spared
from nap_compose.compose import places
from nap_compose.compose.faults import Fault, Path
from nap_compose.compose.scalartypes import plain
from nap_compose.errors import BadFile, Place
from nap_compose.plaindata import dataclass

with spared.patterns:
    import yaml

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_NODES = 100_000
"""A document whose aliases unfold to more than this (and to 20 times its size) is a bomb."""
DEEPEST = 200
"""Levels of nesting that a document may have."""

_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Document:
    """One document of a file: its value, and what it takes back from the documents before it.

    `resets` are the paths marked `!reset` (already taken out of `value`) and `!override`.
    """

    file: str
    value: Any
    text: bytes = field(repr=False)
    index: int = 0
    resets: tuple[Path, ...] = ()

    def place(self, path: Path) -> Place:
        """Where `path` stands, or as much of it as the document has."""
        return places.find(self.text, self.index, self.file, path)[0]

    def depth(self, path: Path) -> int:
        """How many steps of `path` the document has."""
        return places.find(self.text, self.index, self.file, path)[1]


def documents(text: bytes, file: str) -> list[Document]:
    """The documents of a file's `text`. Raises BadFile with the line and column of the fault."""
    try:
        return list(_documents(text, file))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = places.at(text, file, mark.line, mark.column) if mark else Place(file)
        raise BadFile(
            f"this is not valid YAML: {_sentence(error)}", place=place, hint=_hint(text, mark)
        ) from None
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)].split(b"\n")
        place = places.at(text, file, len(before) - 1, len(before[-1].decode("utf-8", "replace")))
        raise BadFile(f"this is not valid YAML: {error.reason}", place=place) from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadFile(f"this is not valid YAML: {error}", place=Place(file)) from None


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


def _hint(text: bytes, mark: Any) -> str | None:
    lines = text.splitlines()
    if mark is not None and mark.line < len(lines) and b"\t" in lines[mark.line]:
        return "indent with spaces: YAML takes no tabs"
    return None


def _documents(text: bytes, file: str) -> Iterator[Document]:
    parser = _Parser(text)
    try:
        index = 0
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            builder = _Builder(file, text, parser.get_event)
            value = builder.value(parser.get_event(), 0)
            resets: list[Path] = []
            if builder.marked:
                value = _settle(value, (), resets)
            yield Document(file, value, text, index, tuple(resets))
            index += 1
    finally:
        parser.dispose()


class _Marked:
    """A value under `!reset` (`keep` false) or `!override`."""

    __slots__ = ("keep", "value")

    def __init__(self, value: Any, keep: bool) -> None:
        self.value = value
        self.keep = keep


_MARKS = {"!reset": False, "!override": True}
_OPEN = object()


class _Builder:
    """Makes plain values of one document's events.

    `unfolded` counts the nodes with every alias unfolded, `written` those that the file holds;
    `anchors` maps each anchor to how many nodes it unfolds to and its value.
    """

    def __init__(self, file: str, text: bytes, event: Any) -> None:
        self.file = file
        self.text = text
        self.event = event
        self.marked = False
        self.unfolded = 0
        self.written = 0
        self.anchors: dict[str, tuple[int, Any]] = {}

    def value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        start = self.unfolded
        self.unfolded += 1
        self.written += 1
        value: Any
        if kind is yaml.ScalarEvent:
            value = self._scalar(event)
        else:
            if depth > DEEPEST:
                raise self._bad(event, f"more than {DEEPEST} levels of nesting")
            if event.anchor:
                self.anchors[event.anchor] = (0, _OPEN)
            value = (
                self._mapping(depth) if kind is yaml.MappingStartEvent else self._sequence(depth)
            )
        if event.tag in _MARKS:
            self.marked = True
            value = _Marked(value, keep=_MARKS[event.tag])
        if event.anchor:
            self.anchors[event.anchor] = (self.unfolded - start, value)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self._bad(event, f"there is no anchor &{event.anchor} before this")
        size, value = self.anchors[event.anchor]
        if value is _OPEN:
            raise self._bad(event, f"the anchor &{event.anchor} contains itself")
        self.unfolded += size
        if self.unfolded > MOST_NODES and self.unfolded > 20 * self.written:
            raise self._bad(event, "the aliases unfold to far more than the file holds")
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items = []
        while type(event := self.event()) is not yaml.SequenceEndEvent:
            items.append(self.value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        merged: dict[str, Any] | None = None
        while type(event := self.event()) is not yaml.MappingEndEvent:
            key = self._key(event)
            if key == "<<" and type(event) is yaml.ScalarEvent and not event.style:
                if merged is not None:
                    raise self._bad(event, "`<<` stands here twice: give it a list of aliases")
                merged = {}
                for source in self._merged(event, depth):
                    merged = {**source, **merged}
                continue
            if key in value:
                raise self._bad(event, f'the key "{key}" stands here twice')
            value[key] = self.value(self.event(), depth + 1)
        return {**merged, **value} if merged else value

    def _key(self, event: Any) -> str:
        if type(event) is yaml.ScalarEvent:
            self.written += 1
            if event.style or event.tag or type(plain(event.value)) is str:
                if event.anchor:
                    self.anchors[event.anchor] = (1, event.value)
                return str(event.value)
            raise self._bad(event, f"a key must be a text: write '{event.value}' with quotes")
        if type(event) is yaml.AliasEvent and isinstance(key := self._alias(event), str):
            return key
        raise self._bad(event, "a key must be a word, not a list or a mapping")

    def _merged(self, key: Any, depth: int) -> list[dict[str, Any]]:
        value = _unwrapped(self.value(self.event(), depth + 1))
        sources = [_unwrapped(item) for item in (value if isinstance(value, list) else [value])]
        if not all(isinstance(source, dict) for source in sources):
            raise self._bad(key, "`<<` takes a mapping or a list of mappings")
        return sources

    def _scalar(self, event: Any) -> Any:
        text = event.value
        tag = event.tag
        if tag is None:
            return text if event.style else plain(text)
        kind = tag.removeprefix(_CORE)
        if kind in ("!", "str"):
            return text
        if kind == "null":
            return None
        if kind == "binary":
            raise self._bad(event, "binary values have no place in a Compose file")
        value = text if event.style else plain(text)
        if kind in _TYPES:
            value = plain(text)
            if not isinstance(value, _TYPES[kind]):
                raise self._bad(event, f'"{text}" is no {kind}')
        return value

    def _bad(self, event: Any, message: str) -> BadFile:
        mark = event.start_mark
        return BadFile(message, place=places.at(self.text, self.file, mark.line, mark.column))


_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, _Marked) else value


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


def mapping(document: Document) -> dict[str, Any]:
    """The document as a mapping of its top-level elements. Raises Fault."""
    value = document.value
    if not isinstance(value, dict):
        raise Fault((), "the top level of a Compose file is a mapping, such as `services:`")
    return value
