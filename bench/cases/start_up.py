"""How long it takes until nap does anything at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Command, Sides, case
from bench.programs import nap, python

BARE = "python, click"
TWICE = 2.0


@case("version", what="nap --version", peer=BARE, bar=TWICE, runs=25)
@contextmanager
def version(_: Path) -> Iterator[Sides]:
    yield _against_bare_click("--version")


@case("help", what="nap --help", peer=BARE, bar=TWICE, runs=25)
@contextmanager
def help_(_: Path) -> Iterator[Sides]:
    yield _against_bare_click("--help")


def _against_bare_click(option: str) -> Sides:
    """The floor for any command in Python: an interpreter that has imported click."""
    return Sides(nap=Command((nap(), option)), peer=Command((python(), "-c", "import click")))
