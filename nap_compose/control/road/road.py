"""A deployment from its beginning to its end: planned, run and remembered, under the app's lock."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from nap_compose.border import Outcome, Target
from nap_compose.cluster import app_lock, claims, moves, placements, revisions, wanted_records
from nap_compose.cluster.lease import Joint
from nap_compose.cluster.state import Lease, StoreAway
from nap_compose.compose.model import App
from nap_compose.control import (
    apart,
    history,
    ledger,
    pinning,
    planned,
    running,
    taking_over,
    whereabouts,
)
from nap_compose.control.policing import check_policy
from nap_compose.control.quotas.limiting import limit_storage
from nap_compose.control.registries import entitled
from nap_compose.control.road.choosing import Choosing
from nap_compose.control.writing import write_down
from nap_compose.db.records import RecordsAway
from nap_compose.errors import NapError, WrongUse
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.differences import differences
from nap_compose.orchestration.plan import Change, Plan
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.saved import check_fresh
from nap_compose.plaindata import dataclass

SHOWN_BEFORE = ("failover", "drain", "rebalance", "volume move")
"""What makes an app again as it was deployed: whether its images are its own to have was asked
then."""


def travel(road: Road) -> Outcome:
    """Go a road to its end, under the app's lock."""
    began = time.monotonic()
    store, who = road.parts.store, road.who
    check_policy(road.parts, who, road.request.app)
    with app_lock.take(
        store, who.owner, road.app.name, who=who.name, deployment=road.deployment
    ) as lease:
        try:
            moves.refuse(store, who.owner, road.app.name)
            outcome = road.go(lease)
        finally:
            # Without the store the claims end with the lock; what was done is still to be told.
            with contextlib.suppress(StoreAway):
                claims.release(store, road.deployment)
    return replace(outcome, seconds=time.monotonic() - began)


