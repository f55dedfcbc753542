"""Tables: aligned columns that fit the terminal and never wrap within a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nap_compose.cli.output.width import cut, shown_width
from nap_compose.plaindata import dataclass
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.cli.output.terminal import Terminal

GAP = "   "
Style = Callable[[str, str], str]


class Cell(NamedTuple):
    """A cell's text and its colour."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Column:
    """A column's title and how it gives way where the terminal is narrow.

    It may be cut to `least` characters (0: never cut), and goes altogether where that is not
    enough: the column with the highest `drop` first, one with 0 never.
    """

    title: str
    least: int = 0
    drop: int = 0


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell | str]],
    *,
    width: int | None,
    style: Style = lambda text, _: text,
    ellipsis: str = "…",
) -> list[str]:
    """The lines of a table, its titles first.

    `width` is the terminal's, None for no limit. `style(text, style)` colours a cell.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    shown = list(range(len(columns)))
    natural = [
        max(len(column.title), *(shown_width(row[index].text) for row in cells), 0)
        for index, column in enumerate(columns)
    ]
    widths = natural
    if width is not None:
        shown, widths = _fit(columns, natural, width)

    def line(row: Sequence[Cell]) -> str:
        pieces = []
        for index in shown:
            text = cut(row[index].text, widths[index], ellipsis)
            padding = "" if index == shown[-1] else " " * (widths[index] - shown_width(text))
            pieces.append(style(text, row[index].style) + padding)
        return GAP.join(pieces).rstrip()

    titles = [Cell(column.title) for column in columns]
    return [line(titles), *(line(row) for row in cells)]


def table_on(
    terminal: Terminal, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]
) -> list[str]:
    """The lines of a table as the terminal shows them that results go to."""
    return table(
        columns,
        rows,
        width=terminal.out_width(),
        style=terminal.out_style,
        ellipsis=ellipsis_on(terminal),
    )


def ellipsis_on(terminal: Terminal) -> str:
    """What stands where something is cut."""
    return "…" if terminal.out_in_unicode else "..."


def _cell(cell: Cell | str) -> Cell:
    text, style = (cell, "") if isinstance(cell, str) else cell
    return Cell(plain(text), style)


def _fit(
    columns: Sequence[Column], natural: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """The columns to show, and each one's width, so that a line fits into `width`."""
    shown = list(range(len(columns)))
    while True:
        widths = _squeezed(columns, natural, shown, width)
        if _total(widths, shown) <= width:
            return shown, widths
        droppable = [index for index in shown if columns[index].drop]
        if not droppable:
            return shown, _cut_from_the_right(widths, shown, width)
        shown.remove(max(droppable, key=lambda index: columns[index].drop))


def _squeezed(
    columns: Sequence[Column], natural: Sequence[int], shown: Sequence[int], width: int
) -> list[int]:
    """Widths after the widest of the columns that may be cut gave way, step by step."""
    widths = list(natural)
    while _total(widths, shown) > width:
        flexible = [
            index
            for index in shown
            if columns[index].least and widths[index] > _least(columns[index])
        ]
        if not flexible:
            break
        widths[max(flexible, key=lambda index: widths[index])] -= 1
    return widths


def _cut_from_the_right(widths: Sequence[int], shown: Sequence[int], width: int) -> list[int]:
    """What remains where nothing more may go: the last columns are cut, at worst to one sign."""
    cut_widths = list(widths)
    for index in reversed(shown):
        excess = _total(cut_widths, shown) - width
        if excess <= 0:
            break
        cut_widths[index] = max(1, cut_widths[index] - excess)
    return cut_widths


def _least(column: Column) -> int:
    return max(column.least, len(column.title))


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + len(GAP) * (len(shown) - 1)
