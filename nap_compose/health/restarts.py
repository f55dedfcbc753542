"""When a container that ended, or stays unhealthy, is started again. Pure."""

from __future__ import annotations

from dataclasses import replace

from nap_compose.health.rules import Restart
from nap_compose.plaindata import dataclass

FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
"""Seconds between restarts where the policy doesn't say: none before the first one, then these,
doubled each time."""


@dataclass(frozen=True)
class Tries:
    """How often a container was started again without having worked, and when the last time;
    `given_up` once that was told. Times in seconds on one clock."""

    count: int = 0
    at: float = 0.0
    given_up: bool = False


NEW = Tries()


@dataclass(frozen=True)
class Ended:
    """A container that has ended `at`, after `ran` seconds, with `code`."""

    code: int
    ran: float


@dataclass(frozen=True)
class Verdict:
    """`due` is when to start it (None: not at all); `tries` is what to remember once it was
    started, or given up; `why` says in words why not."""

    due: float | None
    tries: Tries = NEW
    why: str = ""


def after_end(policy: Restart, ended: Ended, tries: Tries, now: float) -> Verdict:
    """What becomes of a container that has ended."""
    if policy.condition == "none" or (policy.condition == "on-failure" and ended.code == 0):
        return Verdict(None, NEW)
    if ended.ran >= policy.window:
        tries = NEW  # the last restart has worked
    if policy.attempts and tries.count >= policy.attempts:
        return Verdict(
            None,
            replace(tries, given_up=True),
            f"it was started {tries.count} times and ended with code {ended.code} each time",
        )
    due = max(now, tries.at + pause(policy, tries)) if tries.count else _first(policy, now)
    return Verdict(due, Tries(tries.count + 1, due))


def when_unhealthy(
    policy: Restart, unhealthy_for: float, patience: float | None, tries: Tries, now: float
) -> Verdict:
    """What becomes of one that is unhealthy; `patience` None: it is left alone."""
    if patience is None or policy.condition == "none" or unhealthy_for < patience:
        return Verdict(None, tries)
    if policy.attempts and tries.count >= policy.attempts:
        return Verdict(None, replace(tries, given_up=True), "it stayed unhealthy each time")
    if tries.count and now < tries.at + patience * 2 ** min(tries.count, 6):
        return Verdict(None, tries)
    return Verdict(now, Tries(tries.count + 1, now))


def pause(policy: Restart, tries: Tries) -> float:
    """Seconds from the last restart to the next."""
    if policy.delay is not None:
        return policy.delay
    return min(LAST_PAUSE, FIRST_PAUSE * 2.0 ** (tries.count - 1))


def _first(policy: Restart, now: float) -> float:
    return now + (policy.delay or 0.0)


@dataclass(frozen=True)
class Backoff:
    """Failures of one thing in a row, and until when it is left alone."""

    failures: int = 0
    until: float = 0.0

    def failed(self, now: float, *, first: float = 10.0, most: float = 600.0) -> Backoff:
        """After one more failure."""
        return Backoff(self.failures + 1, now + min(most, first * 2.0**self.failures))

    def waits(self, now: float) -> bool:
        """Whether it is still left alone."""
        return now < self.until
