"""Logs: a million lines beside Compose, a gigabyte beside zgrep, and what a collector takes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from bench.case import CannotRun, Command, Sides, case
from bench.cases.engine import engine
from bench.keeping import keep
from bench.measure import Broken, run, said
from bench.programs import docker_compose, nap

MILLION = 1_000_000
PRINTS = f"""\
services:
  web:
    image: busybox:1
    init: true
    logging: {{driver: json-file, options: {{max-size: 1g}}}}
    command:
      - sh
      - -c
      - seq 1 {MILLION} | sed 's/^/a line as long as they are, about request /'; sleep 1000000
"""
NEEDLE = "request 7777777 "
SIZE = 1 << 30
RATE = 50_000
PATIENCE = 180.0
"""Seconds that a container may take to print all its lines."""


@contextmanager
def printed(folder: Path) -> Iterator[tuple[Command, Command]]:
    """A container of the app bench that has printed a million lines; nap and Compose for it."""
    (folder / "app.yml").write_text(PRINTS)
    compose, env = docker_compose(folder)
    with engine() as address:
        home = {"DOCKER_HOST": address, "HOME": str(folder)}
        nap_home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "c")}
        ours = Command((nap(),), folder, {**home, **nap_home})
        theirs = Command((*compose, "-f", "app.yml", "-p", "bench"), folder, {**home, **env})
        run(theirs, (*theirs.argv, "up", "-d"))
        _until_printed(theirs)
        yield ours, theirs


def _until_printed(program: Command) -> None:
    """Wait until the engine has the last line."""
    last = (*program.argv, "logs", "--no-log-prefix", "--tail", "1")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if said(program, last).split()[-1:] == [str(MILLION)]:
            return
        time.sleep(0.5)
    raise Broken(f"the container hasn't printed {MILLION:,} lines within {PATIENCE:.0f} s")


@case(
    "logs-million",
    what="logs of one container with a million lines",
    peer="docker compose",
    bar=1.0,
    runs=5,
)
@contextmanager
def million(folder: Path) -> Iterator[Sides]:
    with printed(folder) as (ours, theirs):
        words = ("--file", "app.yml", "-p", "bench")
        yield Sides(
            nap=replace(ours, argv=(*ours.argv, "logs", *words)),
            peer=replace(theirs, argv=(*theirs.argv, "logs")),
        )


@case(
    "logs-collect",
    what="a million lines kept by the collector, which has one processor",
    peer=f"{RATE:,} lines a second",
    bar=1.0,
    runs=3,
)
@contextmanager
def collect(folder: Path) -> Iterator[Sides]:
    if not hasattr(os, "sched_setaffinity") or (taskset := shutil.which("taskset")) is None:
        raise CannotRun("a program can't be held to one processor here: taskset is missing")
    with printed(folder) as (ours, _):
        one = (taskset, "-c", str(min(os.sched_getaffinity(0))))
        yield Sides(
            nap=replace(
                ours,
                argv=(*one, *ours.argv, "logs", "collect", "--once"),
                before=("rm", "-rf", str(folder / "state")),
            ),
            peer=Command(("sleep", str(MILLION / RATE))),
        )


@cache
def _kept() -> Path:
    """A state folder with a gigabyte of kept logs, made once for all cases."""
    folder = Path(tempfile.mkdtemp(prefix="nap-bench-"))
    atexit.register(shutil.rmtree, folder)
    keep(folder / "nap" / "logs", SIZE)
    return folder


def _searching(pattern: str) -> Callable[[Path], AbstractContextManager[Sides]]:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Sides]:
        state = _kept()
        files = sorted(map(str, state.rglob("*.log*")))
        home = {"HOME": str(folder), "XDG_STATE_HOME": str(state)}
        words = ("logs", "search", "-p", "bench", pattern)
        yield Sides(
            nap=Command((nap(), *words), folder, home),
            peer=Command(("zgrep", "-h", "-E", pattern, *files), folder),
        )

    return prepare


case(
    "logs-search",
    what="search of 1 GiB of kept logs for a text",
    peer="zgrep",
    bar=1.5,
    runs=3,
)(_searching(NEEDLE))
case(
    "logs-search-regex",
    what="the same for a regular expression",
    peer="zgrep",
    bar=1.5,
    runs=3,
)(_searching("request 77777[0-9]+ took 1[0-9]* ms"))
