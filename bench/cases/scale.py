"""A thousand simulated hosts beside ten; the program itself keeps to the limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Command, Sides, case
from bench.programs import python
from bench.scale import JOBS

ROOT = Path(__file__).parents[2]


def _register(job: str) -> None:
    limit = JOBS[job]

    @case(
        f"{job}-1000",
        what=f"{job} on 1,000 hosts, in {limit.seconds:g} s and {limit.mebibytes} MiB at most",
        peer="100 hosts",
        bar=None,
        runs=3,
    )
    @contextmanager
    def scale(_: Path) -> Iterator[Sides]:
        words = (python(), "-m", "bench.scale", job)
        fewer = Command((*words, "--hosts=100"), cwd=ROOT)
        yield Sides(nap=Command(words, cwd=ROOT), peer=fewer)


for each in JOBS:
    _register(each)
