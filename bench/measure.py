"""Timing: both sides in turn, so that whatever else the machine does falls on both alike."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.case import Command, Sides

RESAMPLES = 2000
SEED = 20240501
"""The interval is drawn by lot, but for the same times it is always the same."""


NOT_OURS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""What slows Python down while one works on it; people run what is installed and compiled."""


class Broken(Exception):
    """A side didn't do its job, so its time means nothing."""


@dataclass(frozen=True)
class Times:
    """Seconds that each run took, pair by pair."""

    nap: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """nap's median over the peer's: below 1, nap is faster."""
        return median(self.nap) / median(self.peer)

    def beyond(self, start: Times) -> tuple[float, float]:
        """What nap and the peer take at the median beyond what they take in `start`, in seconds."""
        return (
            max(median(self.nap) - median(start.nap), 0.0),
            max(median(self.peer) - median(start.peer), 0.0),
        )

    def interval(self, share: float = 0.95) -> tuple[float, float]:
        """Where the ratio lies with a probability of `share`: pairs drawn with replacement."""
        lot = random.Random(SEED)
        pairs = list(zip(self.nap, self.peer, strict=True))
        ratios = sorted(_ratio(lot.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
        outside = int(RESAMPLES * (1 - share) / 2)
        return ratios[outside], ratios[-1 - outside]


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return median(nap for nap, _ in pairs) / median(peer for _, peer in pairs)


def measure(sides: Sides, runs: int) -> Times:
    """Run the two in turn, `runs` times each, after one run each that fills the caches."""
    seconds(sides.nap)
    seconds(sides.peer)
    nap, peer = [], []
    for number in range(runs):
        # Who goes first changes, too: what one leaves behind may help or hinder the next.
        for side in _turn(number):
            if side == "nap":
                nap.append(seconds(sides.nap))
            else:
                peer.append(seconds(sides.peer))
    return Times(tuple(nap), tuple(peer))


def _turn(number: int) -> Iterator[str]:
    yield from ("nap", "peer") if number % 2 == 0 else ("peer", "nap")


def seconds(command: Command) -> float:
    """How long one run takes; raises Broken where it doesn't end with 0."""
    if command.before:
        run(command, command.before)
    began = time.perf_counter()
    run(command, command.argv)
    took = time.perf_counter() - began
    if command.after:
        run(command, command.after)
    return took


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What a program that is measured finds in its environment: what people have, and `own`."""
    return {key: value for key, value in os.environ.items() if key not in NOT_OURS} | {**own}


def run(command: Command, argv: Sequence[str]) -> None:
    """Run a program where and as the command says; raises Broken where it doesn't end with 0."""
    _run(command, argv, subprocess.DEVNULL)


def said(command: Command, argv: Sequence[str]) -> str:
    """As `run`; what it printed."""
    return _run(command, argv, subprocess.PIPE).decode("utf-8", "replace")


def _run(command: Command, argv: Sequence[str], stdout: int) -> bytes:
    ended = subprocess.run(
        argv,
        cwd=command.cwd,
        env=environment(command.env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ended.returncode:
        text = ended.stderr.decode("utf-8", "replace").strip()
        raise Broken(f"`{' '.join(argv)}` ended with {ended.returncode}: {text[-500:]}")
    return ended.stdout or b""
