"""Plots of how a cost grows, as SVG: both axes logarithmic, a line for each series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 96, 34, 44
COLOURS = ("#1f6fb4", "#c8561b", "#2f8f4e")
Points = Sequence[tuple[float, float]]


def plot(title: str, across: str, up: str, series: Mapping[str, Points]) -> str:
    """One plot; `across` and `up` say what the axes count. All values must be greater than 0."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_axis, y_axis = _Axis(xs, LEFT, WIDTH - RIGHT), _Axis(ys, HEIGHT - BOTTOM, TOP)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 18, title, "start", "13"),
        *_grid(x_axis, y_axis),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across),
        f'<g transform="rotate(-90 14 {HEIGHT / 2:g})">{_text(14, HEIGHT / 2, up)}</g>',
    ]
    for colour, (name, points) in zip(COLOURS, series.items(), strict=False):
        body += _line(name, [(x_axis.at(x), y_axis.at(y)) for x, y in points], colour)
    return "\n".join([*body, "</svg>"]) + "\n"


class _Axis:
    """Where values stand between two ends of the drawing; it begins and ends at powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = floor(log10(min(values)))
        self._high = max(ceil(log10(max(values))), self._low + 1)
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        part = (log10(value) - self._low) / (self._high - self._low)
        return self._start + part * (self._end - self._start)

    @property
    def marks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _grid(x_axis: _Axis, y_axis: _Axis) -> Iterator[str]:
    left, right = LEFT, WIDTH - RIGHT
    for mark in x_axis.marks:
        x = x_axis.at(mark)
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        yield _text(x, HEIGHT - BOTTOM + 16, f"{mark:,g}")
    for mark in y_axis.marks:
        y = y_axis.at(mark)
        yield f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>'
        yield _text(left - 6, y + 4, f"{mark:,g}", "end")


def _line(name: str, points: Points, colour: str) -> Iterator[str]:
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    x, y = points[-1]
    yield _text(x + 8, y + 4, name, "start", colour=colour)


def _text(
    x: float, y: float, text: str, anchor: str = "middle", size: str = "11", colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
