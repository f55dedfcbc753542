"""Changing the cluster file by command: a host comes in or goes, and every other line stays as its
owner wrote it. What would not be valid afterwards isn't written."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nap_compose.cluster import config
from nap_compose.errors import BadFile, BadFiles, NapError, Place

BY_HAND = "put the host under `hosts:` yourself; docs/cluster-file.md has every key"


def add_host(file: Path, name: str, endpoint: str, labels: Mapping[str, str]) -> bool:
    """Have the host in the file; says whether it wasn't there. Raises BadFile, NapError."""
    entry = f"endpoint: {_scalar(endpoint)}"
    if labels:
        listed = ", ".join(f"{_scalar(key)}: {_scalar(value)}" for key, value in labels.items())
        entry += f", labels: {{{listed}}}"
    with _held(file):
        if name in _hosts(file.read_text()):
            return False
        text = _with(file.read_text(), name, f"{{{entry}}}", file)
        _replace(file, text, lambda hosts: name in hosts)
    return True


def remove_host(file: Path, name: str) -> bool:
    """Have the host no longer in the file; says whether it was. Raises BadFile, NapError."""
    with _held(file):
        if name not in _hosts(file.read_text()):
            return False
        _replace(file, _without(file.read_text(), name, file), lambda hosts: name not in hosts)
    return True


@contextmanager
def _held(file: Path) -> Iterator[None]:
    """Only one process at a time changes the file."""
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _replace(file: Path, text: str, as_wanted: Callable[[Mapping[str, Any]], bool]) -> None:
    """Put the text in the file's place, whole or not at all, with its owner and mode."""
    status = file.stat()
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as written:
            written.write(text)
            written.flush()
            os.fchmod(written.fileno(), status.st_mode & 0o777)
            if os.geteuid() == 0:
                os.fchown(written.fileno(), status.st_uid, status.st_gid)
            os.fsync(written.fileno())
        try:
            config.read(draft)
        except BadFiles as error:
            why = "; ".join(each.message for each in error.faults)
            raise NapError(f"{file} wouldn't be valid any more: {why}", hint=BY_HAND) from None
        if not as_wanted(_hosts(text)):
            raise NapError(f"{file} is written in a way that nap can't change", hint=BY_HAND)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _with(text: str, name: str, entry: str, file: Path) -> str:
    node = _hosts_node(text, file)
    if not node.flow_style and node.value:
        key, last = node.value[-1]
        at = _end_of_line(text, _end(last))
        indent = " " * key.start_mark.column
        start = text[:at] if text[:at].endswith("\n") else text[:at] + "\n"
        return f"{start}{indent}{_scalar(name)}: {entry}\n{text[at:]}"
    if not node.value:  # `hosts: {}`
        start, end = node.start_mark.index, node.end_mark.index
        return f"{text[:start].rstrip(' ')}\n  {_scalar(name)}: {entry}{text[end:]}"
    closing = node.end_mark.index - 1
    before = text[:closing].rstrip().rstrip(",")
    return f"{before}, {_scalar(name)}: {entry}{text[closing:]}"


def _without(text: str, name: str, file: Path) -> str:
    node = _hosts_node(text, file)
    pairs = node.value
    at = next(n for n, (key, _) in enumerate(pairs) if key.value == name)
    key, value = pairs[at]
    if not node.flow_style:
        start = text.rfind("\n", 0, key.start_mark.index) + 1
        return text[:start] + text[_end_of_line(text, _end(value)) :]
    if at + 1 < len(pairs):
        return text[: key.start_mark.index] + text[pairs[at + 1][0].start_mark.index :]
    start = pairs[at - 1][1].end_mark.index if at else key.start_mark.index
    return text[:start] + text[value.end_mark.index :]


def _hosts_node(text: str, file: Path) -> Any:
    """The mapping under `hosts`, as PyYAML composes it, with its places in the text."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "hosts" and isinstance(value, yaml.MappingNode):
            return value
    raise BadFile("it has no `hosts:`", place=Place(str(file)), hint=BY_HAND)


def _end(node: Any) -> int:
    """Where a node's text ends; a block's own mark is where the next thing begins."""
    while node.id != "scalar" and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _end_of_line(text: str, at: int) -> int:
    """Behind the line's end; the end of a block scalar is there already."""
    if text[at - 1 : at] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _hosts(text: str) -> Mapping[str, Any]:
    import yaml

    document = yaml.safe_load(text)
    hosts = document.get("hosts") if isinstance(document, dict) else None
    return hosts if isinstance(hosts, dict) else {}


def _scalar(text: str) -> str:
    """The text as YAML has it: as it is where that is safe, else in quotes."""
    import yaml

    plain = all(each.isalnum() or each in "._-/:" for each in text) and ": " not in text
    return text if plain and yaml.safe_load(text) == text else json.dumps(text)
