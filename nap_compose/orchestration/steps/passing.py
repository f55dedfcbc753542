"""Faults of engines and their networks that pass by themselves within seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from nap_compose.cluster.engine import EngineError
from nap_compose.orchestration.steps.workshop import Report
from nap_compose.plaindata import dataclass

T = TypeVar("T")

LOOK = 0.1
"""Seconds between two looks whether somebody who pauses is still to go on."""


@dataclass(frozen=True)
class Passing:
    """A fault that passes: how it reads, for how many seconds from its first time on it is met
    with another try, and how many seconds later that try is made."""

    sign: re.Pattern[str]
    within: float
    pause: float = 0.3


_ELECTION = Passing(
    re.compile("does not have a leader|raft: failed to process|code = Unavailable"), 40.0
)
"""What a manager says while the swarm's managers choose a new leader."""

_JOIN = Passing(re.compile("attaching to network failed, make sure"), 60.0, pause=13.0)
"""What an engine says that has waited 20 s for a network to come to its host. It asks another
engine for what that knows of the network, and where it asks the same one twice at once, it waits
30 s for the first answer in vain, then goes on. A try before that would be given the first one's
address, which the managers have taken back by then."""

_NO_ANSWER = Passing(
    re.compile(r"Could not attach to network \S+: context deadline exceeded"), 25.0, pause=1.0
)
"""What an engine says that has asked the managers for 20 s in vain: one that has only just come
back to them is heard the next time. Where they have no quorum it stays so, and is said then."""

_NOT_YET = Passing(re.compile(r"network \S+ not found"), 5.0, pause=0.5)
"""What an engine may say after such a wait, until it has heard of the network; else it's gone."""

_STORE = Passing(
    re.compile(
        r"failed to update store|connect: network is unreachable|"
        r"(dial tcp .*: connect: connection refused)|network \S+ not found"
    ),
    5.0,
)
"""What an engine says that can't reach its cluster store just now. Engine 20.10 leaves threads
behind in the namespaces of overlay networks that it removed: what it asks from there fails, and
what it asks a moment later, from another thread, doesn't."""

_PASSES = {"swarm": (_ELECTION, _JOIN, _NO_ANSWER, _NOT_YET), "consul": (_STORE,)}
"""What passes on which kind of overlay network."""


def passes(error: EngineError, overlay: str = "") -> Passing | None:
    """Which fault that passes it is, if it is one. `overlay` is swarm or consul; empty: either."""
    kinds = [kind for name, kinds in _PASSES.items() if overlay in ("", name) for kind in kinds]
    return next((kind for kind in kinds if kind.sign.search(error.message)), None)


def until_it_passes(
    act: Callable[[], T],
    overlay: str,
    report: Report | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> T:
    """Do it, and again while it fails with a fault that passes on such an overlay network.

    `act` can be repeated. Once it is `stopped` nothing more is tried.
    """
    first: dict[Passing, float] = {}
    while True:
        began = time.monotonic()
        try:
            return act()
        except EngineError as error:
            fault = passes(error, overlay)
            if fault is None or time.monotonic() - first.setdefault(fault, began) >= fault.within:
                raise
            if report is not None:
                report("trying again")
            if not _paused(fault.pause, stopped):
                raise


def _paused(seconds: float, stopped: Callable[[], bool]) -> bool:
    """Let so much time go by; whether it did before it was stopped."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if stopped():
            return False
        time.sleep(min(left, LOOK))
    return True
