"""Faults of engines and their networks that pass by themselves within seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from nap_compose.cluster.engine import EngineError
from nap_compose.orchestration.steps.workshop import Report

T = TypeVar("T")

PAUSE = 0.3
"""Seconds between two tries."""

_ELECTION = re.compile("does not have a leader|raft: failed to process|code = Unavailable")
"""What a manager says while the swarm's managers choose a new leader."""

_STORE = re.compile(
    r"failed to update store|connect: network is unreachable|"
    r"(dial tcp .*: connect: connection refused)|network \S+ not found"
)
"""What an engine says that can't reach its cluster store just now. Engine 20.10 leaves threads
behind in the namespaces of overlay networks that it removed: what it asks from there fails, and
what it asks a moment later, from another thread, doesn't."""

_PATIENCE = ((_ELECTION, 20.0), (_STORE, 5.0))
"""For how long each is waited for, seconds."""


def patience_with(error: EngineError) -> float:
    """For how many seconds the fault may be expected to pass; 0 where it isn't one that does."""
    return max((within for sign, within in _PATIENCE if sign.search(error.message)), default=0.0)


def until_it_passes(act: Callable[[], T], report: Report | None = None) -> T:
    """Do it, and again while it fails with a fault that passes. `act` can be repeated."""
    began = time.monotonic()
    while True:
        try:
            return act()
        except EngineError as error:
            if time.monotonic() - began >= patience_with(error):
                raise
        if report is not None:
            report("trying again")
        time.sleep(PAUSE)
