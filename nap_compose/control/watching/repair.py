"""What the watcher does: start a container again, clear one away, bring replicas elsewhere.

Each act takes the app's lock and looks once more before it does anything: what was decided may no
longer be so. Each has connections of its own, and may take its time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator

from nap_compose.border import Cancel, Outcome, UpRequest, Who
from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock, failures, pins, placements, revisions, wanted_records
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import NotFound
from nap_compose.cluster.lease import Joint
from nap_compose.cluster.names import project_of
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.state import Lease
from nap_compose.cluster.view import ContainerView, View
from nap_compose.control import running
from nap_compose.control.owners import in_the_name_of
from nap_compose.control.parts import Parts
from nap_compose.control.road.road import Road, travel
from nap_compose.errors import Locked, NapError
from nap_compose.exits import Exit
from nap_compose.health.changes import slot_key
from nap_compose.health.failover import Clear, MakeElsewhere
from nap_compose.health.proof import FENCED, Proof, StoredProofs
from nap_compose.health.records import ContainerRecord, Copy
from nap_compose.orchestration import common
from nap_compose.orchestration.plan import Change, Line, Plan
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

WHO = "nap health watch"
"""The author of what the watcher does, in locks and books."""

PATIENCE = 300.0
"""Seconds until replicas that were brought elsewhere must be healthy."""

FENCE_TIME = 120.0
"""Seconds that a host's fence command may take."""

_LOOK = frozenset({Part.CONTAINERS, Part.INFO})


@dataclass(frozen=True)
class Repairer:
    """Acts for a watcher that holds the `guard`: when that is lost, what goes on ends."""

    cluster: Cluster
    guard: Lease
    cancel: Cancel

    def restart(self, record: ContainerRecord, *, unhealthy: bool = False) -> bool:
        """Start a container again that has ended, or is unhealthy; false where that is no longer
        called for. Raises NapError."""
        with self._parts() as parts, self._locked(parts, record.owner, record.app):
            wanted = wanted_records.read(parts.store, record.owner, record.app)
            if wanted is None or record.slot in wanted.stopped:
                return False
            known = placements.read(parts.store, record.owner, record.app).get(record.slot)
            if known not in (None, record.host):
                return False  # it was sent elsewhere
            view = self._look(parts, record.owner, record.app, {record.host})
            right = _right(view, record)
            if right is None or right.id != record.container or self.guard.lost:
                return False
            if unhealthy and right.health == "unhealthy":
                parts.engines.on(record.host).restart_container(right.id)
            elif not unhealthy and right.state == "exited":
                parts.engines.on(record.host).start_container(right.id)
            else:
                return False
            if unhealthy or right.exit_code:
                failures.enter(parts.store, record.host, record.owner, record.app, [record.slot])
        return True

    def never_by_itself(self, record: ContainerRecord) -> None:
        """Let the engine no longer start it by itself: it was made before failover was on."""
        with self._parts() as parts:
            body = {"RestartPolicy": {"Name": "no"}}
            with contextlib.suppress(NotFound):
                parts.engines.on(record.host).update_container(record.container, body)

    def clear(self, act: Clear, right: ContainerRecord) -> bool:
        """Remove (or stop) a container whose successor runs; false where that is no longer so."""
        owner, app = right.owner, right.app
        with self._parts() as parts, self._locked(parts, owner, app) as (lease, deployment):
            view = self._look(parts, owner, app, {right.host, act.copy.host})
            now = _right(view, right)
            stale = _container(view, act.copy)
            if stale is None or now is None or now.state != "running" or now.id == stale.id:
                return False
            outcome = running.run(
                parts,
                _clearing(owner, app, deployment, stale, act.how),
                verb="failover",
                who=WHO,
                view=view,
                lease=Joint(lease, self.guard),
                on_event=lambda _: None,
                cancel=self.cancel,
            )
            _raise_where_failed(outcome)
        return True

    def make_elsewhere(self, act: MakeElsewhere) -> dict[str, str]:
        """Bring replicas elsewhere, by the road of every deployment; gives where they are: slot →
        host. Raises NapError where it didn't come to that."""
        owner, app = act.app
        with self._parts() as parts:
            wanted = wanted_records.read(parts.store, owner, app)
            if wanted is None:
                return {}
            model = revisions.load(parts.store, parts.keyring.cipher, owner, app, wanted.revision)
            slots = frozenset(Slot(service, number) for _, _, service, number in act.slots)
            services = tuple(dict.fromkeys(slot.service for slot in sorted(slots)))
            request = UpRequest(
                model,
                services,
                pins=pins.read(parts.store, owner, app, wanted.revision),
                pull="missing",
                no_deps=True,
                timeout=PATIENCE,
            )
            with in_the_name_of(parts, Who(WHO, owner), owner, app) as who:
                outcome = travel(
                    Road(
                        parts,
                        who,
                        request,
                        lambda _: None,
                        self.cancel,
                        "failover",
                        lost=slots,
                        revision=wanted.revision,
                        guard=self.guard,
                    )
                )
            _raise_where_failed(outcome)
            places = placements.read(parts.store, owner, app)
            # What the app has no more need of, since it was scaled down, must not be missed.
            gone = {str(slot) for slot in slots} - set(places)
            if gone:
                wanted_records.stopped(parts.store, owner, app, gone)
            return {str(slot): places[str(slot)] for slot in slots if str(slot) in places}

    def fence(self, host: str) -> None:
        """Turn a host off, and keep the proof. Raises NapError where that can't be told."""
        command = self.cluster.hosts[host].fence
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "NAP_HOST": host},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=FENCE_TIME,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NapError(f"its fence command failed: {error}", host=host) from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise NapError(
                f"its fence command ended with code {done.returncode}: {said}", host=host
            )
        with self._parts() as parts:
            StoredProofs(parts.store).enter(Proof(host, FENCED, WHO, utc_now()))

    @contextlib.contextmanager
    def _parts(self) -> Iterator[Parts]:
        parts = Parts(self.cluster, records_may_wait=True)
        try:
            yield parts
        finally:
            parts.close()

    @contextlib.contextmanager
    def _locked(self, parts: Parts, owner: str, app: str) -> Iterator[tuple[Lease, str]]:
        deployment = uuid.uuid4().hex
        with app_lock.take(
            parts.store, owner, app, who=WHO, deployment=deployment, brief=True
        ) as lease:
            yield lease, deployment

    def _look(self, parts: Parts, owner: str, app: str, hosts: set[str]) -> View:
        return parts.look(only=_LOOK, whose=Whose(owner=owner, app=app), hosts=hosts)


