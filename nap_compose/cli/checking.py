"""`nap config --check`: each key of the files, where it stands, and how nap treats it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nap_compose.border import Checked, Refusal
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.compose.faults import Path, dotted
from nap_compose.compose.loader import Loaded
from nap_compose.compose.rows import Site, Treatment
from nap_compose.compose.treatment import Finding, every_key
from nap_compose.compose.yamlfile import Document
from nap_compose.errors import Place
from nap_compose.plaindata import dataclass

COLUMNS = (
    Column("PLACE", least=12),
    Column("KEY", least=20),
    Column("NAP", least=10),
    Column("WHAT", least=20),
)
_COLOURS = {Treatment.REFUSED: "red", Treatment.IGNORED: "yellow", Treatment.TRANSLATED: "cyan"}
_SAYS_WHY = (Treatment.IGNORED, Treatment.REFUSED)


@dataclass(frozen=True)
class _Row:
    place: Place
    key: str
    treatment: Treatment
    what: str


def checklist(
    session: Session, found: Loaded, checked: Checked, form: str, notes: Mapping[Path, str]
) -> Iterable[str]:
    """The lines of the list, as a table or (`form` json) as one JSON document.

    `notes` say what becomes of mounts of what lies beside the file, by their paths.
    """
    rows = [row for document in found.documents for row in _rows(document, checked, notes)]
    if form == "json":
        return [json.dumps([_as_json(row) for row in rows], indent=2)]
    terminal = session.terminal
    cells: list[list[Cell | str]] = [
        [
            str(row.place),
            row.key,
            Cell(row.treatment.value, _COLOURS.get(row.treatment, "")),
            row.what,
        ]
        for row in rows
    ]
    return table_on(terminal, COLUMNS, cells)


def _rows(document: Document, checked: Checked, notes: Mapping[Path, str]) -> Iterator[_Row]:
    for finding in _innermost(document, checked.site):
        treatment, what = finding.treatment, finding.entry.line
        refusal = _refusal(finding.path, checked.refused)
        if refusal is not None:
            treatment, what = Treatment.REFUSED, _without_path(refusal)
        elif treatment in _SAYS_WHY:
            what = finding.entry.note
        elif told := _told_of(finding.path, notes):
            treatment, what = Treatment.TRANSLATED, told
        yield _Row(document.place(finding.path), dotted(finding.path), treatment, what)


def _innermost(document: Document, site: Site) -> Iterator[Finding]:
    """The keys of a document that have no other key in them."""
    outer: Finding | None = None
    for finding in every_key(document.value, site):
        if outer and finding.path[: len(outer.path)] != outer.path:
            yield outer
        outer = finding
    if outer:
        yield outer


def _refusal(path: Path, refused: Sequence[Refusal]) -> Refusal | None:
    """What is refused of a key, or of an entry of its list."""
    return next((each for each in refused if each.path[: len(path)] == path), None)


def _told_of(path: Path, notes: Mapping[Path, str]) -> str:
    """What becomes of the mounts of a list, or of the one whose source this is."""
    found = [
        text
        for at, text in notes.items()
        if at[: len(path)] == path or (path[-1] == "source" and path[:-1] == at)
    ]
    return "; ".join(dict.fromkeys(found))


def _without_path(refusal: Refusal) -> str:
    return refusal.message.partition(": ")[2] or refusal.message


def _as_json(row: _Row) -> dict[str, str | int]:
    return {
        "file": row.place.file,
        "line": row.place.line,
        "column": row.place.column,
        "key": row.key,
        "treatment": row.treatment.value,
        "what": row.what,
    }
