"""One sweep of the watcher: all hosts, and what the state store and Consul say meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field

from nap_compose.cluster import host_records, wanted_records
from nap_compose.cluster.asking import Asked
from nap_compose.cluster.members import Member, Members
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.wanted_records import Wanted
from nap_compose.control.parts import Parts
from nap_compose.health.changes import Known
from nap_compose.health.proof import Proof, StoredProofs
from nap_compose.health.sweep import Sight, Sweeper
from nap_compose.plaindata import dataclass

DEADLINE = 5.0
"""Seconds that each host has: one that is late once is only silent."""


def sweeper_of(parts: Parts) -> Sweeper:
    """Who asks all hosts for a watcher."""
    return Sweeper(parts.engines, parts.cluster, parts.seal, deadline=DEADLINE)


@dataclass
class Sweep:
    """`began` in monotonic seconds; `away` is set where the state store or Consul didn't answer:
    then nothing that they say counts."""

    parts: Parts
    sweeper: Sweeper
    of: Members
    known: Known
    began: float = field(default_factory=time.monotonic)
    members: Mapping[str, Member] = field(default_factory=dict)
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    wanted: Mapping[tuple[str, str], Wanted] = field(default_factory=dict)
    away: StoreAway | None = None
    _asked: Asked[Sight] | None = None

    def begin(self, wake: Callable[[], None]) -> None:
        """Ask, in a thread; `wake` is called at the end."""

        def ask() -> Sight:
            try:
                return self._ask()
            finally:
                wake()

        self._asked = Asked(ask)

    @property
    def done(self) -> bool:
        """Whether all has answered that will."""
        return self._asked is not None and self._asked.done

    def sight(self) -> Sight:
        """What was seen."""
        if self._asked is None:
            raise ValueError("the sweep wasn't begun")
        return self._asked.answer(time.monotonic())

    def _ask(self) -> Sight:
        store, states = self.parts.store, {}
        try:
            states = {name: each.state for name, each in host_records.read_all(store).items()}
            self.proofs = StoredProofs(store).all()
            self.wanted = wanted_records.read_all(store)
        except StoreAway as error:
            self.away = error
        sight = self.sweeper.sweep(self.known, states)
        try:  # last, so that Consul had as long to notice as the engines had to answer
            self.members = self.of.look()
        except StoreAway as error:
            self.away = error
        return sight
