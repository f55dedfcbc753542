"""Pages of the docs as scripts: the commands of their ```console blocks, in order.

A line that begins with `# ` is root's, one with `$ ` anybody's; one with `<<'END'` goes on until
that. Other lines are what it prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True)
class Command:
    """One command; `root` is who types it."""

    text: str
    root: bool


def commands(page: str, section: str = "") -> tuple[Command, ...]:
    """Those of `docs/PAGE`, or of what stands under one of its headings."""
    blocks = _blocks("console", page, section)
    return tuple(command for block in blocks for command in _of(block.splitlines()))


def texts(page: str, section: str = "") -> list[str]:
    """The same, where it makes no difference who types them."""
    return [command.text for command in commands(page, section)]


def scripts(page: str, section: str) -> list[str]:
    """The section's ```sh blocks: what is run as a whole."""
    return _blocks("sh", page, section)


def _blocks(kind: str, page: str, section: str) -> list[str]:
    text = (DOCS / page).read_text()
    if section:
        found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.S | re.M)
        assert found, f"{page} has no section {section}"
        text = found[1]
    blocks = re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.S | re.M)
    assert blocks, f"{page} {section} has no {kind}"
    return [dedent(block) for block in blocks]


def _of(lines: list[str]) -> Iterator[Command]:
    rest = iter(lines)
    for line in rest:
        if line[:2] not in ("# ", "$ "):
            continue
        whole = [line[2:]]
        if "<<'END'" in line:
            for more in rest:
                whole.append(more)
                if more == "END":
                    break
        yield Command("\n".join(whole), line.startswith("#"))
