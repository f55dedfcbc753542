"""Write docs/compose-keys.md from the table of Compose keys.

python tools/compose_keys.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nap_compose.compose.rows import Entry, Treatment  # noqa: E402
from nap_compose.compose.schema import Row, rows  # noqa: E402

PAGE = ROOT / "docs" / "compose-keys.md"
HEAD = """\
# Compose keys

<!-- Written by tools/compose_keys.py from the table of keys: don't edit. -->

A file that Docker Compose reads, nap reads too. What it makes of each key stands here, and
`nap config --check` tells it of your own file, with the lines; `--strict` takes warnings as errors.

| | |
|---|---|
| applied | as Compose does it |
| translated | it comes to something else on a cluster, which the last column names |
| ignored | it has no effect; `nap config` and `nap up` warn, with file and line |
| refused | `nap up` stops before anything is done, and says what to do instead |

A key that is ignored or refused is so with everything in it. `[]` stands for each entry of a
list, `*` for a name of your own. Keys that begin with `x-` are yours, but for
[`x-nap`](#naps-own-keys).

`nap config --schema > compose.schema.json` writes a JSON Schema for your editor.
"""
STOPS = (Treatment.IGNORED, Treatment.REFUSED)


def page() -> str:
    """The whole page."""
    own = [row for row in rows() if "x-nap" in row.path]
    file = [row for row in _shown(rows()) if "x-nap" not in row.path]
    services = [row for row in file if row.path[0] == "services" and len(row.path) > 1]
    rest = [row for row in file if row not in services]
    top = [row for row in own if row.path[0] == "x-nap" and len(row.path) > 1]
    return "\n".join(
        [
            HEAD,
            *_section("The file", rest, 0),
            *_section("A service", services, 2),
            *_section("nap's own keys", top, 1),
            "They stand under `x-nap`, at the top level or in a service.",
            "",
        ]
    )


def _shown(every: Iterable[Row]) -> Iterator[Row]:
    """The rows without those below one that is ignored or refused as a whole."""
    closed: tuple[str, ...] | None = None
    for row in every:
        if closed and row.path[: len(closed)] == closed:
            continue
        closed = row.path if row.entry.treatment in STOPS else None
        yield row


def _section(title: str, found: Iterable[Row], cut: int) -> Iterator[str]:
    """A heading and a table; the first `cut` steps of each path go without saying."""
    yield f"## {title}\n"
    yield "| key | what it is | nap | |"
    yield "|---|---|---|---|"
    for row in found:
        cells = (
            f"`{_name(row.path[cut:])}`",
            row.entry.does,
            _treatment(row.entry),
            row.entry.note,
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _name(path: Iterable[str]) -> str:
    return ".".join(path).replace(".[]", "[]")


def _treatment(entry: Entry) -> str:
    if entry.heeds:
        return f"{', '.join(f'`{value}`' for value in entry.heeds)} applied, others ignored"
    if entry.cluster is Treatment.REFUSED:
        return f"{entry.treatment.value}; refused across hosts"
    if entry.cluster:
        return f"{entry.treatment.value}; {entry.cluster.value} on a cluster"
    return entry.treatment.value


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