@dataclass
class Road(Choosing):
    """The way of one deployment of an app, from looking to recording."""

    def go(self, lease: Lease) -> Outcome:
        """Plan and, unless it is a dry run or nothing is to be done, run."""
        wish = self._choose(lease)
        plan = plan_up(wish)
        admin = self.who.role == "admin"
        apart.check(self.parts, wish, admin=admin)
        if self.verb not in SHOWN_BEFORE:
            entitled.check(self.parts, wish, plan, admin=admin)
        if self.expected:
            check_fresh(self.expected, wish.view, plan)
        if self.request.dry_run:
            return self._told(wish, plan)
        if plan.loses or (self.request.careful and self._goes_unasked(plan)):
            return running.asks(plan, tuple(self.notes))
        says_more = not plan.steps and self._says_more(wish)
        if not plan.steps and not says_more:
            self._remember(wish, plan)
            self._note_what_is_wanted(wish, plan)
            ledger.settle(self.parts, plan)
            return running.unchanged(plan, wish.view, tuple(self.notes))
        if not plan.empty or says_more:
            self._stock.prepare(plan)
            plan = self._written_down(plan, wish)
            if wish.pooled:
                limit_storage(self.parts, self.who.owner)
            self._keep_former(wish)
        before = self._remember(wish, plan)
        outcome = running.run(
            self.parts,
            plan,
            verb=self.verb,
            who=self.who.name,
            view=wish.view,
            lease=Joint(lease, self.guard) if self.guard else lease,
            on_event=self.on_event,
            cancel=self.cancel,
            app=self.app,
            hashes=wish.hashes,
            images=wish.images,
            overlay=wish.overlay,
            timeout=self.request.timeout,
            notes=tuple(self.notes),
            stock=self._stock,
        )
        if outcome.state == "done":
            self._note_what_is_wanted(wish, plan)
        if outcome.state == "rolled back":
            # A replica that never came to be must not be missed when its host dies.
            with contextlib.suppress(StoreAway):
                placements.write(self.parts.store, self.who.owner, self.app.name, before)
        if outcome.state == "done" and plan.revision:
            pinning.complete(self.parts, wish, plan.revision)
        return outcome if not wish.placement.unseen else running.partial(outcome)

    def _says_more(self, wish: Wish) -> bool:
        """Whether the file says what the latest revision doesn't, though no container is another:
        when its host counts as lost, how it is updated, what is done before a backup."""
        request = self.request
        left_alone = (
            request.services
            or request.no_recreate
            or wish.placement.unseen
            or not all(request.may_lose.values())
        )
        if self.revision or not wish.revision or left_alone:
            return False
        owner, app = self.who.owner, self.app.name
        said = revisions.digest_of(request.app)
        if said == revisions.digest(self.parts.store, owner, app, wish.revision):
            return False
        try:
            known = history.past(self.parts, Target(app, owner))
        except (RecordsAway, WrongUse):
            return False
        # The latest one may have failed, and what the file says be the one that stands.
        stands = (each.digest for each in known.revisions if each.number == known.current)
        return said not in stands

    def _goes_unasked(self, plan: Plan) -> bool:
        """Whether a replica moves, or goes though the request doesn't name it. On the local engine
        alone it is as with Compose, which doesn't ask."""
        if self.parts.cluster.embedded:
            return False
        return any(
            line.change is Change.MOVE
            or (
                line.change is Change.REMOVE
                and (service := line.subject.rpartition(".")[0]) in self.app.services
                and service not in self.request.scale
            )
            for line in plan.summary
        )

    def _told(self, wish: Wish, plan: Plan) -> Outcome:
        """What a dry run tells: the plan, what it changes in the model, and what to run it by."""
        saved = None
        if self.request.keep:
            self._stock.prepare(plan)  # when it is run, the person's files aren't asked again
            plan = self._written_down(plan, wish)
            saved = planned.saved_plan(self.parts, wish, plan, self.request)
        against, before = self._running()
        return replace(
            running.planned(plan, tuple(self.notes)),
            why=wish.placement.why,
            differences=tuple(differences(before, self.request.app)) if before else (),
            against=against,
            saved=saved,
        )

    def _running(self) -> tuple[int, App | None]:
        """The revision that runs, with its model, as far as that can be told."""
        try:
            return history.running_model(self.parts, self.who.owner, self.app.name)
        except NapError as error:
            self.notes.append(f"what changes in the model can't be told: {error}")
            return 0, None

    def _written_down(self, plan: Plan, wish: Wish) -> Plan:
        """Keep the revision before anything is done; a new model gets a new number, and so do new
        images of the same."""
        if self.revision:
            return replace(plan, revision=self.revision)
        self._stock.keep()
        images = pinning.known(self.parts.store, wish)
        number = write_down(self.parts, self.who, self.request.app, plan.project, images)
        return replace(plan, revision=number)

    def _keep_former(self, wish: Wish) -> None:
        """What goes by a name that is to mean the image of a revision again keeps another one."""
        for name in self.request.pins:
            if name in wish.services:
                reference = image_reference(wish.app.services[name], wish.project)
                pinning.rename_others(self.parts, wish.view, reference, wish.images[reference].id)

    def _note_what_is_wanted(self, wish: Wish, plan: Plan) -> None:
        """Tell the watcher which revision stands now, and that all of its replicas are to run."""
        owner, app, store = self.who.owner, self.app.name, self.parts.store
        if self.parts.cluster.embedded or not plan.revision or wish.no_start:
            return
        with contextlib.suppress(StoreAway, NapError):
            number = plan.revision
            if not plan.steps and revisions.digest(store, owner, app, number) != (
                revisions.digest_of(self.request.app)
            ):
                return  # the latest revision is one that failed, and another one stands
            wanted_records.deployed(store, owner, app, number, wish.services)

    def _remember(self, wish: Wish, plan: Plan) -> dict[str, str]:
        """Write where each replica is now headed; gives what was known before."""
        before = {str(slot): host for slot, host in self._known().items()}
        now = whereabouts.headed(before, self.app, wish, plan)
        if now != before:
            placements.write(self.parts.store, self.who.owner, self.app.name, now)
        taking_over.remember(self.parts, self.app, wish)
        return before
