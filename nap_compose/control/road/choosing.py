"""Where each replica of a deployment goes, held against others that choose at the same time."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from functools import cached_property

from nap_compose.border import UpRequest
from nap_compose.clock import utc_now
from nap_compose.cluster import claims, failures, host_records, revisions
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.names import project_of
from nap_compose.cluster.networks import network_offer
from nap_compose.cluster.state import Lease, Lost
from nap_compose.cluster.view import View
from nap_compose.control import (
    former_hashes,
    full_disks,
    placing,
    running,
    storing,
    taking_over,
    whereabouts,
)
from nap_compose.control.former_hashes import hashes_of
from nap_compose.control.images import Images
from nap_compose.control.quotas import checking
from nap_compose.control.quotas.subjects import subjects_of
from nap_compose.control.registries.pulling import logins_for
from nap_compose.control.road.looking import Looking
from nap_compose.errors import NapError
from nap_compose.orchestration.decide import Wish, making_way
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot, select

TRIES = 20
"""How often a deployment looks and places again when another one took what it chose: each time
another got what it wanted, so ten that begin at once are through after ten times at most."""


class Choosing(Looking):
    """One deployment of an app, up to what it wishes for."""

    def _choose(self, lease: Lease) -> Wish:
        """Look, place and claim, until nobody else has taken what was chosen."""
        subjects = subjects_of(self.parts, self.who.owner, self.app.name)
        for _ in range(TRIES):
            seen = claims.read(self.parts.store)
            known = host_records.read_all(self.parts.store)
            wish = self._wish(self._look_while_led(known), seen, lease)
            making_way = self._making_way(wish.services, wish.view)
            use = checking.checked_app(self.parts, wish, seen, subjects, making_way)
            if self.request.dry_run:
                return wish
            try:
                claims.take(
                    self.parts.store,
                    seen,
                    deployment=self.deployment,
                    owner=self.who.owner,
                    app=self.app.name,
                    demands=placing.demands(wish, making_way),
                    since=utc_now(),
                    use=use,
                    others=subjects.but(self.who.owner),
                )
            except Lost:
                time.sleep(random.uniform(0, 0.2))  # noqa: S311 - spreads the tries, no secret
                continue
            return wish
        raise NapError(
            f"other deployments took what was chosen for {self.app.name}, {TRIES} times in a row",
            hint="run the command again in a moment",
        )

    def _wish(self, view: View, seen: Claims, lease: Lease) -> Wish:
        app, request, owner = self._settled.app, self.request, self.who.owner
        services = select(app, request.services, alone=request.no_deps)
        project = project_of(owner, app.name)
        pooling, stored, told = storing.pool(self.parts, app, services, owner, project, view)
        self._pooled = app = pooling.app
        offer = network_offer(view, self.parts.cluster)
        images = self._images.find({name: app.services[name] for name in services}, project, view)
        placement, stays = placing.place_or_stay(
            app,
            services,
            Situation(
                view=view,
                owner=owner,
                project=project,
                making_way=self._making_way(services, view),
                claims=seen.by_host(but=self.deployment),
                known=self._known(),
                platforms=placing.platforms(self.parts.engines, images, view),
                strategy=self.parts.cluster.strategy,
                alone=self.parts.cluster.embedded,
                why=frozenset(request.why),
                failures=self._failures(),
                moves=whereabouts.by_slot(request.moves),
                fresh_volumes=request.renew_anon_volumes,
                pooled=pooling.keys,
                unreached=stored.unreached,
                shared=self.parts.cluster.storage.shared,
                full=full_disks.reasons(self.parts),
            ),
        )
        self.notes += [note for note in (*told, *stays) if note not in self.notes]
        hashes = hashes_of(app)
        former_hashes.refuse_newer(view, owner, app.name)
        if not request.fresh:
            left = self._adopted.ids if self._adopted else frozenset()
            taking_over.refuse_composes_own(self.parts, app, project, view, but=left)
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
            hashes=hashes,
            compared={
                **taking_over.compare(
                    self.parts, app, services, view, project=project, hashes=hashes
                ),
                **former_hashes.compare(self.parts, owner, app.name, services, view, hashes),
            },
            images=images,
            overlay=offer.kind.value,
            network_host=offer.host,
            forced=_forced(request, services),
            fresh_volumes=request.renew_anon_volumes,
            may_lose=request.may_lose,
            no_recreate=request.no_recreate,
            no_start=request.no_start,
            wait=request.wait,
            remove_orphans=request.remove_orphans,
            back=self.verb == "rollback",
            lost=self.lost,
            grace=request.grace,
            settled=self._settled,
            unfilled=self._stock.unfilled() if self._settled.seeds else frozenset(),
            pooled=pooling.volumes,
            stored=stored,
        )

    def _making_way(self, services: tuple[str, ...], view: View) -> frozenset[str]:
        return making_way(
            self.app,
            services,
            self.who.owner,
            view,
            remove_orphans=self.request.remove_orphans,
        )

    def _failures(self) -> dict[str, int]:
        """How often replicas failed on each host lately, as far as that counts for the app."""
        if self.parts.cluster.embedded:
            return {}
        found = failures.read_all(self.parts.store)
        return failures.that_count(found, self.who.owner, self.app.name)

    def _known(self) -> dict[Slot, str]:
        """Where each replica was last placed, unless its host is lost."""
        found = whereabouts.last_known(self.parts.store, self.who.owner, self.app.name)
        return {slot: host for slot, host in found.items() if slot not in self.lost}

    @cached_property
    def _images(self) -> Images:
        def look() -> View:
            return self._look(host_records.read_all(self.parts.store))

        # Who brings no files for a build has images taken as they are.
        building = self.request.build if self.request.contexts else "never"
        return Images(self.request.pull, building, self._pull, self._build, look, self.request.pins)

    def _pull(self, reference: str, view: View, otherwise: str) -> None:
        """Pull on one host; from there the image goes to the others that lack this version."""
        if self.request.dry_run:
            self._note(f"image {reference} would be pulled first: it may have changed")
            return
        host = next(iter(view.hosts))
        running.pull(
            self.parts,
            host,
            reference,
            self.deployment,
            self.on_event,
            logins=logins_for(self.parts, self.who.owner, self.app.name),
            otherwise=otherwise,
        )

    def _build(self, services: tuple[str, ...], view: View) -> Mapping[str, str]:
        """Build on one host; the ids by reference."""
        from nap_compose.control.building import build_for

        if self.request.dry_run:
            for name in services:
                self._note(f"the image of {name} would be built first")
            return {}
        return build_for(self.parts, self.who, self.request, services, view,
                         self.deployment, self.on_event, self.cancel)  # fmt: skip


def _forced(request: UpRequest, services: tuple[str, ...]) -> frozenset[str]:
    """The services whose containers are replaced whatever they are. As in Compose, what those
    named depend on isn't among them unless that is said, and new anonymous volumes are a reason."""
    named = set(request.services or services)
    forced = named if request.force_recreate or request.renew_anon_volumes else set()
    if request.always_recreate_deps:
        forced = forced | ({*services} - named)
    return frozenset(forced)


def _fence(lease: Lease, view: View, owner: str, app: str) -> int:
    """A number above every container's that is there, also where the state store was lost and
    counts from the start again."""
    seen = [c.identity.fence for c in view.of_app(owner, app) if c.identity is not None]
    return max([lease.fence, *(fence + 1 for fence in seen)])
