"""A listing as the person wants it: warnings first, then a table, JSON or a template's lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nap_compose.cli.output.table import Cell, Column, ellipsis_on, table
from nap_compose.cli.output.template.form import Form
from nap_compose.cli.output.terminal import Terminal
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border import Whereabouts

WHOSE = (
    Column("APP", least=6, drop=1),
    Column("REPLICA", least=8),
    Column("HOST", least=4, drop=1),
)
"""Which container a row is about, on a cluster."""


@dataclass(frozen=True)
class Layout:
    """How rows of one kind are shown: `cells` makes a row's cells for the `columns`, `record` its
    fields for templates and JSON, whose `headers` are titles that aren't the field's name."""

    columns: Sequence[Column]
    cells: Callable[[Any], Sequence[Cell | str]]
    record: Callable[[Any], Mapping[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict)

    def lines(
        self, rows: Sequence[Any], form: Form, terminal: Terminal, *, width: int | None = None
    ) -> list[str]:
        """The lines of the result; a table fits into `width` columns (None: any)."""
        if not form.table:
            return form.lines(map(self.record, rows), self.headers)
        return table(
            self.columns,
            [self.cells(row) for row in rows],
            width=width,
            style=terminal.out_style,
            ellipsis=ellipsis_on(terminal),
        )


def whose_cells(of: Whereabouts, me: str) -> list[str]:
    """The cells of `WHOSE`; `me` is the caller's owner."""
    app = of.app if of.owner in ("", me) else f"{of.owner}/{of.app}"
    return [app, f"{of.service}.{of.replica}" if of.replica else of.name, of.host]
