"""`nap health watch`: several may run; one leads, by a lease, and the others stand by."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import field

from nap_compose.border import Cancel
from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.app_lock import origin
from nap_compose.cluster.catalog import Catalog, catalog_of
from nap_compose.cluster.members import Members, members_of
from nap_compose.cluster.state import Held, Lease, StoreAway
from nap_compose.control.notifying import telling
from nap_compose.control.parts import Parts
from nap_compose.control.pruning.daily import pruning
from nap_compose.control.watching.blind import Blind
from nap_compose.control.watching.cataloguing import Cataloguing
from nap_compose.control.watching.figures import Figures
from nap_compose.control.watching.handing_in import HandingIn
from nap_compose.control.watching.leading import Leading
from nap_compose.control.watching.senses import Senses
from nap_compose.health.book import HealthBook
from nap_compose.health.records import Heartbeat
from nap_compose.plaindata import dataclass

AGAIN = 2.0
"""Seconds until one that stands by asks again whether it may lead."""


def watch(
    parts: Parts, cancel: Cancel, say: Callable[[str], None], figures: Figures | None = None
) -> None:
    """Keep watch until `cancel` says that it is enough; `say` is told what happens."""
    watching = Watching(
        parts,
        cancel,
        say,
        figures or Figures(),
        members_of(parts.cluster),
        catalog_of(parts.cluster),
    )
    try:
        watching.go_on()
    finally:
        watching.close()


@dataclass
class Watching:
    """One watcher, from its start to its end. `standing_by` is what it said of why it doesn't
    lead, `beat_at` when it last gave a sign of life meanwhile."""

    parts: Parts
    cancel: Cancel
    say: Callable[[str], None]
    figures: Figures
    members: Members
    catalog: Catalog
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    standing_by: str = ""
    beat_at: float = 0.0

    def __post_init__(self) -> None:
        self._senses = Senses.of(self.parts)
        self._handing_in = HandingIn(self.parts.cluster)
        self._blind = Blind(self.parts, self.figures, self.say)

    def go_on(self) -> None:
        """Lead, or stand by, until it is enough."""
        self._senses.start(leads=lambda: self.figures.leads)
        self._handing_in.start()
        while not self.cancel.level:
            try:
                lease = self.parts.store.lease(
                    state_keys.leader("health"), {"who": self.name, "origin": origin()}
                )
            except Held as held:
                self._stand_by(str(held.holder.get("who", "another watcher")))
            except StoreAway as error:
                self._without_the_store(error)
            else:
                self.standing_by = ""
                self._lead(lease)
            self._rest()

    def close(self) -> None:
        """Take leave."""
        self._senses.stop()
        self._handing_in.stop()
        self.members.close()
        self.catalog.close()
        with contextlib.suppress(StoreAway):  # it grows old by itself
            HealthBook(self.parts.store).forget_heartbeat(self.name)

    def _lead(self, lease: Lease) -> None:
        self.say(f"{self.name} leads")
        cluster, engines = self.parts.cluster, self.parts.engines
        addresses = {host: engines.on(host).address for host in engines.names}
        cataloguing = Cataloguing(self.catalog, addresses, cluster.policy.labels)
        leading = Leading(
            self.parts,
            self.name,
            lease,
            self.members,
            cataloguing,
            self._senses,
            self.cancel,
            self.say,
            self.figures,
        )
        with lease:
            self.figures.leads = True
            try:
                with telling(self.parts, lease, self.say), pruning(self.parts, lease, self.say):
                    leading.lead()
            except StoreAway as error:
                self.say(f"{error}; no container is touched until it is back")
            self.figures.leads = False
        self._blind.known = leading.known
        if not self.cancel.level:
            self.say("the lead was lost")

    def _stand_by(self, leader: str) -> None:
        """Show now and then that somebody stands by."""
        if leader != self.standing_by:
            self.say(f"{leader} leads; this one stands by")
            self.standing_by = leader
        every = self.parts.cluster.watching.sweep
        if time.monotonic() < self.beat_at + every:
            return
        beat = Heartbeat(self.name, utc_now(), every=every, origin=origin())
        with contextlib.suppress(StoreAway):
            HealthBook(self.parts.store).beat(beat)
        self.beat_at = time.monotonic()

    def _without_the_store(self, error: StoreAway) -> None:
        if self.standing_by != str(error):
            self.say(f"{error}; no container is touched until it is back")
            self.standing_by = str(error)
        self._blind.look()

    def _rest(self) -> None:
        until = time.monotonic() + AGAIN
        while not self.cancel.level and time.monotonic() < until:
            time.sleep(0.1)
