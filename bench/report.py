"""What came out: a table for people, JSON for whoever compares over time."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from bench.case import Case
from bench.measure import Times


@dataclass(frozen=True)
class Result:
    """A case that ran; or `problem`, where it couldn't or a side failed."""

    case: Case
    times: Times | None = None
    problem: str = ""

    @property
    def verdict(self) -> str:
        """ok, missed, broken, or a dash where there is no bar."""
        if self.times is None:
            return "broken"
        if self.case.bar is None:
            return "-"
        return "ok" if self.times.ratio <= self.case.bar else "missed"

    @property
    def failed(self) -> bool:
        return self.verdict in ("missed", "broken")

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "case": self.case.name,
            "what": self.case.what,
            "peer": self.case.peer,
            "bar": self.case.bar,
            "verdict": self.verdict,
        }
        if self.times is None:
            return {**shown, "problem": self.problem}
        return {
            **shown,
            "ratio": self.times.ratio,
            "interval": self.times.interval(),
            "median_s": {"nap": median(self.times.nap), "peer": median(self.times.peer)},
            "runs_s": {"nap": self.times.nap, "peer": self.times.peer},
        }


HEAD = ("CASE", "PEER", "NAP", "PEER'S", "RATIO", "95 %", "BAR", "")


def table(results: Sequence[Result]) -> str:
    """One line a case; times are medians in milliseconds."""
    rows = [HEAD, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines += _beyond_the_start(results)
    problems = [f"{result.case.name}: {result.problem}" for result in results if result.problem]
    return "\n".join([*lines, *problems])


def _beyond_the_start(results: Sequence[Result]) -> list[str]:
    """The cases with their start-up taken away, where the case that measures it ran too."""
    lines = []
    for name, (nap, peer) in beyond_the_start(results).items():
        ratio = f"  {nap / peer:.2f}" if peer else ""
        lines.append(f"  {name}: {1000 * nap:.0f} ms, peer {1000 * peer:.0f} ms{ratio}")
    return ["", "start-up taken away:", *lines] if lines else []


def beyond_the_start(results: Sequence[Result]) -> dict[str, tuple[float, float]]:
    """What nap and the peer need beyond their start, in seconds, where a case names that."""
    times = {result.case.name: result.times for result in results if result.times}
    return {
        result.case.name: result.times.beyond(start)
        for result in results
        if result.times and (start := times.get(result.case.start))
    }


def _row(result: Result) -> tuple[str, ...]:
    bar = "-" if result.case.bar is None else f"{result.case.bar:.2f}"
    if result.times is None:
        return (result.case.name, result.case.peer, "-", "-", "-", "-", bar, result.verdict)
    low, high = result.times.interval()
    return (
        result.case.name,
        result.case.peer,
        f"{1000 * median(result.times.nap):.0f} ms",
        f"{1000 * median(result.times.peer):.0f} ms",
        f"{result.times.ratio:.2f}",
        f"{low:.2f}..{high:.2f}",
        bar,
        result.verdict,
    )


def write(path: Path, results: Sequence[Result]) -> None:
    """Everything, with the kind of machine it ran on."""
    document = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "arch": platform.machine(),
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
        },
        "results": [result.to_json() for result in results],
        "beyond_the_start_s": {
            name: {"nap": nap, "peer": peer}
            for name, (nap, peer) in beyond_the_start(results).items()
        },
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
