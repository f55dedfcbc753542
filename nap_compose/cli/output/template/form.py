"""A list of rows as `--format` asks for them: JSON or a Go template, with `table` in front or not.

The plain table is the command's own, since it knows what may give way on a narrow terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nap_compose.cli.output.template.values import as_json
from nap_compose.cli.output.width import shown_width
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.cli.output.template.nodes import Node

NARROWEST_CELL, GAP = 10, 3
"""Columns of a cell at the least, and those between two: as `docker` has them."""


Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Form:
    """What `--format` says: `table` (also empty), `json`, `TEMPLATE` or `table TEMPLATE`.

    Raises WrongUse where it is no template.
    """

    def __init__(self, text: str) -> None:
        self._source = text.strip(" ").replace("\\t", "\t").replace("\\n", "\n")
        self.table = self._source in ("", "table")
        self.json = self._source == "json"
        self._aligned = self._source.startswith("table") and not self.table
        if self._aligned:
            self._source = self._source.removeprefix("table").strip(" ")
        self._nodes: tuple[Node, ...] = ()
        if not self.table and not self.json:
            from nap_compose.cli.output.template.reading import read

            self._nodes = read(self._source)

    def lines(
        self, rows: Iterable[Mapping[str, Any]], headers: Mapping[str, str] | None = None
    ) -> list[str]:
        """The rows, a line each; of a `table TEMPLATE` the titles first.

        `headers` are the titles of fields whose name isn't their title. Raises WrongUse.
        """
        if self.json:
            return [as_json(row) for row in rows]
        found = list(rows)
        texts = [self._text(row) for row in found]
        if not self._aligned:
            return texts
        return aligned([self._titles(headers or {}), *texts])

    def _titles(self, headers: Mapping[str, str]) -> str:
        try:
            return self._text(_Titles(headers))
        except WrongUse:  # it looks into a field, which a title has nothing in
            return ""

    def _text(self, row: Mapping[str, Any]) -> str:
        from nap_compose.cli.output.template.running import Run

        return Run(self._source, row).text(self._nodes)


def format_option() -> Callable[[Decorated], Decorated]:
    """`--format`, handed to the command as the Form `form`."""

    def read(context: click.Context, option: click.Parameter, text: str) -> Form:
        form = Form(text)
        if not (form.table or form.json or "{{" in text):
            raise click.BadParameter(
                f"'{text}' is not one of table, json or a template such as {{{{.Name}}}}",
                context,
                option,
            )
        return form

    return click.option(
        "--format",
        "form",
        default="table",
        callback=read,
        metavar="FORM",
        help="table, json, a Go template, or table and a template",
    )


class _Titles(dict[str, Any]):
    """A row whose every field is its own title."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return str.upper if name == "Label" else name.upper()


def aligned(lines: Sequence[str]) -> list[str]:
    """Lines whose cells, a tab between each, stand under each other."""
    split = [line.split("\t") for line in lines]
    widths: dict[int, int] = {}
    for cells in split:
        for index, cell in enumerate(cells[:-1]):
            width = max(NARROWEST_CELL, shown_width(cell) + GAP)
            widths[index] = max(widths.get(index, 0), width)
    return [
        "".join(
            cell + " " * (widths[index] - shown_width(cell)) if index < len(cells) - 1 else cell
            for index, cell in enumerate(cells)
        )
        for cells in split
    ]
