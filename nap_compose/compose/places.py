"""Where a path stands in a file: looked up only when there is something to show a person."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from nap_compose import spared
from nap_compose.compose.faults import Key, Path
from nap_compose.errors import Place

with spared.patterns:
    import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def find(text: bytes, index: int, file: str, path: Path) -> tuple[Place, int]:
    """The place of `path` in document number `index` of a file's valid `text`, and its depth.

    Where the document has only the beginning of the path, that is the place; the depth says how
    many steps were found.
    """
    if len(path) == 1 and (line := _plain_key(text, index, path[0])) is not None:
        return at(text, file, line, 0), 1
    nodes = _nodes(text)
    node = nodes[index] if index < len(nodes) else None
    if node is None:
        return Place(file), 0
    mark, depth = _mark(node, path)
    return at(text, file, mark.line, mark.column), depth


def _plain_key(text: bytes, index: int, key: Key) -> int | None:
    """The line of a key that begins one, the only one to do so: found without reading YAML."""
    if index:
        return None
    found = list(re.finditer(rb"^%s[ \t]*:" % re.escape(str(key)).encode(), text, re.MULTILINE))
    return text[: found[0].start()].count(b"\n") if len(found) == 1 else None


def at(text: bytes, file: str, line: int, column: int) -> Place:
    """The place at `line` and `column`, counted from 0, with the line itself.

    One after the file's end is brought back to the end of its last line.
    """
    lines = _lines(text)
    if line >= len(lines) > 0:
        last = lines[-1]
        return Place(file, len(lines), len(last) + 1, last)
    return Place(file, line + 1, column + 1, lines[line] if lines else "")


@lru_cache(maxsize=16)
def _lines(text: bytes) -> tuple[str, ...]:
    return tuple(line.decode("utf-8", "replace").rstrip("\r") for line in text.splitlines())


@lru_cache(maxsize=16)
def _nodes(text: bytes) -> tuple[yaml.Node | None, ...]:
    try:
        return tuple(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError:
        # PyYAML refuses what Compose takes, such as an anchor that is set twice: no place then.
        return ()


def _mark(node: yaml.Node, path: Path) -> tuple[Any, int]:
    """The mark of `path`, and how many of its steps were found."""
    mark = node.start_mark
    for depth, step in enumerate(path):
        found = _step(node, step)
        if found is None:
            return mark, depth
        mark, node = found
    return mark, len(path)


def _item(items: list[yaml.Node], step: Key) -> tuple[Any, yaml.Node] | None:
    """An entry of a list, by its number, or by the name that a short form begins with."""
    if isinstance(step, int):
        return (items[step].start_mark, items[step]) if step < len(items) else None
    for item in items:
        text = item.value if isinstance(item, yaml.ScalarNode) else ""
        if text == step or text.startswith((f"{step}=", f"{step}:")):
            return item.start_mark, item
    return None


def _step(node: yaml.Node, step: Key) -> tuple[Any, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        return _item(node.value, step)
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
