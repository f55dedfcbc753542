"""`nap volume backup` and `restore`: what is in a volume goes into a file, and comes back.

What comes is taken in beside the volume, and compared, before the volume is touched. On one host
it then comes in the volume's place by a second copy, since an engine can't rename one; until that
is done the state store says so, and nothing of the app is started. On cluster storage the two
change places.
"""

from __future__ import annotations

import contextlib
import shlex
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from nap_compose.border import (
    Cancel,
    ContentRequest,
    ContentRestored,
    SaveRequest,
    Who,
)
from nap_compose.cluster import moves
from nap_compose.cluster.engine import Json, NotFound
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.moves import Move
from nap_compose.cluster.view import ContainerView, VolumeView
from nap_compose.compose.model import Service
from nap_compose.control import history
from nap_compose.control.at_volume import IDLE, AtVolume
from nap_compose.control.parts import Parts
from nap_compose.control.road.looking import adopted_of
from nap_compose.control.storekeeping import refuse_in_use, the_pool
from nap_compose.errors import BadFile, Interrupted, NapError, WrongUse
from nap_compose.orchestration import pooling
from nap_compose.orchestration.bodies.hooks import backup_body
from nap_compose.orchestration.events import Event, OnEvent
from nap_compose.orchestration.placement.volumes import is_engines_own
from nap_compose.orchestration.plan import Verb
from nap_compose.orchestration.steps.hooks import code_of
from nap_compose.plaindata import dataclass
from nap_compose.storage import copying, exchange, folders, snapshots
from nap_compose.storage.copying import MOUNT, Tell
from nap_compose.storage.settings import write as set_up
from nap_compose.storage.volume_archive import Incoming, written

HOOK_TAKES = 600.0
"""Seconds that a hook may take."""
STAGED = ".restored"
"""What the volume is called that takes in what comes, after the name of the one that it is for."""


def save(parts: Parts, who: Who, request: SaveRequest, cancel: Cancel) -> Iterator[bytes]:
    """What is in the volume; see `Storing.save_volume`."""
    return _Saver(parts, who, request.target, request.key, _hear, cancel).pieces(request.hooks)


def restore(
    parts: Parts,
    who: Who,
    request: ContentRequest,
    pieces: Iterable[bytes],
    tell: Tell,
    on_event: OnEvent,
    cancel: Cancel,
) -> ContentRestored:
    """Bring it back; see `Storing.restore_volume`."""
    restorer = _Restorer(parts, who, request.target, request.key, on_event, cancel, tell)
    return restorer.run(pieces, stop=request.stop)


def _hear(event: Event) -> None:
    """Nothing is deployed for a backup."""


class _Saver(AtVolume):
    def pieces(self, hooks: bool) -> Iterator[bytes]:
        moves.refuse(self.parts.store, self.owner, self.app)
        found, _ = self.copies()
        volume = self.the_one(found)
        if not is_engines_own(volume.driver):
            raise WrongUse(
                f"{self.app}/{self.key} has a driver of its own, so its backup is for that to make"
            )
        users = self.own_users(volume) if hooks else []
        with self._hooks(users), self.opened(volume.host, {MOUNT: volume.name}) as files:
            for piece in written(files.get(MOUNT)):
                if self.cancel.level:
                    raise Interrupted("the backup was stopped")
                yield piece

    @contextmanager
    def _hooks(self, users: list[ContainerView]) -> Iterator[None]:
        """`before` has run in a container of each service that has one, and `after` will, however
        it goes."""
        ran: list[tuple[ContainerView, Service]] = []
        try:
            for container, service in self._with_hooks(users):
                ran.append((container, service))
                self._run("before", container, service)
            yield
        finally:
            for container, service in reversed(ran):
                self._run("after", container, service)

    def _with_hooks(self, users: list[ContainerView]) -> Iterator[tuple[ContainerView, Service]]:
        """The first running container of each service that says what is to run."""
        _, model = history.running_model(self.parts, self.owner, self.app) if users else (0, None)
        seen = set()
        for container in users:
            name = container.identity.service if container.identity else ""
            service = model.services.get(name) if model else None
            if service is None or name in seen or container.state != "running":
                continue
            if any(backup_body(service, moment) for moment in ("before", "after")):
                seen.add(name)
                yield container, service

    def _run(self, moment: str, container: ContainerView, service: Service) -> None:
        body = backup_body(service, moment)
        if body is None:
            return
        deadline = time.monotonic() + HOOK_TAKES
        engine = self.parts.engines.on(container.host)
        # What is to run afterwards does so also where somebody pressed Ctrl-C.
        stopped = (lambda: bool(self.cancel.level)) if moment == "before" else (lambda: False)
        code = code_of(engine, container.id, body, stopped, deadline)
        if code:
            what = shlex.join(body["Cmd"])
            raise NapError(
                f"{service.name}'s x-nap.backup.{moment} `{what}` ended with code {code}",
                host=container.host,
                hint=f"try it: nap exec {self.app}/{service.name} {what}; --no-hooks leaves it out",
            )


