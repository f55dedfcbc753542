"""What the leading watcher begins, and what it makes of how that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nap_compose.clock import utc_now
from nap_compose.control.watching.acts import Acts, failure, told_of
from nap_compose.control.watching.judgement import Judgement
from nap_compose.control.watching.memory import Memory
from nap_compose.control.watching.repair import Repairer
from nap_compose.control.watching.restarting import Due, Restarting
from nap_compose.control.watching.tasks import FENCE, Ended, Tasks
from nap_compose.errors import NapError
from nap_compose.health.changes import Changes
from nap_compose.health.failover import Clear, Fence
from nap_compose.health.records import ContainerRecord, HostHealth

GRACE = 20.0
"""Seconds that what was begun has to come to its end, once the watcher must stop."""


class Hands:
    """Acts as `judgement` says, while the watcher `goes_on`."""

    def __init__(
        self,
        judgement: Judgement,
        memory: Memory,
        tasks: Tasks,
        repair: Repairer,
        goes_on: Callable[[], bool],
    ) -> None:
        self._judgement, self._memory = judgement, memory
        self._tasks, self._repair = tasks, repair
        self._goes_on = goes_on
        self._acts = Acts(repair, memory.figures)
        self._restarting = Restarting(
            judgement.rules, judgement.is_wanted, judgement.parts.cluster.watching.unhealthy
        )

    def soonest(self) -> float:
        """When a container is to be started again next, in seconds since 1970; infinite where none
        is."""
        return self._restarting.soonest()

    def may_fence(self, host: str) -> bool:
        """Whether a host could be turned off now."""
        return self._tasks.free((FENCE, host)) and not self._tasks.rests((FENCE, host))

    def act(self) -> None:
        """Begin what was decided."""
        for act in self._judgement.decision.acts:
            if isinstance(act, Fence):
                self._tasks.begin((FENCE, act.host), partial(self._acts.fence, act))
            elif isinstance(act, Clear):
                record = self._memory.known.containers.get(act.slot)
                if record is not None:
                    self._tasks.begin(act.slot[:2], partial(self._acts.clear, act, record))
            else:
                self._tasks.begin(act.app, partial(self._acts.make_elsewhere, act))

    def settle(self) -> None:
        """Take in what came of what was begun."""
        for ended in self._tasks.settle():
            if ended.after is not None:
                ended.after(ended)
            told = [*ended.told]
            if ended.failed is not None:
                self._memory.figures.failures += 1
                told.append(failure(ended))
            self._memory.tell(told)

    def finish(self) -> None:
        """Let what goes on come to its end, for a while."""
        self._tasks.wait(GRACE)

    def look_after(self) -> None:
        """Find what is to be started again, and let engines leave it to the watcher."""
        if self._judgement.decision.blind:
            return
        self._memory.tell(
            [
                told_of(record, "given up", f"{record.slot} is given up: {why}")
                for record, why in self._restarting.find(self._memory.known)
            ]
        )
        for record in [*self._memory.known.containers.values()]:
            if record.policy not in ("", "no") and self._judgement.rules(record).watched:
                self._take_over(record)

    def restart_what_is_due(self) -> None:
        """Start containers again whose time has come."""
        for due in self._restarting.take(self._can_start):
            app = (due.record.owner, due.record.app)
            if self._tasks.free(app):
                self._restarting.begins(due)
                self._tasks.begin(app, partial(self._acts.restart, due), partial(self._tried, due))
            else:
                self._restarting.put_back(due)

    def _can_start(self, record: ContainerRecord) -> bool:
        """Whether the last sweep saw its host, and managers that let containers be attached."""
        judgement = self._judgement
        state, _ = judgement.decision.hosts.get(record.host, (HostHealth.UP, ""))
        sees = self._memory.sure and judgement.attaches and state is HostHealth.UP
        return sees and self._goes_on() and self._tasks.free((record.owner, record.app))

    def _tried(self, due: Due, ended: Ended) -> None:
        """One was to be started again: count that, or try once more later."""
        if ended.failed is not None:
            self._restarting.failed(due)
        if not ended.told:
            return
        self._restarting.started(due)
        record = due.record
        key = (record.owner, record.app, record.service, record.replica)
        now = self._memory.known.containers.get(key)
        if now is not None and now.container == record.container:
            counted = replace(now, restarts=now.restarts + 1)
            if now.since == record.since:
                # Nobody has seen it run. Where it has ended again, that is to be found.
                counted = replace(counted, state="running", started="", exit_code=None)
            self._memory.write(Changes({key: counted}), utc_now())

    def _take_over(self, record: ContainerRecord) -> None:
        """Its engine is to leave it to the watcher from now on."""
        if record.host not in self._judgement.decision.hosts:
            return
        try:
            self._repair.never_by_itself(record)
        except NapError:
            return  # the next look tries again
        key = (record.owner, record.app, record.service, record.replica)
        self._memory.write(Changes({key: replace(record, policy="no")}), utc_now())
