"""Which containers are to be started again, and when."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from nap_compose.control.watching.models import Rules
from nap_compose.health import restarts
from nap_compose.health.changes import Known
from nap_compose.health.records import ContainerRecord
from nap_compose.health.restarts import Ended, Tries
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Due:
    """A container that is to be started again `at` (seconds since 1970); `tries` is what is to be
    remembered then."""

    at: float
    record: ContainerRecord
    tries: Tries
    unhealthy: bool = False


class Restarting:
    """Remembers, by container, how often it was started again and what is due."""

    def __init__(
        self,
        rules: Callable[[ContainerRecord], Rules],
        wanted: Callable[[ContainerRecord], bool],
        unhealthy: float | None,
    ) -> None:
        """`rules` of its service; whether it is `wanted` to run; `unhealthy` is for how many
        seconds one may be unhealthy (None: for ever)."""
        self._rules = rules
        self._wanted = wanted
        self._patience = unhealthy
        self._tries: dict[str, Tries] = {}
        self._ends: dict[str, str] = {}
        self._due: dict[str, Due] = {}

    def find(self, known: Known) -> list[tuple[ContainerRecord, str]]:
        """Look through the records for what has ended or stays unhealthy; gives those that are
        given up just now, and why."""
        given_up = []
        for record in known.containers.values():
            if record.state == "exited":
                why = self._has_ended(record)
                given_up += [(record, why)] if why else []
            elif record.health == "unhealthy":
                self._is_unwell(record)
        there = {record.container for record in known.containers.values()}
        for remembered in (self._tries, self._ends, self._due):
            for gone in set(remembered) - there:
                del remembered[gone]
        return given_up

    def soonest(self) -> float:
        """When the next one is due, in seconds since 1970; infinite where none is."""
        return min((due.at for due in self._due.values()), default=math.inf)

    def take(self, ready: Callable[[ContainerRecord], bool]) -> list[Due]:
        """Those that are due now and can be started; they are due no more."""
        now = time.time()
        found = [due for due in self._due.values() if due.at <= now and ready(due.record)]
        for due in found:
            del self._due[due.record.container]
        return found

    def put_back(self, due: Due) -> None:
        """It couldn't be seen to just now."""
        self._due[due.record.container] = due

    def begins(self, due: Due) -> None:
        """It is being started: that counts, also where it ends before anybody hears of its
        start."""
        self._tries[due.record.container] = due.tries

    def started(self, due: Due) -> None:
        """It was started just now, maybe later than it was due: the next pause counts from here,
        also where it was seen to end before its engine had answered."""
        container, now = due.record.container, time.time()
        tries = replace(self._tries.get(container, due.tries), at=now)
        self._tries[container] = tries
        following = self._due.get(container)
        if following is not None:
            soonest = now + restarts.pause(self._rules(due.record).restart, tries)
            self._due[container] = replace(following, at=max(following.at, soonest))

    def failed(self, due: Due) -> None:
        """It couldn't be started: that counts as a try."""
        pause = max(1.0, restarts.pause(self._rules(due.record).restart, due.tries))
        self._due[due.record.container] = replace(due, at=time.time() + pause)

    def _has_ended(self, record: ContainerRecord) -> str:
        """Take in an end, each once; gives why it is given up, where it is."""
        if self._ends.get(record.container) == record.since or not self._wanted(record):
            return ""
        rules = self._rules(record)
        if not rules.watched:
            return ""
        self._ends[record.container] = record.since
        ended = Ended(record.exit_code or 0, _between(record.started, record.since))
        before = self._tries.get(record.container, Tries())
        verdict = restarts.after_end(rules.restart, ended, before, time.time())
        if verdict.due is not None:
            self._due[record.container] = Due(verdict.due, record, verdict.tries)
            return ""
        self._tries[record.container] = verdict.tries
        return "" if before.given_up else verdict.why

    def _is_unwell(self, record: ContainerRecord) -> None:
        if record.container in self._due or not self._wanted(record):
            return
        before = self._tries.get(record.container, Tries())
        now = time.time()
        verdict = restarts.when_unhealthy(
            self._rules(record).restart, now - _seconds(record.since), self._patience, before, now
        )
        if verdict.due is not None:
            self._due[record.container] = Due(verdict.due, record, verdict.tries, unhealthy=True)


def _between(began: str, ended: str) -> float:
    return max(0.0, _seconds(ended) - _seconds(began)) if began and ended else 0.0


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
