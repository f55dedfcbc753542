"""The watcher that leads: it sweeps, hears, writes down, decides and acts, until it must stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from nap_compose.clock import utc_now
from nap_compose.cluster.app_lock import origin
from nap_compose.cluster.cluster import Failover
from nap_compose.cluster.members import Members
from nap_compose.cluster.networks import network_kind
from nap_compose.cluster.state import Lease, StoreAway
from nap_compose.cluster.view import View
from nap_compose.cluster.wanted_records import Wanted
from nap_compose.control.border import Cancel
from nap_compose.control.parts import Parts
from nap_compose.control.watching.acts import Acts, failure, line, told_of
from nap_compose.control.watching.cataloguing import Cataloguing
from nap_compose.control.watching.figures import Figures
from nap_compose.control.watching.hosts_seen import Silence, sights
from nap_compose.control.watching.models import LEFT_ALONE, Models, Rules
from nap_compose.control.watching.repair import Repairer
from nap_compose.control.watching.restarting import Due, Restarting
from nap_compose.control.watching.senses import Senses
from nap_compose.control.watching.sweeping import Sweep
from nap_compose.control.watching.tasks import FENCE, Ended, Tasks
from nap_compose.errors import NapError
from nap_compose.health import failover as deciding
from nap_compose.health.book import HealthBook
from nap_compose.health.changes import Changes, Known, SlotKey, compare, compare_hosts, together
from nap_compose.health.failover import Clear, Decision, Fence, HostSight, SlotSight, World
from nap_compose.health.hosts import hosts_of
from nap_compose.health.proof import StoredProofs
from nap_compose.health.records import ContainerRecord, Happening, Heartbeat, HostHealth
from nap_compose.health.sweep import Sight, Sweeper

TICK = 0.25
"""Seconds after which the watcher looks whether it must stop."""
GRACE = 20.0
"""Seconds that what was begun has to come to its end, once the watcher must stop."""
DEADLINE = 5.0
"""Seconds that each host has in a sweep: one that is late once is only silent."""


@dataclass
class Leading:
    """One watcher's time as the leader. What it knew before counts for nothing: it reads the
    records, sweeps, and acts on what it has seen itself.

    `_sure`: the state store answered in the last sweep; without, nothing is touched. `_attaches`:
    containers can be attached to the apps' networks. `_told` are the waits that were told.
    """

    parts: Parts
    name: str
    lease: Lease
    members: Members
    cataloguing: Cataloguing
    senses: Senses
    cancel: Cancel
    say: Callable[[str], None]
    figures: Figures
    _known: Known = field(default_factory=Known)
    _decision: Decision = field(default_factory=lambda: Decision({}))
    _wanted: Mapping[tuple[str, str], Wanted] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _glanced: dict[str, float] = field(default_factory=dict)
    _sure: bool = False
    _attaches: bool = False
    _away: str = ""

    def __post_init__(self) -> None:
        cluster = self.parts.cluster
        self._acting = cluster.failover is not None
        self._failover = cluster.failover or Failover()
        self._book = HealthBook(self.parts.store)
        self._sweeper = Sweeper(self.parts.engines, cluster, self.parts.seal, deadline=DEADLINE)
        self._models = Models(self.parts, self._failover)
        self._repair = Repairer(cluster, self.lease, self.cancel)
        self._acts = Acts(self._repair, self.figures)
        self._tasks = Tasks(self.senses.listener.wake)
        self._restarting = Restarting(self._rules, self._is_wanted, self._failover.unhealthy)

    def lead(self) -> None:
        """Go on until the lease is lost or somebody wants an end. Raises StoreAway where the
        records can't be read to begin with."""
        self._known = self._book.read()
        self._silence = Silence(self._known.hosts)
        sweep: Sweep | None = None
        following = time.monotonic()
        while self._goes_on():
            if sweep is None and time.monotonic() >= following:
                following = time.monotonic() + self._failover.sweep
                # In a thread of its own: a host that hangs holds up nothing else.
                sweep = Sweep(self.parts, self._sweeper, self.members, self._known)
                sweep.begin(self.senses.listener.wake)
            hosts = self.senses.listener.hosts(self._pause(following))
            self._settle()
            if sweep is not None and sweep.done and self._goes_on():
                self._take_in(sweep)
                sweep = None
            if hosts and self._goes_on():
                self._glance(hosts)
            self._restart_what_is_due()
        self._tasks.wait(GRACE)
        if not self.lease.lost:
            self._settle()

    @property
    def known(self) -> Known:
        """What it knows of containers and hosts."""
        return self._known

    def _goes_on(self) -> bool:
        return not (self.cancel.level or self.lease.lost)

    def _pause(self, following: float) -> float:
        """Seconds until there is something to do."""
        until = [following - time.monotonic(), TICK]
        soonest = self._restarting.soonest()
        until += [] if soonest is None else [soonest - time.time()]
        return max(0.0, min(until))

    # -- looking

    def _take_in(self, sweep: Sweep) -> None:
        sight = sweep.sight()
        self._sure = sweep.away is None
        if sweep.away is not None:
            self._lacks_the_store(sweep.away)
        else:
            self._wanted = sweep.wanted
        self._silence.heed(sight.view)
        seen = self._not_glanced_at(sight.view, sweep.began)
        changes = compare(self._known, seen, sight.details, sight.at)
        hosts = sights(
            self.parts.cluster,
            sight.view,
            self._silence,
            None if sweep.away else sweep.members,
            self._known.hosts,
            sweep.proofs,
            {name: self._may_fence(name) for name in self.parts.cluster.hosts},
        )
        self._decision = self._decide(hosts, self._known.after(changes), sight.view)
        self._write(together((self._hosts_changed(sight, sweep), changes)), sight.at)
        self._list(seen)
        self.figures.swept(sight.took, self._known)
        if self._sure and self._goes_on():
            self._after_the_sweep(sight, sweep)

    def _after_the_sweep(self, sight: Sight, sweep: Sweep) -> None:
        try:
            for name in sweep.proofs:
                if name in sight.view.hosts:
                    StoredProofs(self.parts.store).withdraw(name)
            self._book.beat(self._heartbeat(sight))
        except StoreAway as error:
            self._lacks_the_store(error)
            return
        self._tell(self._waits())
        if self._acting:
            self._act()
            self._look_after()

    def _not_glanced_at(self, view: View, began: float) -> View:
        """The sweep's view without hosts that were looked at since it began: what it saw of them
        may be older."""
        glanced = {name for name, at in self._glanced.items() if at >= began}
        return replace(view, hosts={n: h for n, h in view.hosts.items() if n not in glanced})

    def _glance(self, hosts: set[str]) -> None:
        began = time.monotonic()
        sight = self._sweeper.glance(self._known, hosts)
        self._glanced.update(dict.fromkeys(sight.view.hosts, began))
        self._write(compare(self._known, sight.view, sight.details, sight.at), sight.at)
        self._list(sight.view)
        if self._acting and self._sure:
            self._look_after()

    def _hosts_changed(self, sight: Sight, sweep: Sweep) -> Changes:
        found = hosts_of(sight.view, self._known.hosts, self.senses.mounts.lost())
        for name, member in sweep.members.items():
            if name in found:
                found[name] = replace(found[name], server=member.server)
        for name, taken in self.senses.disks.taken().items():
            if name in found:
                found[name] = replace(found[name], disk=taken)
        for name, full in self.senses.disks.full().items():
            if name in found:
                found[name] = replace(found[name], full=full)
        for name, (state, why) in self._decision.hosts.items():
            if name in found and state is not HostHealth.UP:
                found[name] = replace(found[name], state=state, why=why)
        return compare_hosts(self._known, found, sight.at)

    # -- writing and telling

    def _write(self, changes: Changes, at: str) -> None:
        """Write what changed. Where the store is away nothing is known to have changed, so that
        the next look finds it again."""
        if changes.empty:
            return
        try:
            self._book.write(changes)
        except StoreAway as error:
            self._sure = False
            self._lacks_the_store(error)
            return
        self._known = self._known.after(changes)
        for happening in changes.happenings:
            self.say(line(happening))
        if self._away:
            self._away = ""
            self.say(f"the state store is back; the records are as of {at}")

    def _list(self, view: View) -> None:
        """Keep the catalog as the hosts are."""
        if not self._sure or not self._goes_on():
            return
        try:
            self.cataloguing.keep(view, self._known)
        except StoreAway as error:
            self._lacks_the_store(error)

    def _tell(self, happenings: list[Happening]) -> None:
        if not happenings:
            return
        try:
            self._book.tell(happenings)
        except StoreAway as error:
            self._lacks_the_store(error)
        for happening in happenings:
            self.say(line(happening))

    def _lacks_the_store(self, error: StoreAway) -> None:
        self.figures.store_errors += 1
        if not self._away:
            self._away = str(error)
            self.say(f"{error}; no container is touched until it is back")

    def _heartbeat(self, sight: Sight) -> Heartbeat:
        return Heartbeat(
            watcher=self.name,
            at=sight.at,
            took=round(sight.took, 1),
            every=self._failover.sweep,
            hosts=len(sight.view.hosts),
            containers=sum(host.containers for host in self._known.hosts.values()),
            unseen=tuple(each.name for each in sight.view.unseen),
            leads=True,
            origin=origin(),
        )

    def _waits(self) -> list[Happening]:
        """What is wrong and not acted on, told once."""
        before, self._told = self._told, dict(self._decision.waits)
        return [
            Happening(utc_now(), "waits", f"{subject}: {why}")
            for subject, why in self._told.items()
            if before.get(subject) != why
        ]

    # -- deciding

    def _decide(self, hosts: Mapping[str, HostSight], known: Known, view: View) -> Decision:
        if self.parts.cluster.embedded:  # there is nobody else to ask, and nowhere to go
            return Decision(
                {
                    name: (HostHealth.UP if host.answers else HostHealth.SILENT, host.why)
                    for name, host in hosts.items()
                }
            )
        away = {name for name, host in hosts.items() if not host.answers}
        slots: dict[SlotKey, SlotSight] = {}
        if self._acting and self._sure:
            for key, record in known.containers.items():
                if record.host in away or record.others or record.state == "created":
                    slots[key] = self._slot(record)
        try:
            network_kind(view, self.parts.cluster)
            self._attaches = True
        except NapError:
            self._attaches = False
        return deciding.decide(
            World(
                hosts=hosts,
                slots=slots,
                quorum=self._attaches,
                busy=self._tasks.not_now(),
                room=self._failover.at_once - len(self._tasks),
                after=self._failover.after,
            )
        )

    def _slot(self, record: ContainerRecord) -> SlotSight:
        return SlotSight(
            record=record,
            loss=self._rules(record).loss,
            wanted=self._is_wanted(record),
            guarded=record.policy in ("", "no"),
        )

    def _rules(self, record: ContainerRecord) -> Rules:
        wanted = self._wanted.get((record.owner, record.app))
        try:
            return self._models.rules(record.owner, record.app, record.service, wanted)
        except StoreAway as error:
            self._sure = False
            self._lacks_the_store(error)
            return LEFT_ALONE

    def _is_wanted(self, record: ContainerRecord) -> bool:
        wanted = self._wanted.get((record.owner, record.app))
        return wanted is not None and record.slot not in wanted.stopped

    def _may_fence(self, host: str) -> bool:
        return self._tasks.free((FENCE, host)) and not self._tasks.rests((FENCE, host))

    # -- acting

    def _act(self) -> None:
        for act in self._decision.acts:
            if isinstance(act, Fence):
                self._tasks.begin((FENCE, act.host), partial(self._acts.fence, act))
            elif isinstance(act, Clear):
                record = self._known.containers.get(act.slot)
                if record is not None:
                    self._tasks.begin(act.slot[:2], partial(self._acts.clear, act, record))
            else:
                self._tasks.begin(act.app, partial(self._acts.make_elsewhere, act))

    def _settle(self) -> None:
        """Take in what came of what was begun."""
        for ended in self._tasks.settle():
            if ended.after is not None:
                ended.after(ended)
            told = [*ended.told]
            if ended.failed is not None:
                self.figures.failures += 1
                told.append(failure(ended))
            self._tell(told)

    def _look_after(self) -> None:
        """Find what is to be started again, and let engines leave it to the watcher."""
        if self._decision.blind:
            return
        self._tell(
            [
                told_of(record, "given up", f"{record.slot} is given up: {why}")
                for record, why in self._restarting.find(self._known)
            ]
        )
        for record in [*self._known.containers.values()]:
            if record.policy not in ("", "no") and self._rules(record).watched:
                self._take_over(record)

    def _restart_what_is_due(self) -> None:
        for due in self._restarting.take(self._can_start):
            app = (due.record.owner, due.record.app)
            if self._tasks.free(app):
                self._tasks.begin(app, partial(self._acts.restart, due), partial(self._tried, due))
            else:
                self._restarting.put_back(due)

    def _can_start(self, record: ContainerRecord) -> bool:
        """Whether the last sweep saw its host, and managers that let containers be attached."""
        state, _ = self._decision.hosts.get(record.host, (HostHealth.UP, ""))
        sees = self._sure and self._attaches and state is HostHealth.UP
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
        now = self._known.containers.get(key)
        if now is not None and now.container == record.container:
            counted = replace(now, restarts=now.restarts + 1)
            self._write(Changes({key: counted}), utc_now())

    def _take_over(self, record: ContainerRecord) -> None:
        """Its engine is to leave it to the watcher from now on."""
        if record.host not in self._decision.hosts:
            return
        try:
            self._repair.never_by_itself(record)
        except NapError:
            return  # the next look tries again
        key = (record.owner, record.app, record.service, record.replica)
        self._write(Changes({key: replace(record, policy="no")}), utc_now())
