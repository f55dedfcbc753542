"""What a deployment is about, and what it sees of the hosts."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from nap_compose.border import Cancel, UpRequest, Who
from nap_compose.cluster import adopted
from nap_compose.cluster.adopted import Adopted
from nap_compose.cluster.host_records import HostRecord
from nap_compose.cluster.names import project_of
from nap_compose.cluster.observe import EVERYTHING, Part
from nap_compose.cluster.state import Lease
from nap_compose.cluster.view import HostState, View
from nap_compose.compose.model import App
from nap_compose.control import storing
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.stock import Stock
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.saved import SavedPlan
from nap_compose.orchestration.shipping import Settled, settle
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

ELECTION = 40.0
"""Seconds that a swarm's managers may take to choose a leader: they miss one after 10 to 20, and
their votes may split."""


@dataclass
class Looking:
    """One deployment of an app: what it is about, and what it sees.

    `lost` are replicas whose hosts are gone, so that they are made anew; `revision` is the number
    of a model that is written down already; the work ends when `guard` is lost, as it does when
    the app's lock is.
    """

    parts: Parts
    who: Who
    request: UpRequest
    on_event: OnEvent
    cancel: Cancel
    verb: str
    expected: SavedPlan | None = None
    lost: frozenset[Slot] = frozenset()
    revision: int = 0
    guard: Lease | None = None
    deployment: str = field(default_factory=lambda: uuid.uuid4().hex)
    notes: list[str] = field(default_factory=list)
    _pooled: App | None = None

    @property
    def app(self) -> App:
        """The app as the hosts will have it; `request.app` is as it was asked for."""
        return self._pooled or self._settled.app

    @cached_property
    def _settled(self) -> Settled:
        return settled(self.parts, self.who.owner, self.request.app, self._adopted)

    @cached_property
    def _adopted(self) -> Adopted | None:
        """What of the app came from a host's own Compose."""
        return adopted_of(self.parts, self.who.owner, self.request.app.name)

    @cached_property
    def _stock(self) -> Stock:
        return Stock(
            self.parts.store,
            lambda: self.parts.keyring.cipher,
            self.who.owner,
            self.request.app,
            self.request.supply,
        )

    def _look_while_led(self, known: Mapping[str, HostRecord]) -> View:
        """The view; a swarm that has no leader for a moment, because its managers choose a new
        one, is looked at again rather than given up."""
        until = time.monotonic() + ELECTION
        while True:
            view = self._look(known)
            swarm = any(host.swarm.cluster for host in view.hosts.values())
            led = any(host.swarm.control for host in view.hosts.values())
            if led or not swarm or self.cancel.level or time.monotonic() > until:
                return view
            time.sleep(0.5)

    def _look(self, known: Mapping[str, HostRecord]) -> View:
        from nap_compose.orchestration.placement.balance import moved

        view = look(self.parts, known, drained=self.request.without, only=self._asked)
        return moved(view, self.request.as_if) if self.request.dry_run else view

    @cached_property
    def _asked(self) -> frozenset[Part]:
        """What is asked of the hosts. Older engines don't answer about volumes while MooseFS's
        master is away: an app that has none needn't wait for it, one on it is told at once."""
        app = self._settled.app
        storing.check_first(self.parts, app)
        return EVERYTHING if app.volumes else EVERYTHING - {Part.VOLUMES}

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def look(
    parts: Parts,
    known: Mapping[str, HostRecord],
    *,
    drained: tuple[str, ...] = (),
    only: frozenset[Part] = EVERYTHING,
) -> View:
    """What is there, all of it or `only` some, with what was set for hosts by command; `drained`
    count as such."""
    states = {name: record.state for name, record in known.items()}
    states.update(dict.fromkeys(drained, HostState.DRAINED))
    labels = {
        name: record.over(parts.cluster.hosts[name].labels)
        for name, record in known.items()
        if name in parts.cluster.hosts
    }
    return seen_at_all(parts.look(only=only, states=states, labels=labels))


def adopted_of(parts: Parts, owner: str, app: str) -> Adopted | None:
    """What of an app came from a host's own Compose; on the local engine all is its own."""
    if parts.cluster.embedded:
        return None
    return adopted.read(parts.store, parts.seal, owner, app)


def settled(parts: Parts, owner: str, app: App, came: Adopted | None) -> Settled:
    """The app as the hosts will have it, with what of it `came` from a host's own Compose."""
    if parts.cluster.embedded:
        return Settled(app)
    app = adopted.in_place(app, came)
    if not app.content:
        return Settled(app)
    return settle(app, project_of(owner, app.name), parts.keyring.cipher.mark)