def _right(view: View, record: ContainerRecord) -> ContainerView | None:
    """The slot's container with the highest fence; None where the record knows of a higher one."""
    key = (record.owner, record.app, record.service, record.replica)
    there = [each for each in view.containers() if slot_key(each) == key and each.identity]
    found = max(there, key=lambda each: each.identity.fence if each.identity else 0, default=None)
    if found is None or found.identity is None or found.identity.fence < record.fence:
        return None
    return found


def _container(view: View, copy: Copy) -> ContainerView | None:
    return next((each for each in view.containers() if each.id == copy.container), None)


def _clearing(owner: str, app: str, deployment: str, stale: ContainerView, how: str) -> Plan:
    """The plan that takes one container away, or stops it."""
    subject = common.subject_of(stale)
    stop = common.stopping(stale, subject, None)
    steps = (stop,) if how == "stop" else (stop, common.removal(stale, subject, (stop.id,)))
    change = Change.STOP if how == "stop" else Change.REMOVE
    why = "its successor runs elsewhere"
    return Plan(
        owner=owner,
        app=app,
        project=project_of(owner, app),
        revision=0,
        deployment=deployment,
        steps=steps,
        summary=(Line(change, subject, stale.host, why),),
    )


def _raise_where_failed(outcome: Outcome) -> None:
    if outcome.state in ("done", "unchanged"):
        return
    why = outcome.error or "; ".join(each.reason for each in outcome.failures) or outcome.state
    if outcome.exit_code == Exit.LOCKED:
        raise Locked(why)
    raise NapError(why)
