"""Plots: what is drawn stands where its numbers say."""

from __future__ import annotations

import xml.etree.ElementTree as Xml

from bench.plot import HEIGHT, LEFT, RIGHT, TOP, WIDTH, plot

SVG = "{http://www.w3.org/2000/svg}"


def test_a_line_for_each_series_with_a_point_for_each_value() -> None:
    drawing = Xml.fromstring(
        plot("cost", "hosts", "s", {"one": [(10, 0.1), (100, 1), (1000, 10)], "two": [(10, 1)]})
    )
    lines = drawing.findall(f"{SVG}polyline")
    assert [line.get("points", "").count(",") for line in lines] == [3, 1]
    assert len(drawing.findall(f"{SVG}circle")) == 4
    points = [tuple(map(float, each.split(","))) for each in lines[0].get("points", "").split()]
    # As many times more each time are equal steps, from one corner to the other.
    assert points[0][0] == LEFT
    assert points[2] == (WIDTH - RIGHT, TOP)
    assert abs(points[1][0] * 2 - points[0][0] - points[2][0]) < 0.2
    assert abs(points[1][1] * 2 - points[0][1] - points[2][1]) < 0.2
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in points)


def test_what_is_told_is_escaped_and_axes_are_numbered() -> None:
    text = plot("a < b", "hosts", "s", {"n & m": [(10, 2), (1000, 2)]})
    told = [each.text for each in Xml.fromstring(text).iter(f"{SVG}text")]
    assert {"a < b", "n & m", "10", "100", "1,000", "1"} <= set(told)
