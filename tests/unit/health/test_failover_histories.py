"""Random histories of faults: whatever happens, and wherever the watcher is cut off in what it
does, a volume never has two writers, a host that is fine never loses a container, nothing is done
while blind, and when all is whole again one of each serves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.cluster.view import ContainerView
from nap_compose.health.changes import Known, SlotKey, compare
from nap_compose.health.failover import (
    Act,
    Clear,
    Fence,
    HostSight,
    SlotSight,
    Word,
    World,
    decide,
)
from nap_compose.health.records import ContainerRecord
from nap_compose.health.rules import OnLoss, Replace
from tests.support.views import container, host, view

HOSTS = ("h1", "h2", "h3", "h4", "h5")
LOSS = {"web": OnLoss(Replace.YES), "db": OnLoss(Replace.WITH_PROOF), "cache": OnLoss(Replace.NO)}
SLOTS = (("web", 1, "h1"), ("web", 2, "h2"), ("db", 1, "h3"), ("cache", 1, "h4"))
AT = "2026-01-01T12:00:00.000Z"


@dataclass
class Cluster:
    """The truth: which hosts have power and a cable, and what runs on them."""

    power: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(HOSTS, True))
    cable: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(HOSTS, True))
    watcher_cut_off: bool = False
    consul: bool = True
    quorum: bool = True
    fences: bool = True
    proofs: set[str] = field(default_factory=set)
    containers: list[ContainerView] = field(default_factory=list)
    fence: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def __post_init__(self) -> None:
        for service, number, home in SLOTS:
            self.containers.append(container(f"{service}.{number}", home, fence=next(self.fence)))

    def reached(self, name: str) -> bool:
        return self.power[name] and self.cable[name] and not self.watcher_cut_off

    def turn_off(self, name: str) -> None:
        self.power[name] = False
        self._put(name, "exited")

    def _put(self, name: str, state: str) -> None:
        self.containers = [
            replace(each, state=state) if each.host == name and each.state == "running" else each
            for each in self.containers
        ]

    def running(self, service: str, number: int) -> list[ContainerView]:
        return [
            each
            for each in self.containers
            if each.state == "running"
            and each.identity is not None
            and (each.identity.service, each.identity.replica) == (service, number)
        ]

    def happen(self, what: str, name: str) -> None:
        """A fault, or the end of one."""
        if what == "crash":
            self.turn_off(name)
        elif what == "boot":
            self.power[name] = True  # nothing starts by itself: restart policy "no"
        elif what == "unplug":
            self.cable[name] = False
        elif what == "plug":
            self.cable[name] = True
        elif what == "container crash":
            self._put(name, "exited")
        else:
            now = getattr(self, what)
            setattr(self, what, not now)

    def heal(self) -> None:
        self.power = dict.fromkeys(HOSTS, True)
        self.cable = dict.fromkeys(HOSTS, True)
        self.watcher_cut_off, self.consul, self.quorum = False, True, True


@dataclass
class Watcher:
    """What a watcher does at each of its steps, with a knife that may cut it off."""

    cluster: Cluster
    known: Known = field(default_factory=Known)

    def step(self, knife: Iterator[bool]) -> None:
        """Look, decide, act. Where the knife says so it is killed, and another one begins with
        the records alone."""
        cluster = self.cluster
        seen = view(
            *(
                host(name, [each for each in cluster.containers if each.host == name])
                for name in HOSTS
                if cluster.reached(name)
            ),
            unseen=[name for name in HOSTS if not cluster.reached(name)],
        )
        self.known = self.known.after(compare(self.known, seen, {}, AT))
        if next(knife):
            return
        for name in seen.hosts:
            cluster.proofs.discard(name)
        world = self._world()
        decision = decide(world)
        asked = [name for name in HOSTS if name not in cluster.proofs]
        silent = [name for name in asked if not cluster.reached(name)]
        sure = cluster.consul and not cluster.watcher_cut_off
        if 2 * len(silent) > len(asked) or not sure:
            assert decision.acts == (), "nothing is done while blind"
        for act in decision.acts:
            self._do(act, knife)
        if not decision.blind and cluster.consul and not cluster.watcher_cut_off:
            self._restart(world)

    def _world(self) -> World:
        cluster = self.cluster
        sure = cluster.consul and not cluster.watcher_cut_off
        hosts = {}
        for name in HOSTS:
            there = cluster.power[name] and cluster.cable[name]
            word = (Word.ALIVE if there else Word.FAILED) if sure else Word.UNKNOWN
            hosts[name] = HostSight(
                name,
                answers=cluster.reached(name),
                silent=0.0 if cluster.reached(name) else 99.0,
                consul=word,
                proved=name in cluster.proofs,
                fence=cluster.fences,
            )
        slots = {
            key: SlotSight(record, LOSS[record.service])
            for key, record in self.known.containers.items()
        }
        return World(hosts, slots, quorum=cluster.quorum)

    def _do(self, act: Act, knife: Iterator[bool]) -> None:
        cluster = self.cluster
        if isinstance(act, Fence):
            cluster.turn_off(act.host)
            if not next(knife):
                cluster.proofs.add(act.host)
            return
        if isinstance(act, Clear):
            record = self.known.containers[act.slot]
            assert act.copy.fence < record.fence, "the right one is never taken away"
            assert cluster.reached(act.copy.host) and cluster.reached(record.host)
            cluster.containers = [c for c in cluster.containers if c.id != act.copy.container]
            return
        for key in act.slots:
            self._make(key, knife)

    def _make(self, key: SlotKey, knife: Iterator[bool]) -> None:
        """The ordinary road, cut off after each of its steps: it begins from what is there."""
        cluster = self.cluster
        _, _, service, number = key
        there = [
            each
            for each in cluster.containers
            if cluster.reached(each.host)
            and each.identity is not None
            and (each.identity.service, each.identity.replica) == (service, number)
        ]
        right = max(
            there, key=lambda each: each.identity.fence if each.identity else 0, default=None
        )
        if right is None:
            target = next((name for name in HOSTS if cluster.reached(name)), "")
            if not target:
                return
            right = container(
                f"{service}.{number}", target, fence=next(cluster.fence), state="created"
            )
            cluster.containers.append(right)
            if next(knife):
                return
        for stale in there:
            if stale.id != right.id:
                cluster.containers = [c for c in cluster.containers if c.id != stale.id]
                if next(knife):
                    return
        self._start(right)

    def _start(self, right: ContainerView) -> None:
        self.cluster.containers = [
            replace(each, state="running") if each.id == right.id else each
            for each in self.cluster.containers
        ]

    def _restart(self, world: World) -> None:
        """What ended is started again, after a look at the fence."""
        for record in self.known.containers.values():
            if not self.cluster.reached(record.host) or record.state != "exited":
                continue
            right = next((c for c in self.cluster.containers if c.id == record.container), None)
            if right is not None and right.state == "exited" and self._is_right(record, world):
                self._start(right)

    def _is_right(self, record: ContainerRecord, world: World) -> bool:
        assert record.host in world.hosts
        return all(copy.fence < record.fence for copy in record.others)


FAULTS = st.tuples(
    st.sampled_from(
        [
            "crash",
            "boot",
            "unplug",
            "plug",
            "container crash",
            "watcher_cut_off",
            "consul",
            "quorum",
            "fences",
        ]
    ),
    st.sampled_from(HOSTS),
)
HISTORIES = st.lists(st.one_of(FAULTS, st.lists(st.booleans(), max_size=6)), max_size=40)


def one_writer(cluster: Cluster) -> None:
    for service, number, _ in SLOTS:
        if LOSS[service].replace is not Replace.YES:
            there = [each.host for each in cluster.running(service, number)]
            assert len(there) <= 1, f"{service}.{number} runs on {there}"


@settings(max_examples=400, deadline=None)
@given(HISTORIES)
def test_whatever_happens(history: list[Any]) -> None:
    cluster = Cluster()
    watcher = Watcher(cluster)
    watcher.step(itertools.repeat(False))
    for happened in history:
        if isinstance(happened, tuple):
            cluster.happen(*happened)
        else:
            watcher.step(itertools.chain(happened, itertools.repeat(False)))
        one_writer(cluster)
    cluster.heal()
    for _ in range(8):
        watcher.step(itertools.repeat(False))
        one_writer(cluster)
    for service, number, _ in SLOTS:
        assert len(cluster.running(service, number)) == 1, f"{service}.{number}"
    assert len(cluster.containers) == len(SLOTS), "nothing stale is left"


def moved(cuts: int) -> Cluster:
    """A host dies, and the watcher is cut off after so many of its transitions, then another one
    takes over."""
    cluster = Cluster()
    watcher = Watcher(cluster)
    watcher.step(itertools.repeat(False))
    cluster.happen("crash", "h1")
    cluster.happen("crash", "h3")
    knife = itertools.chain(itertools.repeat(False, cuts), [True], itertools.repeat(False))
    for _ in range(6):
        watcher.step(knife)
        one_writer(cluster)
    return cluster


def test_cut_off_after_each_transition_the_next_watcher_finishes() -> None:
    for cuts in range(14):
        cluster = moved(cuts)
        assert [each.host for each in cluster.running("web", 1)] == ["h2"], cuts
        assert [each.host for each in cluster.running("db", 1)] == ["h2"], cuts
