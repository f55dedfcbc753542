"""One volume of an app, and what uses it: found, opened, let go of, for whoever changes what is in
it or where it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nap_compose.border import ActRequest, Cancel, Target, UpRequest, Who
from nap_compose.cluster import app_lock, hostfs, moves
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import ContainerView, View, VolumeView
from nap_compose.control import acting, history, upward
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.storekeeping import the_pool
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.orchestration import pooling
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.placement.volumes import is_shared
from nap_compose.orchestration.plan import Verb
from nap_compose.plaindata import dataclass
from nap_compose.storage import reach
from nap_compose.storage.settings import Settings

LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES, Part.INFO})
IDLE = ("created", "exited", "dead")


@dataclass
class AtVolume:
    """Somebody at work on the volume `key` of the target's app, which has an owner."""

    parts: Parts
    who: Who
    target: Target
    key: str
    on_event: OnEvent
    cancel: Cancel

    @property
    def owner(self) -> str:
        return self.target.owner

    @property
    def app(self) -> str:
        return self.target.app

    def copies(self) -> tuple[list[VolumeView], View]:
        """The volume on each host that was seen to have it, on one at least; the one that counts
        where it is on its way."""
        view = seen_at_all(self.parts.look(only=LOOK))
        found = []
        for host in view.hosts.values():
            for volume in host.volumes:
                identity = volume.identity
                mine = identity is not None and (
                    (identity.owner, identity.app) == (self.owner, self.app)
                )
                if mine and volume.labels.get(COMPOSE + "volume") == self.key:
                    found.append(volume)
        known = moves.read(self.parts.store, self.owner, self.app)
        if known is not None:
            found = [each for each in found if each.host == known.source]
        if not found and view.unseen:
            away = ", ".join(each.name for each in view.unseen)
            raise Away(
                f"{self.app}/{self.key} isn't on any host that was seen; {away} wasn't",
                hint="nap host ls shows why",
            )
        if not found:
            raise WrongUse(
                f"{self.app} has no volume {self.key} on any host",
                hint="nap volumes shows what there is; nap create makes what is missing",
            )
        return found, view

    def the_one(self, found: list[VolumeView]) -> VolumeView:
        """The one of these copies whose content is the volume's; where hosts share it each is."""
        shared = self.parts.cluster.storage.shared
        alike = all(
            self.is_pooled(each) or is_shared(each.driver, each.options, shared) for each in found
        )
        if len(found) > 1 and not alike:
            hosts = ", ".join(each.host for each in found)
            raise WrongUse(f"{self.app}/{self.key} is on several hosts: {hosts}")
        return found[0]

    def folder(self) -> str:
        return f"{self.owner}/{self.app}/{self.key}"

    def spec(self) -> dict[str, object]:
        """What the running revision says of the volume."""
        _, model = history.running_model(self.parts, self.owner, self.app)
        return dict((model.volumes.get(self.key) if model else None) or {})

    def settings(self) -> Settings:
        moosefs = the_pool(self.parts).moosefs
        said = pooling.pooled_as(self.key, self.folder(), self.spec())
        trash = int(moosefs.trash) if said.trash is None else said.trash
        return Settings(said.goal or moosefs.goal, trash, said.quota or None, said.files or None)

    def users(self, volume: VolumeView) -> list[ContainerView]:
        """The app's replicas that use it; raises NapError where anybody else does."""
        found = self._mounting(volume)
        for each in found:
            identity = each.identity
            if identity is None or not self._is_mine(each):
                raise NapError(
                    f"{each.name}, which isn't of {self.app}, uses it",
                    host=volume.host,
                    hint="take that away first",
                )
            if identity.oneoff:
                raise NapError(
                    f"{each.name}, which `nap run` made, uses it",
                    host=volume.host,
                    hint=f"remove it first: nap rm {self.app}/{identity.service}, or docker rm",
                )
        return found

    def own_users(self, volume: VolumeView) -> list[ContainerView]:
        """The app's containers that use it, whoever else does."""
        return [each for each in self._mounting(volume) if self._is_mine(each)]

    def _mounting(self, volume: VolumeView) -> list[ContainerView]:
        view = self.parts.look(only=frozenset({Part.CONTAINERS}), hosts=[volume.host])
        return [each for each in view.containers() if volume.name in each.volumes]

    def _is_mine(self, container: ContainerView) -> bool:
        mine = container.identity
        return mine is not None and (mine.owner, mine.app) == (self.owner, self.app)

    def act(self, verb: Verb, users: list[ContainerView]) -> None:
        """Do something with replicas, by the way of every command."""
        targets = tuple(
            Target(self.app, self.owner, each.identity.service, each.identity.replica)
            for each in users
            if each.identity is not None
        )
        if targets:
            request = ActRequest(verb, self.app, self.owner, targets)
            outcome = acting.act(self.parts, self.who, request, self.on_event, self.cancel)
            if outcome.state not in ("done", "unchanged"):
                raise NapError(f"{self.app} can't be taken off the volume: {outcome.error}")

    def look(self, host: str) -> View:
        view = self.parts.look(only=LOOK, hosts=[host])
        if view.unseen:
            raise Away(f"host {host} was not seen: {view.unseen[0].text}")
        return view

    def is_pooled(self, volume: VolumeView) -> bool:
        moosefs = self.parts.cluster.storage.moosefs
        return moosefs is not None and pooling.in_pool(volume, moosefs)

    @contextmanager
    def opened(
        self, host: str, mounts: dict[str, str], there: dict[str, str] | None = None
    ) -> Iterator[HostFiles]:
        with hostfs.opened(
            self.parts.engines.on(host),
            mounts,
            cluster=self.parts.cluster.name,
            owner=self.owner,
            seal=self.parts.seal,
            there=there,
        ) as files:
            yield files

    def reaching(self, rather: str, view: View) -> str:
        """A host that reaches cluster storage, the volume's own if it does."""
        pool = the_pool(self.parts)
        not_there = reach.unreached(
            pool, self.parts.engines, view.hosts, cluster=self.parts.cluster.name,
            seal=self.parts.seal,
        )  # fmt: skip
        hosts = [rather, *view.hosts]
        for host in hosts:
            if host not in not_there:
                return host
        raise NapError("no host reaches cluster storage", hint="nap storage status says why")

    def let_go(self, host: str, volume: str) -> None:
        hostfs.let_go(self.parts.engines.on(host), volume)

    def bring_up(self, services: tuple[str, ...], verb: str) -> int:
        """Bring up again what was stopped, where its data is; gives the exit code."""
        if not services:
            return 0
        _, model = history.running_model(self.parts, self.owner, self.app)
        if model is None:
            return 0
        known = tuple(name for name in services if name in model.services)
        request = UpRequest(model, known, no_deps=True)
        owned = replace(self.who, owner=self.owner)
        outcome = upward.up(self.parts, owned, request, self.on_event, self.cancel, verb=verb)
        return int(outcome.exit_code)

    @contextmanager
    def locked(self) -> Iterator[str]:
        """Nobody deploys the app meanwhile. Gives the name under which its lock is held."""
        deployment = uuid.uuid4().hex
        with app_lock.take(
            self.parts.store, self.owner, self.app, who=self.who.name, deployment=deployment
        ):
            yield deployment
