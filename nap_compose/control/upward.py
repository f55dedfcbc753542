"""The road of `nap up`: lock, look, place, claim, plan, run, record."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock, claims, host_records, placements, revisions
from nap_compose.cluster.claims import Claims, Demand, PortClaim
from nap_compose.cluster.host_records import HostRecord
from nap_compose.cluster.images import Found, find_all
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import network_offer
from nap_compose.cluster.state import Lease, Lost, StoreAway
from nap_compose.cluster.view import View
from nap_compose.compose.hashing import config_hash
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.control import running
from nap_compose.control.border import Cancel, Outcome, UpRequest, Who
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.db.records import RevisionRecord
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.checks import check
from nap_compose.orchestration.decide import Wish, making_way
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.placement import Situation, place
from nap_compose.orchestration.plan import Plan
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.wanted import Slot, scaled, select

ELECTION = 10.0
"""Seconds that a swarm's managers may take to choose a leader."""

TRIES = 5
"""How often a deployment looks and places again when another one took what it chose."""


def up(parts: Parts, who: Who, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
    """Bring the app to what the file says; see `Control.up`."""
    began = time.monotonic()
    app = scaled(request.app, request.scale)
    check(app, Site(parts.cluster.name, len(parts.cluster.hosts)))
    road = _Road(parts, who, replace(request, app=app), on_event, cancel)
    with app_lock.take(
        parts.store, who.owner, app.name, who=who.name, deployment=road.deployment
    ) as lease:
        try:
            outcome = road.go(lease)
        finally:
            # Without the store the claims end with the lock; what was done is still to be told.
            with contextlib.suppress(StoreAway):
                claims.release(parts.store, road.deployment)
    return replace(outcome, seconds=time.monotonic() - began)


@dataclass
class _Road:
    parts: Parts
    who: Who
    request: UpRequest
    on_event: OnEvent
    cancel: Cancel
    deployment: str = field(default_factory=lambda: uuid.uuid4().hex)
    notes: list[str] = field(default_factory=list)

    @property
    def app(self) -> App:
        return self.request.app

    def go(self, lease: Lease) -> Outcome:
        """Plan and, unless it is a dry run or nothing is to be done, run."""
        wish = self._choose(lease)
        plan = plan_up(wish)
        if self.request.dry_run:
            return running.planned(plan, tuple(self.notes))
        if not plan.steps:
            self._remember(wish, plan)
            return running.unchanged(plan, wish.view, tuple(self.notes))
        if not plan.empty:
            plan = self._written_down(plan)
        before = self._remember(wish, plan)
        outcome = running.run(
            self.parts,
            plan,
            verb="up",
            who=self.who.name,
            view=wish.view,
            lease=lease,
            on_event=self.on_event,
            cancel=self.cancel,
            app=self.app,
            hashes=wish.hashes,
            overlay=wish.overlay,
            timeout=self.request.timeout,
            notes=tuple(self.notes),
        )
        if outcome.state == "rolled back":
            # A replica that never came to be must not be missed when its host dies.
            with contextlib.suppress(StoreAway):
                placements.write(self.parts.store, self.who.owner, self.app.name, before)
        return outcome if not wish.placement.unseen else running.partial(outcome)

    def _choose(self, lease: Lease) -> Wish:
        """Look, place and claim, until nobody else has taken what was chosen."""
        for _ in range(TRIES):
            seen = claims.read(self.parts.store)
            known = host_records.read_all(self.parts.store)
            wish = self._wish(self._look_while_led(known), seen, lease)
            if self.request.dry_run:
                return wish
            try:
                claims.take(
                    self.parts.store,
                    seen,
                    deployment=self.deployment,
                    owner=self.who.owner,
                    app=self.app.name,
                    demands=_demands(wish),
                    since=utc_now(),
                )
            except Lost:
                continue
            return wish
        raise NapError(
            f"other deployments took what was chosen for {self.app.name}, {TRIES} times in a row",
            hint="run the command again in a moment",
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
        states = {name: record.state for name, record in known.items()}
        labels = {
            name: record.over(self.parts.cluster.hosts[name].labels)
            for name, record in known.items()
            if name in self.parts.cluster.hosts
        }
        return seen_at_all(self.parts.look(states=states, labels=labels))

    def _wish(self, view: View, seen: Claims, lease: Lease) -> Wish:
        app, request, owner = self.app, self.request, self.who.owner
        services = select(app, request.services, alone=request.no_deps)
        project = project_of(owner, app.name)
        offer = network_offer(view, self.parts.cluster)
        images = self._images(services, project, view)
        placement = place(
            app,
            services,
            Situation(
                view=view,
                owner=owner,
                project=project,
                making_way=making_way(
                    app, services, owner, view, remove_orphans=request.remove_orphans
                ),
                claimed=seen.ports(but=self.deployment),
                known=self._known(),
            ),
        )
        return Wish(
            app=app,
            services=services,
            view=view,
            placement=placement,
            owner=owner,
            project=project,
            revision=revisions.latest_number(self.parts.store, owner, app.name),
            deployment=self.deployment,
            fence=_fence(lease, view, owner, app.name),
            hashes={name: config_hash(service) for name, service in app.services.items()},
            images=images,
            overlay=offer.kind.value,
            network_host=offer.host,
            force=request.force_recreate,
            no_recreate=request.no_recreate,
            no_start=request.no_start,
            remove_orphans=request.remove_orphans,
            grace=request.grace,
        )

    def _known(self) -> dict[Slot, str]:
        """Where each replica was last placed."""
        found = placements.read(self.parts.store, self.who.owner, self.app.name)
        slots = ((slot.rpartition("."), host) for slot, host in found.items())
        return {Slot(service, int(number)): host for (service, _, number), host in slots}

    def _images(self, services: tuple[str, ...], project: str, view: View) -> dict[str, Found]:
        """What each reference stands for; those that policy wants fresh are left out, so that
        each host pulls them."""
        wanted = {name: image_reference(self.app.services[name], project) for name in services}
        found = find_all(wanted.values(), view.hosts)
        for name, reference in wanted.items():
            policy = self.request.pull or self.app.services[name].spec.get("pull_policy") or ""
            if policy in ("always", "refresh") and not self.app.services[name].spec.get("build"):
                self._pull(reference, view)
                fresh = self.parts.look(states={host: v.state for host, v in view.hosts.items()})
                found.update(find_all([reference], fresh.hosts))
            elif reference not in found:
                self._explain_missing(name, reference, policy)
        return found

    def _pull(self, reference: str, view: View) -> None:
        """Pull on one host; from there the image goes to the others that lack this version."""
        if self.request.dry_run:
            self.notes.append(f"image {reference} would be pulled first: it may have changed")
            return
        running.pull(self.parts, next(iter(view.hosts)), reference, self.deployment, self.on_event)

    def _explain_missing(self, service: str, reference: str, policy: str) -> None:
        if self.app.services[service].spec.get("build"):
            raise NapError(
                f"{service} is to be built, and no host has its image {reference}",
                hint=f"build it on one host and nap brings it to the others: "
                f"docker build -t {reference} .",
            )
        if policy == "never":
            raise NapError(
                f"no host has image {reference}, and its pull policy is never",
                hint="load it on one host, or let it be pulled with --pull missing",
            )

    def _written_down(self, plan: Plan) -> Plan:
        """Keep the revision before anything is done; a new model gets a new number.

        The number is new to the records too: they keep history, and outlive the state store.
        """
        store, owner, app = self.parts.store, self.who.owner, self.app
        latest = revisions.latest_number(store, owner, app.name)
        if latest and revisions.digest(store, owner, app.name, latest) == revisions.digest_of(app):
            return replace(plan, revision=latest)
        record = self.parts.records.ensure_app(owner, app.name, plan.project)
        recorded = self.parts.records.last_revision(record.id)
        number = max(latest, recorded.number if recorded else 0) + 1
        revision = revisions.write(
            store, self.parts.keyring.cipher, owner, app.name, number=number, model=app
        )
        self.parts.records.add_revision(
            RevisionRecord(
                app_id=record.id,
                number=revision.number,
                digest=revision.digest,
                sealed=revision.sealed,
                author=self.who.name,
                created=utc_now(),
            )
        )
        return replace(plan, revision=revision.number)

    def _remember(self, wish: Wish, plan: Plan) -> dict[str, str]:
        """Write where each replica is now headed, before it gets there: a host that dies
        meanwhile must not make it forgotten. Gives what was known before.

        Replicas of services that weren't chosen stay as known; those of services that the file no
        longer has only while their containers stay, or can't be seen.
        """
        before = {str(slot): host for slot, host in self._known().items()}
        away = {host.name for host in wish.view.unseen}
        orphans = () if wish.remove_orphans else plan.orphans
        kept = {
            slot: host
            for slot, host in before.items()
            for service in [slot.rpartition(".")[0]]
            if service not in wish.services
            and (
                service in (*self.app.services, *self.app.profiled_out)
                or slot in orphans
                or host in away
            )
        }
        new = {str(slot): choice.host for slot, choice in wish.placement.choices.items()}
        unseen = {str(slot): host for slot, host in wish.placement.unseen.items()}
        now = {**kept, **new, **unseen}
        if now != before:
            placements.write(self.parts.store, self.who.owner, self.app.name, now)
        return before


def _fence(lease: Lease, view: View, owner: str, app: str) -> int:
    """A number above every container's that is there, also where the state store was lost and
    counts from the start again."""
    seen = [c.identity.fence for c in view.of_app(owner, app) if c.identity is not None]
    return max([lease.fence, *(fence + 1 for fence in seen)])


def _demands(wish: Wish) -> dict[str, Demand]:
    """The fixed ports that the placement takes on each host."""
    demands: dict[str, list[PortClaim]] = {}
    for slot, choice in wish.placement.choices.items():
        for port in wish.app.services[slot.service].ports:
            number = port.fixed()
            if number is not None:
                claim = PortClaim(port.protocol, port.host_ip, number)
                demands.setdefault(choice.host, []).append(claim)
    return {host: Demand(ports=tuple(ports)) for host, ports in demands.items()}
