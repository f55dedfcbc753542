"""What tests measured of the real thing, gathered for the end of the run.

A figure is no bar: a test that has one asserts it. It's what a reader wants to know besides.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

Figure = Callable[[str], None]
"""Takes one line, with its unit: 'from a host's end to all healthy again: 21.4 s'."""

_NAME = "figure"


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Tells a figure of this test, which the end of the run shows."""
    return lambda line: record_property(_NAME, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each passed test's figures below its name."""
    told = [
        (report.nodeid, str(line))
        for report in terminalreporter.stats.get("passed", [])
        for name, line in report.user_properties
        if name == _NAME
    ]
    if told:
        terminalreporter.section("figures")
    for nodeid, line in told:
        terminalreporter.write_line(f"{nodeid.rpartition('/')[2]}: {line}")
