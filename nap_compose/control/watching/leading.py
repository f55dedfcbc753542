"""The watcher that leads: it sweeps, hears, writes down, decides and acts, until it must stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import field, replace

from nap_compose.border import Cancel
from nap_compose.cluster.app_lock import origin
from nap_compose.cluster.members import Members
from nap_compose.cluster.state import Lease, StoreAway
from nap_compose.cluster.view import View
from nap_compose.control.parts import Parts
from nap_compose.control.watching.cataloguing import Cataloguing
from nap_compose.control.watching.figures import Figures
from nap_compose.control.watching.hands import Hands
from nap_compose.control.watching.hosts_seen import Silence, sights
from nap_compose.control.watching.judgement import Judgement
from nap_compose.control.watching.memory import Memory
from nap_compose.control.watching.repair import Repairer
from nap_compose.control.watching.senses import Senses
from nap_compose.control.watching.sweeping import Sweep, sweeper_of
from nap_compose.control.watching.tasks import Tasks
from nap_compose.health.book import HealthBook
from nap_compose.health.changes import Changes, Known, compare, compare_hosts, together
from nap_compose.health.hosts import hosts_of
from nap_compose.health.proof import StoredProofs
from nap_compose.health.records import Heartbeat, HostHealth
from nap_compose.health.sweep import Sight
from nap_compose.plaindata import dataclass

TICK = 0.25
"""Seconds after which the watcher looks whether it must stop."""


@dataclass
class Leading:
    """One watcher's time as the leader. What it knew before counts for nothing: it reads the
    records, sweeps, and acts on what it has seen itself. `_glanced` is when it last looked at a
    host because of an event."""

    parts: Parts
    name: str
    lease: Lease
    members: Members
    cataloguing: Cataloguing
    senses: Senses
    cancel: Cancel
    say: Callable[[str], None]
    figures: Figures
    _glanced: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cluster = self.parts.cluster
        self._acting = cluster.failover is not None
        self._every = cluster.watching.sweep
        self._sweeper = sweeper_of(self.parts)
        book = HealthBook(self.parts.store)
        self._memory = Memory(book, self.cataloguing, self.figures, self.say)
        tasks = Tasks(self.senses.listener.wake)
        self._judgement = Judgement(self.parts, self._memory, tasks)
        repair = Repairer(cluster, self.lease, self.cancel)
        self._hands = Hands(self._judgement, self._memory, tasks, repair, self._goes_on)

    def lead(self) -> None:
        """Go on until the lease is lost or somebody wants an end. Raises StoreAway where the
        records can't be read to begin with."""
        self._memory.begin()
        self._silence = Silence(self.known.hosts)
        sweep: Sweep | None = None
        following = time.monotonic()
        while self._goes_on():
            if sweep is None and time.monotonic() >= following:
                following = time.monotonic() + self._every
                # In a thread of its own: a host that hangs holds up nothing else.
                sweep = Sweep(self.parts, self._sweeper, self.members, self.known)
                sweep.begin(self.senses.listener.wake)
            pause = _pause(math.inf if sweep else following, self._hands.soonest())
            hosts = self.senses.listener.hosts(pause)
            self._hands.settle()
            if sweep is not None and sweep.done and self._goes_on():
                self._take_in(sweep)
                sweep = None
            if hosts and self._goes_on():
                self._glance(hosts)
            self._hands.restart_what_is_due()
        self._hands.finish()
        if not self.lease.lost:
            self._hands.settle()

    @property
    def known(self) -> Known:
        """What it knows of containers and hosts."""
        return self._memory.known

    def _goes_on(self) -> bool:
        return not (self.cancel.level or self.lease.lost)

    # -- after a sweep

    def _take_in(self, sweep: Sweep) -> None:
        sight, memory = sweep.sight(), self._memory
        memory.sure = sweep.away is None
        if sweep.away is not None:
            memory.lacks_the_store(sweep.away)
        else:
            self._judgement.wanted = sweep.wanted
        self._silence.heed(sight.view)
        seen = self._not_glanced_at(sight.view, sweep.began)
        changes = compare(self.known, seen, sight.details, sight.at)
        self._decide(sight, sweep, self.known.after(changes))
        memory.write(together((self._hosts_changed(sight, sweep), changes)), sight.at)
        if self._goes_on():
            memory.enter(seen)
        self.figures.swept(sight.took, self.known)
        if memory.sure and self._goes_on():
            self._after_the_sweep(sight, sweep)

    def _decide(self, sight: Sight, sweep: Sweep, known: Known) -> None:
        cluster = self.parts.cluster
        hosts = sights(
            cluster,
            sight.view,
            self._silence,
            None if sweep.away else sweep.members,
            self.known.hosts,
            sweep.proofs,
            {name: self._hands.may_fence(name) for name in cluster.hosts},
        )
        self._judgement.decide(hosts, known, sight.view)

    def _after_the_sweep(self, sight: Sight, sweep: Sweep) -> None:
        try:
            for name in sweep.proofs:
                if name in sight.view.hosts:
                    StoredProofs(self.parts.store).withdraw(name)
            self._memory.beat(self._heartbeat(sight))
        except StoreAway as error:
            self._memory.lacks_the_store(error)
            return
        self._memory.tell(self._judgement.waits())
        if self._acting:
            self._hands.act()
            self._hands.look_after()

    def _not_glanced_at(self, view: View, began: float) -> View:
        """The sweep's view without hosts that were looked at since it began: what it saw of them
        may be older."""
        glanced = {name for name, at in self._glanced.items() if at >= began}
        return replace(view, hosts={n: h for n, h in view.hosts.items() if n not in glanced})

    def _hosts_changed(self, sight: Sight, sweep: Sweep) -> Changes:
        found = hosts_of(sight.view, self.known.hosts, self.senses.mounts.lost())
        for name, member in sweep.members.items():
            if name in found:
                found[name] = replace(found[name], server=member.server)
        for name, taken in self.senses.disks.taken().items():
            if name in found:
                found[name] = replace(found[name], disk=taken)
        for name, full in self.senses.disks.full().items():
            if name in found:
                found[name] = replace(found[name], full=full)
        for name, (state, why) in self._judgement.decision.hosts.items():
            if name in found and state is not HostHealth.UP:
                found[name] = replace(found[name], state=state, why=why)
        return compare_hosts(self.known, found, sight.at)

    def _heartbeat(self, sight: Sight) -> Heartbeat:
        return Heartbeat(
            watcher=self.name,
            at=sight.at,
            took=round(sight.took, 1),
            every=self._every,
            hosts=len(sight.view.hosts),
            containers=sum(host.containers for host in self.known.hosts.values()),
            unseen=tuple(each.name for each in sight.view.unseen),
            leads=True,
            origin=origin(),
        )

    # -- after an event

    def _glance(self, hosts: set[str]) -> None:
        began = time.monotonic()
        sight = self._sweeper.glance(self.known, hosts)
        self._glanced.update(dict.fromkeys(sight.view.hosts, began))
        self._memory.write(compare(self.known, sight.view, sight.details, sight.at), sight.at)
        if self._goes_on():
            self._memory.enter(sight.view)
        if self._acting and self._memory.sure:
            self._hands.look_after()


def _pause(following: float, due: float) -> float:
    """Seconds until there is something to do: until the `following` sweep, on the monotonic clock,
    or until something is `due`, in seconds since 1970.

    What is overdue can't be begun yet, and whatever it waits for wakes the watcher: asking over and
    over would only hold that up.
    """
    until = (following - time.monotonic(), due - time.time())
    return min((each for each in until if 0 < each < TICK), default=TICK)
