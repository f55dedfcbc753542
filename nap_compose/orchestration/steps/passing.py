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

_PATIENCE = {"swarm": (_ELECTION, 20.0), "consul": (_STORE, 5.0)}
"""What passes on which kind of overlay network, and for how many seconds it is waited for."""


def patience_with(error: EngineError, overlay: str = "") -> float:
    """For how many seconds a fault may be expected to pass; 0 where it isn't one that does.

    `overlay` is swarm or consul; empty: either.
    """
    kinds = [kind for name, kind in _PATIENCE.items() if overlay in ("", name)]
    return max((within for sign, within in kinds if sign.search(error.message)), default=0.0)


def until_it_passes(act: Callable[[], T], overlay: str, report: Report | None = None) -> T:
    """Do it, and again while it fails with a fault that passes on such an overlay network.

    `act` can be repeated.
    """
    began = time.monotonic()
    while True:
        try:
            return act()
        except EngineError as error:
            if time.monotonic() - began >= patience_with(error, overlay):
                raise
        if report is not None:
            report("trying again")
        time.sleep(PAUSE)
