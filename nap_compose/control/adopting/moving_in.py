"""`nap adopt`: an app that a host's own Compose runs becomes one of the cluster's.

Its volumes stay in place. All that can be made ready is made while the old containers still run;
then these are stopped, and the new ones started on the same volumes. What was begun stands in the
state store, so wherever nap is killed the next run goes on, or `--back` goes back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nap_compose.border import (
    Adoption,
    AdoptRequest,
    Cancel,
    Outcome,
    StaysInPlace,
    Target,
    UpRequest,
    Who,
)
from nap_compose.cluster import adopted
from nap_compose.cluster.adopted import Adopted
from nap_compose.cluster.host_records import HostRecord
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import HostView, View
from nap_compose.compose.model import App
from nap_compose.control.adopting import formers
from nap_compose.control.adopting.project import RUNS, Project, check, find
from nap_compose.control.adopting.way_back import go_back
from nap_compose.control.parts import Parts, site_of
from nap_compose.control.policing import forbidden
from nap_compose.control.road.looking import adopted_of
from nap_compose.control.road.road import Road, travel
from nap_compose.control.sharing import check_known
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.orchestration import checks
from nap_compose.orchestration.events import OnEvent
from nap_compose.plaindata import dataclass

_GOOD = ("done", "unchanged")


def move_in(
    parts: Parts, who: Who, request: AdoptRequest, on_event: OnEvent, cancel: Cancel
) -> Adoption:
    """Move it in, or finish what was cut off; see `Adopting.adopt`."""
    return _Mover(parts, who, request, on_event, cancel).go()


@dataclass
class _Moving(Road):
    """The road of an app that moves in: its old containers count as stopped already."""

    came: Adopted | None = None

    @property
    def _adopted(self) -> Adopted | None:
        return self.came

    def _look(self, known: Mapping[str, HostRecord]) -> View:
        view = super()._look(known)
        if self.came is None:
            return view
        everywhere = {(self.who.owner, self.request.app.name): self.came}
        return _as_if_stopped(
            adopted.marked(view, self.parts.cluster.name, everywhere), self.came.ids
        )


class _Mover:
    def __init__(
        self, parts: Parts, who: Who, request: AdoptRequest, on_event: OnEvent, cancel: Cancel
    ) -> None:
        self.parts, self.request = parts, request
        self.on_event, self.cancel = on_event, cancel
        self.app: App = request.app
        self.owner = owner_of(request.owner) if request.owner else who.owner
        self.who = replace(who, owner=self.owner)
        self._judge_user = self.owner != who.owner

    def go(self) -> Adoption:
        """See what is there, and unless it is a dry run move it in."""
        self._check_request()
        before = adopted_of(self.parts, self.owner, self.app.name)
        view = self._look()
        project = self._project(view.hosts[self.request.host], before)
        came = before or self._survey(project, view)
        notes = tuple(dict.fromkeys(self._notes(project, came)))
        if self.request.dry_run:
            return self._told(came, self._travel(came, dry_run=True), notes)
        if before is None:
            adopted.begin(self.parts.store, self.parts.seal, self.owner, self.app.name, came)
        ready = self._made_ready(came, project)
        if ready.state not in _GOOD:
            return self._told(came, ready, notes)
        return self._switched(came, project, notes)

    def _check_request(self) -> None:
        cluster = self.parts.cluster
        if cluster.embedded:
            raise WrongUse(
                "on the local engine a Compose project is an app already",
                hint="nap up takes it over as it is",
            )
        if self.request.host not in cluster.hosts:
            raise WrongUse(f"there is no host {self.request.host}", hint="nap host ls shows them")
        checks.check(self.app, site_of(self.parts), cluster.storage)
        if self._judge_user and cluster.ldap is not None:
            check_known(self.parts, self.owner)

    def _look(self) -> View:
        view = self.parts.look(only=frozenset({Part.CONTAINERS, Part.VOLUMES}))
        if self.request.host not in view.hosts:
            why = next(each.text for each in view.unseen if each.name == self.request.host)
            raise Away(f"host {self.request.host} was not seen: {why}")
        return view

    def _project(self, host: HostView, before: Adopted | None) -> Project:
        name = self.request.project or self.app.name
        if before is None:
            return find(host, name, self.parts.engines.on(host.name))
        if before.whole:
            raise WrongUse(
                f"{self.app.name} was moved in from {before.host} already",
                hint=f"nap adopt --back {self.app.name} moves it back, nap up changes it",
            )
        if before.host != host.name:
            raise WrongUse(
                f"{self.app.name} is on its way in from {before.host}",
                hint=f"nap adopt --host {before.host} goes on, nap adopt --back goes back",
            )
        return find(host, before.project, self.parts.engines.on(host.name))

    def _survey(self, project: Project, view: View) -> Adopted:
        """What there is to take on; refuses what would lose data or meet another app."""
        if view.of_app(self.owner, self.app.name):
            raise WrongUse(
                f"there is an app {self.owner}/{self.app.name} in the cluster already",
                hint=f"take it down first, or give this one another name: nap adopt -p NAME "
                f"--project {project.name}",
            )
        volumes = project.volumes_of(self.app)
        check(project, self.app, volumes, leave_anonymous=self.request.leave_anonymous)
        containers = tuple(each.former for each in project.containers)
        return Adopted(project.host.name, project.name, volumes, containers)

    def _notes(self, project: Project, came: Adopted) -> Iterator[str]:
        named = {mount.source for each in self.app.services.values() for mount in each.mounts}
        for key in self.app.volumes:
            if key in named and key not in came.volumes:
                where = f"{project.host.name} has no volume of {project.name}"
                yield f"{where} for {key}: it begins empty"
        for name in sorted({each.service for each in project.containers}):
            if name not in self.app.services:
                yield f"the file has no service {name}: its container is stopped like the others"
        yield from project.folders_left(self.app)
        if self._judge_user:
            for each in forbidden(self.parts, replace(self.who, role="user"), self.app):
                yield (
                    f"{self.owner} may not bring it up again as it is, unless they are an admin: "
                    f"{each.message}"
                )

    def _made_ready(self, came: Adopted, project: Project) -> Outcome:
        """Make the new containers and all that they need, while the old ones run. Where that
        fails, nothing has changed."""
        try:
            outcome = self._travel(came, no_start=True)
        except NapError:
            self._forget_unless_stopped(project)
            raise
        if outcome.state not in (*_GOOD, "interrupted"):
            self._forget_unless_stopped(project)
        return outcome

    def _forget_unless_stopped(self, project: Project) -> None:
        if any(each.view.state in RUNS for each in project.containers):
            adopted.delete(self.parts.store, self.owner, self.app.name)

    def _switched(self, came: Adopted, project: Project, notes: tuple[str, ...]) -> Adoption:
        """Stop the old ones and start the new ones; where these don't get well, the other way."""
        engine = self.parts.engines.on(came.host)
        order = formers.in_order(each.view for each in project.containers)
        began = time.monotonic()
        try:
            formers.stop(engine, came.containers, order, self.on_event)
            outcome = self._travel(came)
        except NapError as error:
            self._back(came)
            raise NapError(
                f"{self.app.name} runs on {came.host} again, as before: {error.message}",
                host=error.host,
                hint=error.hint,
            ) from error
        if outcome.state == "interrupted":
            return self._told(came, outcome, notes)
        if outcome.state not in _GOOD:
            return replace(self._told(came, outcome, (*notes, *self._back(came))), back=True)
        down = time.monotonic() - began
        store, seal = self.parts.store, self.parts.seal
        adopted.write(store, seal, self.owner, self.app.name, replace(came, whole=True))
        return replace(self._told(came, outcome, notes), down=down)

    def _back(self, came: Adopted) -> tuple[str, ...]:
        target = Target(self.app.name, self.owner)
        moved = go_back(self.parts, self.who, target, came, self.on_event, self.cancel)
        return moved.notes

    def _travel(self, came: Adopted, *, dry_run: bool = False, no_start: bool = False) -> Outcome:
        request = UpRequest(
            app=self.app,
            no_start=no_start,
            wait=not no_start,
            dry_run=dry_run,
            timeout=self.request.timeout,
            supply=self.request.supply,
            contexts=self.request.contexts,
        )
        road = _Moving(
            self.parts, self.who, request, self.on_event, self.cancel, "adopt", came=came
        )
        return travel(road)

    def _told(self, came: Adopted, outcome: Outcome, notes: tuple[str, ...]) -> Adoption:
        return Adoption(
            app=self.app.name,
            owner=self.owner,
            host=came.host,
            project=came.project,
            containers=tuple(each.name for each in came.containers),
            stays=tuple(StaysInPlace(key, name) for key, name in came.volumes.items()),
            outcome=outcome,
            notes=notes,
        )


def _as_if_stopped(view: View, ids: frozenset[str]) -> View:
    """The view with these containers holding nothing of their host any more."""
    hosts = {
        name: replace(
            host,
            containers=tuple(
                replace(each, state="exited", ports=()) if each.id in ids else each
                for each in host.containers
            ),
        )
        for name, host in view.hosts.items()
    }
    return replace(view, hosts=hosts)
