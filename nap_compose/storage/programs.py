"""MooseFS's own programs, the only way in which nap asks its master anything."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import Away, NapError

PATIENCE = 20.0
"""Seconds that one of them may take: all of them ask the master once."""

KNOCK = 5.0
"""Seconds that the master may take to accept a connection."""

SEPARATOR = "|"
"""Between the cells of what `mfscli` prints."""

_NOT_THERE = ("master servers not found", "Can't find masters", "can't connect", "register to mast")


def run(moosefs: Moosefs, program: str, *words: str | Path, patience: float = PATIENCE) -> str:
    """What the program prints.

    Raises Away where the master doesn't answer, NapError where the program isn't there or fails.
    """
    command = [str(moosefs.tools / program) if moosefs.tools else program, *map(str, words)]
    beside = moosefs.tools.parent / "sbin" / program if moosefs.tools else Path(command[0])
    if moosefs.tools and not Path(command[0]).exists() and beside.exists():
        command[0] = str(beside)  # the master's own programs are for the system's administrator
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=patience, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise NapError(
            f"MooseFS's program {command[0]} isn't there",
            hint="install moosefs-client and moosefs-cli where nap runs, "
            "or say under storage.moosefs.tools where they are",
        ) from None
    except OSError as error:
        raise NapError(f"{command[0]} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise away(moosefs, f"{program} had no answer within {patience:g} s") from None
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if any(sign in said for sign in _NOT_THERE):
        raise away(moosefs, said.splitlines()[0])
    if done.returncode:
        raise NapError(f"{program} failed: {_last(said)}")
    return said


def ask(moosefs: Moosefs, *sets: str) -> list[list[str]]:
    """The rows of these sets of `mfscli` (IG, IC, CS …), each as its cells; the first one names
    the set."""
    knock(moosefs)
    words = ["-n", "-s", SEPARATOR, "-H", moosefs.master, "-P", str(moosefs.port)]
    said = run(moosefs, "mfscli", *words, *(f"-S{each}" for each in sets))
    return [line.split(SEPARATOR) for line in said.splitlines() if SEPARATOR in line]


def knock(moosefs: Moosefs) -> None:
    """See whether the master is there, for which `mfscli` would wait long; raises Away."""
    try:
        socket.create_connection((moosefs.master, moosefs.port), timeout=KNOCK).close()
    except OSError as error:
        raise away(moosefs, error.strerror or str(error)) from None


def away(moosefs: Moosefs, why: str) -> Away:
    """The error where the master doesn't answer."""
    return Away(
        f"the MooseFS master {moosefs.master}:{moosefs.port} doesn't answer: {why}",
        hint="what is on cluster storage waits until it is back; start it, "
        "then run the command again",
    )


def _last(said: str) -> str:
    lines: Iterable[str] = said.splitlines()
    return next((line for line in reversed([*lines]) if line.strip()), "it said nothing")
