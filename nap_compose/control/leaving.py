"""Somebody leaves: their sessions end, and their apps go on as an admin says.

What runs stays where it is. Each part can be done again: who was cut off does the same once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from nap_compose.auth.sessions import FOLDER, end_all_of
from nap_compose.border import (
    ActRequest,
    KnownSecret,
    LeftApp,
    Offboarded,
    OffboardRequest,
    Target,
    Who,
)
from nap_compose.cluster import claims
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App
from nap_compose.control import acting, history
from nap_compose.control.giving import check_may_have, give
from nap_compose.control.owners import owner_now
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.quotas import checking
from nap_compose.control.reading import urls_of, warnings_of
from nap_compose.control.registries.keeping import log_out
from nap_compose.control.sharing import check_known
from nap_compose.db.records import AppRecord
from nap_compose.errors import BadFiles, NapError, WrongUse
from nap_compose.orchestration import using
from nap_compose.orchestration.plan import Verb
from nap_compose.plaindata import dataclass

_LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


def offboard(parts: Parts, who: Who, request: OffboardRequest) -> Offboarded:
    """Do it; see `border.Offboarding`. Raises WrongUse for somebody unknown, or where an app can't
    go to whom it should; then nothing was done."""
    if parts.cluster.embedded:
        raise WrongUse("there are no users on the local engine, so nobody leaves it")
    if sum((bool(request.to), request.stop, request.keep)) > 1:
        raise WrongUse("--to, --stop and --keep are three ways: choose one")
    owner, to = owner_of(request.user), owner_of(request.to) if request.to else ""
    if owner not in {user.owner for user in parts.records.users()} and not _apps(parts, owner):
        check_known(parts, owner)
    leaving = _Leaving(parts, who, owner, to, seen_at_all(parts.look(only=_LOOK)))
    if to:
        leaving.check_they_can_go()
    told = leaving.told()
    if not request.changes:
        return told
    return leaving.carried_out(request, told)


class _Finishes:
    """Nobody stops it half way."""

    level = 0


@dataclass
class _Leaving:
    parts: Parts
    who: Who
    owner: str
    to: str
    view: View

    def check_they_can_go(self) -> None:
        """Raise what keeps apps from going to whom they should, all of it."""
        if self.to == self.owner:
            raise WrongUse(f"{self.owner} is who leaves")
        if self.parts.cluster.ldap is not None:
            check_known(self.parts, self.to)
        found = []
        apps = _apps(self.parts, self.owner)
        for app in apps:
            try:
                check_may_have(self.parts, app.owner, app.name, self.to)
            except NapError as problem:
                found.append(problem)
        if found:
            raise (
                found[0]
                if len(found) == 1
                else WrongUse("\n".join(each.message for each in found), hint=found[0].hint)
            )
        going = [(app.owner, app.name) for app in apps]
        seen = claims.read(self.parts.store)
        checking.checked_gift(self.parts, seen, going, self.owner, self.to, deployment="")

    def told(self) -> Offboarded:
        """What they have, with nothing done."""
        records = self.parts.records
        lent = [(app, share) for app, share in records.shared_with([self.owner])]
        given = self.parts.given(now=True)
        named = [f"{given.owner(app.owner, app.name)}/{app.name}" for app, _ in lent]
        apps = _apps(self.parts, self.owner)
        registries = tuple(each.registry for each in records.credentials(self.owner))
        secrets = [
            *(each for app in apps for each in self._secrets(app, f"{self.owner}/{app.name}")),
            *(KnownSecret(each, "login", "") for each in registries),
            *(
                each
                for (app, share), name in zip(lent, named, strict=True)
                if share.access != "view"
                for each in self._secrets(app, name)
            ),
        ]
        return Offboarded(
            user=self.owner,
            apps=tuple(map(self._left, apps)),
            lent=tuple(
                f"{name} ({share.access})" for (_, share), name in zip(lent, named, strict=True)
            ),
            registries=registries,
            secrets=tuple(secrets),
            in_directory=self.parts.cluster.ldap is not None
            and not owner_now(self.parts, self.owner).gone,
            warnings=warnings_of(self.view),
        )

    def carried_out(self, request: OffboardRequest, told: Offboarded) -> Offboarded:
        """Do what is asked for; first so that they can do nothing meanwhile."""
        sessions = end_all_of(self.parts.cluster.state_dir / FOLDER, self.owner)
        for app, _ in self.parts.records.shared_with([self.owner]):
            self._do("app unshare", app, partial(self.parts.records.unshare, app.id, self.owner))
        if not request.keep:
            leaver = replace(self.who, owner=self.owner)
            for registry in told.registries:
                log_out(self.parts, leaver, registry)
        apps = tuple(
            self._carried_out(request, record, left)
            for record, left in zip(_apps(self.parts, self.owner), told.apps, strict=True)
        )
        return replace(told, apps=apps, sessions=sessions, changed=True)

    def _carried_out(self, request: OffboardRequest, app: AppRecord, left: LeftApp) -> LeftApp:
        target = Target(app.name, app.owner)
        if request.to:
            problem = self._do("app give", app, lambda: give(self.parts, self.who, target, self.to))
            done = f"is {self.to}'s now"
        elif request.stop:
            problem = self._do("stop", app, lambda: self._stop(target)) if left.running else ""
            done = "is stopped" if left.running else "was stopped already"
        else:
            problem, done = "", "runs on"
        return replace(left, done="" if problem else done, problem=problem)

    def _stop(self, target: Target) -> None:
        request = ActRequest(Verb.STOP, target.app, target.owner)
        outcome = acting.act(self.parts, self.who, request, lambda _: None, _Finishes())
        if outcome.exit_code:
            raise NapError(outcome.error or f"{target.app} is not stopped: {outcome.state}")

    def _do(self, verb: str, app: AppRecord, act: Callable[[], object]) -> str:
        """Do one thing, with a row of its own in the audit trail; gives why it couldn't be."""
        try:
            with self.parts.trail.act(self.who, verb, owner=app.owner, app=app.name) as told:
                told.detail = f"{self.owner} leaves"
                act()
        except NapError as problem:
            return str(problem)
        return ""

    def _left(self, app: AppRecord) -> LeftApp:
        mine = [
            each
            for each in self.view.of_app(app.owner, app.name)
            if each.identity is not None and not each.identity.oneoff
        ]
        volumes = using.volumes_there(self.view).get((app.owner, app.name), ())
        shares = self.parts.records.shares(app.id)
        return LeftApp(
            app=app.name,
            project=app.project,
            running=sum(each.state == "running" for each in mine),
            volumes=tuple(sorted(volumes)),
            published=tuple(dict.fromkeys(self._published(mine))),
            shared_with=tuple(f"{each.grantee} ({each.access})" for each in shares),
        )

    def _published(self, containers: list[ContainerView]) -> Iterator[str]:
        for each in containers:
            yield from urls_of(each, self.view.hosts[each.host])

    def _secrets(self, app: AppRecord, name: str) -> Iterator[KnownSecret]:
        """What the app's model calls secret."""
        model = self._model(app)
        if model is None:
            return
        for secret in model.document.get("secrets") or ():
            yield KnownSecret(name, "secret", str(secret))
        variables = {each for service in model.services for each in model.secret_env(service)}
        for variable in sorted(variables):
            yield KnownSecret(name, "environment", variable)

    def _model(self, app: AppRecord) -> App | None:
        try:
            return history.running_model(self.parts, app.owner, app.name)[1]
        except (NapError, BadFiles):
            return None


def _apps(parts: Parts, owner: str) -> list[AppRecord]:
    """The apps that are the owner's now, as they stand on record under who made them."""
    given = parts.given(now=True)
    return [app for app in parts.records.apps() if given.owner(app.owner, app.name) == owner]