@dataclass
class _Restorer(AtVolume):
    tell: Tell

    def run(self, pieces: Iterable[bytes], *, stop: bool) -> ContentRestored:
        known = moves.read(self.parts.store, self.owner, self.app)
        if known is not None and not (known.restore and known.key == self.key):
            moves.refuse(self.parts.store, self.owner, self.app)
        volume = self._volume(known)
        users = self._all_users(volume)
        running = [each for each in users if each.state not in IDLE]
        if running and not stop and known is None:
            raise NapError(
                f"{running[0].name} uses {self.app}/{self.key}",
                host=running[0].host,
                hint=f"nap stop {self.app}, or --stop: then it is stopped, and brought up again "
                "afterwards",
            )
        again = tuple(dict.fromkeys(e.identity.service for e in running if e.identity is not None))
        if self.is_pooled(volume):
            return self._on_cluster_storage(volume, pieces, running, again)
        return self._on_its_host(volume, pieces, users, known.again if known else again)

    def _volume(self, known: Move | None) -> VolumeView:
        """The volume as it is; where it was cut off in between, as it was."""
        if known is None:
            found, _ = self.copies()
            volume = self.the_one(found)
            came = adopted_of(self.parts, self.owner, self.app)
            if came is not None and self.key in came.volumes:
                raise WrongUse(
                    f"{self.app}/{self.key} stayed in place on {volume.host} as {volume.name} when "
                    "the app was moved in; nap makes only volumes anew that it made",
                    hint="unpack the backup, which is a tar, and copy it in with nap cp",
                )
            pooled = self.is_pooled(volume)
            if not pooled and (not is_engines_own(volume.driver) or volume.options):
                raise WrongUse(
                    f"{self.app}/{self.key} has options of its own, so what is in it is for them "
                    "to say"
                )
            return volume
        engine = self.parts.engines.on(known.source)
        try:
            there = engine.inspect_volume(known.name)
        except NotFound:
            there = engine.inspect_volume(known.name + STAGED)
        return VolumeView(known.name, known.source, "local", labels=dict(there.get("Labels") or {}))

    def _all_users(self, volume: VolumeView) -> list[ContainerView]:
        """What uses it: on its host, or on every one."""
        if not self.is_pooled(volume):
            return self.users(volume)
        found, _ = self.copies()
        return [user for each in found for user in self.users(each)]

    def _on_its_host(
        self,
        volume: VolumeView,
        pieces: Iterable[bytes],
        users: list[ContainerView],
        again: tuple[str, ...],
    ) -> ContentRestored:
        engine = self.parts.engines.on(volume.host)
        staged = volume.name + STAGED
        body: Json = {"Driver": "local", "Labels": dict(volume.labels)}
        with self.locked():
            self._drop(volume.host, staged)
            engine.create_volume({"Name": staged, **body})
            try:
                with self.opened(volume.host, {MOUNT: staged}) as files:
                    size = self._take_in(pieces, files)
            except BaseException:
                with contextlib.suppress(NapError):
                    self._drop(volume.host, staged)
                raise
            moves.write(
                self.parts.store,
                self.owner,
                self.app,
                Move(self.key, volume.name, volume.host, volume.host, again=again, restore=True),
            )
        self.act(Verb.STOP, [each for each in users if each.state not in IDLE])
        self.act(Verb.REMOVE, users)
        with self.locked():
            self._drop(volume.host, volume.name)
            engine.create_volume({"Name": volume.name, **body})
            with (
                self.opened(volume.host, {MOUNT: staged}) as source,
                self.opened(volume.host, {MOUNT: volume.name}) as target,
            ):
                copying.copy(source, target, lambda _: None)
                copying.compare(source, target)
            self._drop(volume.host, staged)
            moves.delete(self.parts.store, self.owner, self.app)
        code = self.bring_up(again, "volume restore")
        return ContentRestored(size, volume.host, exit_code=code)

    def _on_cluster_storage(
        self,
        volume: VolumeView,
        pieces: Iterable[bytes],
        running: list[ContainerView],
        again: tuple[str, ...],
    ) -> ContentRestored:
        pool = the_pool(self.parts)
        pool.check()
        folder = pooling.folder_of(volume, pool.moosefs)
        new = uuid.uuid4().hex
        view = self.look(volume.host)
        pool.workplace()
        try:
            with folders.opened(pool.base, [exchange.NEW, new], make=0o755):
                pass
            set_up(pool.moosefs, pool.base / exchange.NEW / new, self.settings())
            host = self.reaching(volume.host, view)
            path = f"{pool.moosefs.folder}/{exchange.NEW}/{new}"
            with self.opened(host, {}, {MOUNT: path}) as files:
                size = self._take_in(pieces, files)
        except BaseException:
            pool.drop_work(new)
            raise
        self.act(Verb.STOP, running)
        with self.locked():
            refuse_in_use(self.parts, self.target, folder, pool, running=True)
            before = snapshots.put_in_place(pool, folder, new)
        code = self.bring_up(again, "volume restore")
        return ContentRestored(size, "cluster storage", before, code)

    def _take_in(self, pieces: Iterable[bytes], files: HostFiles) -> int:
        """Unpack what comes, and see that it is all, and what was sent; gives its bytes."""
        incoming = Incoming(pieces)
        try:
            files.put(self._counted(incoming))
        except (BadFile, Interrupted):
            raise
        except NapError:
            incoming.told()  # what is cut off or none at all is told as that
            raise
        told = incoming.told()
        if copying.digest(files.get(MOUNT)) != told.content:
            raise NapError(
                "what arrived is not what the backup holds: nothing was changed",
                hint="is the host's file system one that keeps owners and permissions?",
            )
        return told.size

    def _counted(self, tar: Iterable[bytes]) -> Iterator[bytes]:
        come, said = 0, time.monotonic()
        for piece in tar:
            if self.cancel.level:
                raise Interrupted(f"{self.app}/{self.key} stays as it was: it was stopped")
            come += len(piece)
            if time.monotonic() - said > copying.EVERY:
                said = time.monotonic()
                self.tell(come)
            yield piece

    def _drop(self, host: str, name: str) -> None:
        self.let_go(host, name)
        with contextlib.suppress(NotFound):
            self.parts.engines.on(host).remove_volume(name)
