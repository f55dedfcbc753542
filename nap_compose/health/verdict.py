"""What a container's state means for whoever waits for it. Pure."""

from __future__ import annotations

from enum import Enum

from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import Condition
from nap_compose.plaindata import dataclass

TRIES = 5
"""Restarts by the engine after which a container that still ends is in a crash loop. Its pauses
double from 0.1 s, so they have taken 3 s at least."""


class Word(str, Enum):
    """Whether what was asked for is met, can still come, or never will."""

    MET = "met"
    PENDING = "pending"
    HOPELESS = "hopeless"


@dataclass(frozen=True)
class Verdict:
    """`text` is a short phrase for a person: "healthy", "exited with code 3"."""

    word: Word
    text: str


def judge(container: ContainerView | None, condition: Condition) -> Verdict:
    """Whether `container` meets `condition`, as Compose means it.

    Where nothing but a start is asked for, a container with a health check must still become
    healthy: that is what `up` waits for. One that ended well has done its work.
    """
    if container is None:
        return Verdict(Word.HOPELESS, "is gone")
    if container.state in ("exited", "dead"):
        return _ended(container, condition)
    if condition is Condition.COMPLETED:
        return Verdict(Word.PENDING, "running")
    if container.health == "unhealthy":
        return Verdict(Word.HOPELESS, "unhealthy")
    if container.state != "running":
        return Verdict(Word.PENDING, container.state)
    if container.health == "starting":
        return Verdict(Word.PENDING, "health: starting")
    if condition is Condition.HEALTHY and container.health == "none":
        return Verdict(Word.HOPELESS, "has no health check, but others wait for it to be healthy")
    return Verdict(Word.MET, "healthy" if container.health == "healthy" else "running")


def looping(restarts: int, code: int) -> Verdict | None:
    """What it means that a container ended with `code` once more after so many restarts; None:
    nothing yet."""
    if restarts < TRIES:
        return None
    return Verdict(Word.HOPELESS, f"keeps restarting: exited with code {code}, {restarts} times")


def _ended(container: ContainerView, condition: Condition) -> Verdict:
    code = container.exit_code
    if code == 0 and condition is not Condition.HEALTHY:
        return Verdict(Word.MET, "completed")
    return Verdict(Word.HOPELESS, f"exited with code {code}")
