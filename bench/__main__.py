"""python -m bench: run the cases, print a table, fail when a bar is missed."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import bench.cases
from bench.case import CASES, CannotRun, Case
from bench.measure import Broken, measure
from bench.report import Result, table, write


def main(argv: Sequence[str] | None = None) -> int:
    for module in pkgutil.iter_modules(bench.cases.__path__):
        importlib.import_module(f"bench.cases.{module.name}")
    options = _parser().parse_args(argv)
    chosen = _chosen(options.cases)
    if options.list:
        for case in chosen:
            print(f"{case.name:<16} {case.what}")
        return 0
    results = [_run(case, options.runs) for case in chosen]
    print(table(results))
    write(options.json, results)
    return int(any(result.failed for result in results))


def _run(case: Case, runs: int | None) -> Result:
    print(f"{case.name}: {case.what}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="nap-bench-") as folder:
        try:
            with case.prepare(Path(folder)) as sides:
                return Result(case, measure(sides, runs or case.runs))
        except (Broken, CannotRun) as problem:
            return Result(case, problem=str(problem))


def _chosen(patterns: Sequence[str]) -> list[Case]:
    """The cases whose names fit a pattern; all where none is given."""
    unknown = [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in CASES)]
    if unknown:
        sys.exit(f"bench: no case {', '.join(unknown)}; there are {', '.join(sorted(CASES))}")
    return [
        case
        for name, case in sorted(CASES.items())
        if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names or patterns ('config-*')")
    parser.add_argument("--list", action="store_true", help="only show the cases")
    parser.add_argument("--runs", type=int, help="timed runs of each side (the case's own)")
    parser.add_argument(
        "--json", type=Path, default=Path("bench-results.json"), help="where all times go"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
