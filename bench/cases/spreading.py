"""An app on three and on six fake hosts; the program itself compares them with one host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Command, Sides, case
from bench.programs import python
from bench.spreading import BARS, SERVICES

ROOT = Path(__file__).parents[2]


def _register(hosts: int) -> None:
    @case(
        f"spread-{hosts}",
        what=f"up of {SERVICES} services on {hosts} hosts, in {BARS[hosts]:g} of the time on one",
        peer="one host",
        bar=None,
        runs=1,
    )
    @contextmanager
    def spread(_: Path) -> Iterator[Sides]:
        words = (python(), "-m", "bench.spreading")
        yield Sides(
            nap=Command((*words, str(hosts)), cwd=ROOT), peer=Command((*words, "1"), cwd=ROOT)
        )


for each in BARS:
    _register(each)
