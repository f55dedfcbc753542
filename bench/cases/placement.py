"""Where 5,000 replicas go on 1,000 hosts; the program itself keeps to 5 s and 300 MiB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Command, Sides, case
from bench.programs import python

ROOT = Path(__file__).parents[2]


@case(
    "placement",
    what="5,000 replicas on 1,000 hosts, in 5 s of processor time and 300 MiB at most",
    peer="the hosts alone",
    bar=None,
    runs=3,
)
@contextmanager
def placement(_: Path) -> Iterator[Sides]:
    words = (python(), "-m", "bench.placing")
    yield Sides(nap=Command(words, cwd=ROOT), peer=Command((*words, "--only-look"), cwd=ROOT))
