"""`nap volume move`: a local volume to another host, or into cluster storage.

Until the copy is whole and compared the old one counts, and from then on the new one. Which of
them does stands in the state store, so wherever nap is killed the next run finishes, and nothing
of the app is started before.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from nap_compose.border import (
    ActRequest,
    Cancel,
    Moved,
    MoveRequest,
    Target,
    Who,
)
from nap_compose.cluster import claims, host_records, labels, moves
from nap_compose.cluster.engine import NotFound
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.labels import COMPOSE, Identity
from nap_compose.cluster.moves import Move
from nap_compose.cluster.names import project_of
from nap_compose.cluster.view import HostState, View, VolumeView
from nap_compose.compose.hashing import resource_hash
from nap_compose.compose.model import App
from nap_compose.control import acting, history
from nap_compose.control.at_volume import IDLE, AtVolume
from nap_compose.control.parts import Parts
from nap_compose.control.quotas import checking
from nap_compose.control.road.looking import adopted_of
from nap_compose.control.storekeeping import the_pool, within_quota
from nap_compose.errors import Interrupted, NapError, WrongUse
from nap_compose.orchestration import pooling
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.orchestration.bodies.shared import volume_body
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.placement.volumes import is_engines_own
from nap_compose.orchestration.plan import Verb
from nap_compose.plaindata import dataclass
from nap_compose.storage import copying, exchange, folders
from nap_compose.storage.copying import MOUNT, Tell
from nap_compose.storage.folders import parts_of
from nap_compose.storage.settings import write as set_up


def move(
    parts: Parts, who: Who, request: MoveRequest, tell: Tell, on_event: OnEvent, cancel: Cancel
) -> Moved:
    """Move it, or finish what was cut off; see `Storing.move_volume`."""
    mover = _Mover(parts, who, request.target, request.key, on_event, cancel, request, tell)
    if request.abandon:
        mover.abandon()
        return Moved("")
    mover.begin()
    if not mover.move.whole:
        try:
            mover.copy()
        except NapError:
            mover.start_again()
            raise
    done = mover.move
    mover.clear_source(done)
    return Moved(done.where, mover.copied, mover.bring_up(done.again, "volume move"))


@dataclass
class _Mover(AtVolume):
    request: MoveRequest
    tell: Tell
    copied: int = 0
    _failed: tuple[str, ...] = ()

    @property
    def move(self) -> Move:
        """The move as it stands on record."""
        found = moves.read(self.parts.store, self.owner, self.app)
        if found is None or found.key != self.request.key:
            raise NapError("another command has just finished or given up the move")
        return found

    def begin(self) -> None:
        """See that it can be done, stop what must stop, and put it on record."""
        known = moves.read(self.parts.store, self.owner, self.app)
        if known is not None:
            self._check_same(known)
            return
        source, _ = self._find()
        self._check_target(source)
        users = [each for each in self.users(source) if each.state not in IDLE]
        if users and not self.request.stop:
            raise NapError(
                f"{users[0].name} uses {self.app}/{self.request.key}",
                host=source.host,
                hint=f"nap stop {self.app}, or --stop: then it is stopped, and brought up again "
                "where its data is",
            )
        services = tuple(
            dict.fromkeys(each.identity.service for each in users if each.identity is not None)
        )
        with self.locked():
            moves.write(
                self.parts.store,
                self.owner,
                self.app,
                Move(
                    key=self.request.key,
                    name=source.name,
                    source=source.host,
                    target=self.request.to,
                    folder="" if self.request.to else uuid.uuid4().hex,
                    again=services,
                ),
            )
        try:
            self.act(Verb.STOP, users)
        except NapError:
            self._forget()
            raise

    def copy(self) -> None:
        """Copy and compare; where that fails the old one stays, and nothing of the new."""
        with self.locked() as deployment:
            move = self.move
            self.let_go(move.source, move.name)
            source, view = self._find()
            if any(each.state not in IDLE for each in self.users(source)):
                raise NapError(
                    f"{self.app} was started meanwhile", hint=f"nap stop {self.app}, then again"
                )
            self._clear_target(move)
            try:
                with (
                    self._within_quota(move, deployment),
                    self._open_target(move, source, view) as target,
                    self.opened(move.source, {MOUNT: move.name}) as files,
                ):
                    self.copied = copying.copy(files, target, self._tell)
                    copying.compare(files, target)
            except NapError:
                with contextlib.suppress(NapError):
                    self._clear_target(move)
                    moves.delete(self.parts.store, self.owner, self.app)
                self._failed = move.again
                raise
            moves.write(self.parts.store, self.owner, self.app, replace(move, whole=True))

    def start_again(self) -> None:
        """Start what was stopped, where it was: the move came to nothing."""
        targets = tuple(Target(self.app, self.owner, name) for name in self._failed)
        if targets:
            request = ActRequest(Verb.START, self.app, self.owner, targets)
            with contextlib.suppress(NapError):
                acting.act(self.parts, self.who, request, self.on_event, self.cancel)

    def _tell(self, gone: int) -> None:
        if self.cancel.level:
            raise Interrupted(
                f"{self.app}/{self.request.key} stays where it was: the copy was stopped"
            )
        self.tell(gone)

    def clear_source(self, move: Move) -> None:
        """Take the old one away, and put the new one in its place."""
        with self.locked():
            self.let_go(move.source, move.name)
        view = self.look(move.source)
        there = next(
            (each for each in view.hosts[move.source].volumes if each.name == move.name), None
        )
        old = there is not None and not self.is_pooled(there)
        if there is not None and old:
            self.act(Verb.REMOVE, self.users(there))
        with self.locked() as deployment:
            if move.target:
                self.let_go(move.target, move.name)
            else:
                with self._within_quota(move, deployment):
                    self._take_in(move)
            if old:
                self.let_go(move.source, move.name)
                with contextlib.suppress(NotFound):
                    self.parts.engines.on(move.source).remove_volume(move.name)
            if not move.target and (there is None or old):
                self._bind(move, there)
            moves.delete(self.parts.store, self.owner, self.app)

    def abandon(self) -> None:
        """Let the old one be the one that counts."""
        with self.locked():
            move = self.move
            if move.restore:
                moves.refuse(self.parts.store, self.owner, self.app)
            if move.whole:
                raise WrongUse(
                    f"the copy on {move.where} is whole already, and counts",
                    hint=f"nap volume move {self.app}/{move.key} finishes it",
                )
            self._clear_target(move)
            moves.delete(self.parts.store, self.owner, self.app)

    def _find(self) -> tuple[VolumeView, View]:
        """The volume on the host where it is."""
        found, view = self.copies()
        if any(self.is_pooled(each) for each in found):
            raise WrongUse(
                f"{self.app}/{self.request.key} is on cluster storage, so it is on every host"
            )
        if len(found) > 1:
            hosts = ", ".join(each.host for each in found)
            raise WrongUse(f"{self.app}/{self.request.key} is on several hosts: {hosts}")
        (source,) = found
        came = adopted_of(self.parts, self.owner, self.app)
        if came is not None and self.request.key in came.volumes:
            raise WrongUse(
                f"{self.app}/{self.request.key} stayed in place on {source.host} as {source.name} "
                "when the app was moved in; nap moves volumes that it made",
                hint="let a service write to a new volume, and copy the content over with nap cp",
            )
        if not is_engines_own(source.driver) or source.options:
            raise WrongUse(
                f"{self.app}/{self.request.key} has options of its own, so where its data lies "
                "is for them to say",
                hint="change driver_opts in the Compose file instead",
            )
        return source, view

    def _check_same(self, known: Move) -> None:
        same = known.key == self.request.key and not known.restore
        elsewhere = self.request.to and self.request.to != known.target
        if not same or elsewhere or (self.request.cluster and known.target):
            moves.refuse(self.parts.store, self.owner, self.app)

    def _check_target(self, source: VolumeView) -> None:
        to = self.request.to
        if not to and not self.request.cluster:
            raise WrongUse("say where to", hint="--to HOST, or --to-cluster")
        if to and to not in self.parts.cluster.hosts:
            raise WrongUse(f"there is no host {to}", hint="nap host ls shows them")
        if to == source.host:
            raise WrongUse(f"{self.app}/{self.request.key} is on {to} already")
        if to:
            state = host_records.read_all(self.parts.store).get(to)
            if state is not None and state.state is not HostState.ACTIVE:
                raise WrongUse(f"{to} is {state.state.value}", hint=f"nap host activate {to}")
            self.look(to)
            return
        pool = the_pool(self.parts)
        pool.check()
        folder = self.folder()
        if folders.exists(pool.base, parts_of(folder)):
            raise WrongUse(
                f"there is a volume {folder} on cluster storage already",
                hint="nap storage ls shows it, nap storage rm removes it",
            )
        spec = self.spec()
        if spec.get("driver") == "local":
            raise WrongUse(
                f"the app's file says `driver: local` for {self.request.key}",
                hint="say `driver: moosefs` there, or leave it out, and bring the app up first",
            )
        seen, most = claims.read(self.parts.store), self.settings().quota or 0
        key = (self.owner, self.app)
        checking.checked_volume(self.parts, seen, key, folder, most, deployment="")

    def _within_quota(self, move: Move, deployment: str) -> AbstractContextManager[None]:
        """Hold of the quotas what it may hold on cluster storage. Raises OverQuota."""
        if move.target:
            return nullcontext()
        mine = Target(self.app, self.owner)
        most = self.settings().quota or 0
        return within_quota(self.parts, mine, self.folder(), most, deployment)

    @contextmanager
    def _open_target(self, move: Move, source: VolumeView, view: View) -> Iterator[HostFiles]:
        """The new place, empty."""
        if move.target:
            self.parts.engines.on(move.target).create_volume(
                {"Name": move.name, "Driver": "local", "Labels": dict(source.labels)}
            )
            with self.opened(move.target, {MOUNT: move.name}) as files:
                yield files
            return
        pool = the_pool(self.parts)
        pool.workplace()
        with folders.opened(pool.base, [exchange.NEW, move.folder], make=0o755):
            pass
        wanted = self.settings()
        set_up(pool.moosefs, pool.base / exchange.NEW / move.folder, wanted)
        host = self.reaching(source.host, view)
        path = f"{pool.moosefs.folder}/{exchange.NEW}/{move.folder}"
        with self.opened(host, {}, {MOUNT: path}) as files:
            yield files

    def _clear_target(self, move: Move) -> None:
        """Remove what an earlier try left there."""
        self.let_go(move.source, move.name)
        if move.target:
            self.let_go(move.target, move.name)
            with contextlib.suppress(NotFound):
                self.parts.engines.on(move.target).remove_volume(move.name)
            return
        pool = the_pool(self.parts)
        pool.check()
        pool.drop_work(move.folder)

    def _take_in(self, move: Move) -> None:
        """Bring the folder to its place on cluster storage."""
        pool = the_pool(self.parts)
        pool.check()
        parts = parts_of(self.folder())
        if not folders.exists(pool.base, [exchange.NEW, move.folder]):
            return  # an earlier run came that far
        if not exchange.move_in(pool.base, move.folder, parts):
            raise NapError(f"there is another {self.folder()} on cluster storage by now")

    def _bind(self, move: Move, was: VolumeView | None) -> None:
        """Give the host a volume of the same name, bound to the folder."""
        pool = the_pool(self.parts)
        _, model = history.running_model(self.parts, self.owner, self.app)
        volumes = {move.key: self.spec()}
        app = model or App.of({"name": self.app, "services": {}, "volumes": volumes})
        project = project_of(self.owner, self.app)
        if volume_name(app, project, move.key) != move.name:
            return  # the next `up` makes it under the name it has by then
        spec = {
            **{key: value for key, value in self.spec().items() if "driver" not in key},
            "driver": "local",
            "driver_opts": pooling.bind_options(self.folder(), pool.moosefs),
        }
        old = was.identity if was else None
        identity = Identity(
            cluster=self.parts.cluster.name,
            owner=self.owner,
            app=self.app,
            revision=old.revision if old else 0,
            deployment=old.deployment if old else "",
            project=project,
            config_hash=resource_hash(spec),
        )
        written = labels.write(
            identity,
            name=move.name,
            seal=self.parts.seal,
            compose={
                "volume": move.key,
                "version": was.labels.get(COMPOSE + "version", "") if was else "",
            },
        )
        self.parts.engines.on(move.source).create_volume(volume_body(move.name, spec, written))

    def _forget(self) -> None:
        with self.locked():
            moves.delete(self.parts.store, self.owner, self.app)
