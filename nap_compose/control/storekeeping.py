"""`nap storage`: what lies on cluster storage, and what is done with it."""

from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from nap_compose.border import (
    Listing,
    OneStored,
    Restored,
    ServerRow,
    SetRequest,
    StorageStatus,
    StoredRequest,
    StoredRow,
    Target,
    Who,
)
from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock, placements, state_keys
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.observe import Part
from nap_compose.cluster.use import Use
from nap_compose.cluster.view import View
from nap_compose.control import claiming
from nap_compose.control.parts import Parts
from nap_compose.control.quotas import checking
from nap_compose.control.quotas.subjects import Subjects
from nap_compose.control.reading import proofs_of_loss, warnings_of
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.orchestration import pooling
from nap_compose.storage import reach, removal, report, sessions, settings, snapshots, trash
from nap_compose.storage.folders import parts_of
from nap_compose.storage.pool import Pool
from nap_compose.storage.settings import Settings

_BOUND = frozenset({Part.CONTAINERS, Part.VOLUMES})


def the_pool(parts: Parts) -> Pool:
    """The cluster storage; raises WrongUse where there is none."""
    if parts.pool is None:
        raise WrongUse(
            "there is no cluster storage here",
            hint="`storage.moosefs` in the cluster file sets it up: see docs/storage.md",
        )
    return parts.pool


def status(parts: Parts) -> StorageStatus:
    """How the storage is; see `Storing.storage_status`."""
    pool = the_pool(parts)
    found = pool.check()
    hosts = dict.fromkeys(parts.cluster.hosts, "")
    hosts |= reach.unreached(
        pool, parts.engines, parts.cluster.hosts, cluster=parts.cluster.name, seal=parts.seal
    )
    addresses = {address: host for host in hosts for address in addresses_of(parts, host)}
    lost = {
        each.address: each.expires for each in found.clients if not each.connected and each.expires
    }
    sustain = _sustain(parts, pool)
    return StorageStatus(
        master=f"{pool.moosefs.master}:{pool.moosefs.port}",
        version=found.version,
        total=found.total,
        free=found.free,
        trash=found.trash,
        chunks=found.chunks,
        missing=found.missing,
        endangered=found.endangered,
        undergoal=found.undergoal,
        servers=tuple(
            ServerRow(
                each.address,
                addresses.get(each.address, ""),
                each.up,
                each.used,
                each.total,
                each.chunks,
            )
            for each in found.servers
        ),
        hosts=hosts,
        lost={addresses.get(address, address): left for address, left in lost.items()},
        sustain=sustain,
        problems=tuple(_problems(found, hosts, lost, sustain, pool)),
    )


def _sustain(parts: Parts, pool: Pool) -> int | None:
    """For how long locks outlive a client: as the master's configuration says, or as `init` has
    measured it; None where neither is known."""
    if pool.moosefs.config:
        return sessions.configured(pool.moosefs.config) or sessions.DEFAULT
    kept = parts.store.get(state_keys.STORAGE)
    return int(kept.value["sustain"]) if kept else None


def remember_sustain(parts: Parts, seconds: int) -> None:
    """Keep what was measured, for `status`."""
    parts.store.put(state_keys.STORAGE, {"sustain": seconds, "at": utc_now()})


def _problems(
    found: report.Report,
    hosts: Mapping[str, str],
    lost: Mapping[str, int],
    sustain: int | None,
    pool: Pool,
) -> Iterator[str]:
    if found.missing:
        yield f"{found.missing} chunks are missing: no copy of them is left that is up"
    if found.endangered:
        yield (
            f"{found.endangered} chunks are endangered: one copy of each is left, and more are "
            "wanted"
        )
    for server in found.servers:
        if not server.up:
            yield f"the chunkserver {server.address} is away"
    if pool.moosefs.goal > len(found.up):
        yield (
            f"the goal is {pool.moosefs.goal} copies, and {len(found.up)} chunkservers are up: "
            "no new volume can be made"
        )
    if found.undergoal:
        yield (
            f"{found.undergoal} chunks are undergoal: two copies of each are left or more, and "
            "more are wanted; MooseFS makes the rest"
        )
    for host, why in hosts.items():
        if why:
            yield f"host {host} takes no cluster volume: {why}"
    if sustain is None:
        yield (
            "for how long the locks of a host that is gone are kept isn't known: "
            "nap storage init measures it"
        )
    longest = max([sustain or 0, *lost.values()])
    if longest > sessions.MOST:
        yield (
            f"a client that is gone keeps its locks for {longest} s: what needs them elsewhere "
            f"doesn't start meanwhile. {sessions.SETTING} should be at most {sessions.MOST}: "
            "nap storage init"
        )


def list_stored(parts: Parts, request: StoredRequest) -> Listing:
    """What lies on the storage; see `Storing.stored`."""
    pool = the_pool(parts)
    pool.check()
    if request.removed:
        return Listing(tuple(_removed(pool, request)))
    view = parts.look(only=_BOUND)
    bound = _bound(view, pool)
    rows = []
    for folder in sorted({*pool.all(), *snapshots.volumes(pool)}):
        owner, app, key = folder.split("/")
        if not _is_meant(request, owner, app, key):
            continue
        hosts = bound.get(folder, ())
        if request.orphans and (hosts or view.of_app(owner, app)):
            continue
        rows.append(_row(pool, folder, hosts, usage=request.usage or request.orphans))
    return Listing(tuple(rows), warnings_of(view))


def _is_meant(request: StoredRequest, owner: str, app: str, key: str) -> bool:
    target = request.target
    if target.app and (owner, app) != (target.owner, target.app):
        return False
    return not request.key or key == request.key


def _removed(pool: Pool, request: StoredRequest) -> Iterator[StoredRow]:
    for gone in removal.listed(pool.base):
        names = gone.folder.split("/")
        if len(names) != 3 or gone.until < time.time() or not _is_meant(request, *names):
            continue
        owner, app, key = names
        kept = gone.settings
        yield StoredRow(
            owner=owner,
            app=app,
            key=key,
            goal=kept.goal or 0,
            trash=kept.trash or 0,
            quota=kept.quota or 0,
            max_files=kept.files or 0,
            length=0,
            inodes=0,
            until=gone.until,
        )


def _row(pool: Pool, folder: str, hosts: tuple[str, ...], *, usage: bool) -> StoredRow:
    owner, app, key = parts_of(folder)
    path = pool.path(folder)
    kept, used = settings.read(pool.moosefs, path) if path.is_dir() else (Settings(), None)
    real = length = inodes = 0
    if used is not None:
        length, inodes = used.length, used.inodes
        if usage or not (kept.quota or kept.files):
            held = report.held(pool.moosefs, path)
            length, real, inodes = held.length, held.real, held.files + held.folders - 1
    return StoredRow(
        owner=owner,
        app=app,
        key=key,
        goal=kept.goal or 0,
        trash=kept.trash or 0,
        quota=kept.quota or 0,
        max_files=kept.files or 0,
        length=length,
        inodes=inodes,
        real=real,
        hosts=hosts,
        snapshots=tuple(snapshots.names(pool, folder)),
    )


def _bound(view: View, pool: Pool) -> dict[str, tuple[str, ...]]:
    """The hosts that have a volume bound to each folder."""
    found: dict[str, list[str]] = {}
    for host in view.hosts.values():
        for volume in host.volumes:
            if pooling.in_pool(volume, pool.moosefs):
                found.setdefault(pooling.folder_of(volume, pool.moosefs), []).append(host.name)
    return {folder: tuple(hosts) for folder, hosts in found.items()}


def change(parts: Parts, who: Who, request: SetRequest) -> StoredRow:
    """Set what is asked; see `Storing.set_stored`."""
    pool = the_pool(parts)
    folder = folder_of(request.target, request.key)
    found = pool.check()
    if request.goal and request.goal > len(found.up):
        raise NapError(
            f"{request.goal} copies are asked for, and {len(found.up)} chunkservers are up",
            hint="nap storage status shows them",
        )
    with _locked(parts, who, request.target) as deployment:
        _must_be_there(pool, folder)
        wanted = Settings(request.goal, request.trash, request.quota, request.max_files)
        with within_quota(parts, request.target, folder, request.quota, deployment):
            settings.write(pool.moosefs, pool.path(folder), wanted, everything=True)
    return _row(pool, folder, (), usage=False)


def take_snapshot(parts: Parts, who: Who, request: OneStored) -> str:
    """Keep the volume as it is; see `Storing.snapshot`."""
    pool = the_pool(parts)
    with _locked(parts, who, request.target):
        return snapshots.make(pool, folder_of(request.target, request.key), request.snapshot)


def bring_back(parts: Parts, who: Who, request: OneStored) -> Restored:
    """Bring back what was; see `Storing.restore_stored`."""
    pool = the_pool(parts)
    folder = folder_of(request.target, request.key)
    if not request.removed and not request.snapshot:
        raise WrongUse(
            "say what to bring back",
            hint=f"a snapshot ({', '.join(snapshots.names(pool, folder)) or 'there is none'}), "
            "or --removed for the volume as it was when it was removed",
        )
    with _locked(parts, who, request.target) as deployment:
        refuse_in_use(parts, request.target, folder, pool, running=True)
        if request.removed:
            gone = next(iter(removal.listed(pool.base, folder)), None)
            most = (gone.settings.quota or 0) if gone else None
            with within_quota(parts, request.target, folder, most, deployment):
                files, missing = trash.restore(pool, folder)
            return Restored("", files, missing)
        return Restored(snapshots.restore(pool, folder, request.snapshot))


def remove(parts: Parts, who: Who, request: OneStored) -> int:
    """Remove a volume or a snapshot; see `Storing.remove_stored`."""
    pool = the_pool(parts)
    folder = folder_of(request.target, request.key)
    with _locked(parts, who, request.target):
        pool.check()
        if request.snapshot:
            kept = pool.read(folder)
            snapshots.drop(pool, folder, request.snapshot)
            return (kept.trash if kept else None) or int(pool.moosefs.trash)
        _must_be_there(pool, folder)
        for host, volume in refuse_in_use(parts, request.target, folder, pool, running=False):
            parts.engines.on(host).remove_volume(volume)
        return pool.remove(folder)


def release_locks(parts: Parts, host: str) -> tuple[str, ...]:
    """End a dead host's sessions; see `Storing.release_locks`."""
    pool = the_pool(parts)
    if host not in parts.cluster.hosts:
        raise WrongUse(f"there is no host {host}", hint="nap host ls shows them")
    if host not in proofs_of_loss(parts):
        raise NapError(
            f"nothing proves that {host} is gone, and its locks are what keeps two from writing "
            "to one volume",
            hint=f"when it is off: nap host confirm-lost {host}",
        )
    return tuple(each.mount for each in sessions.release(pool.moosefs, addresses_of(parts, host)))


def addresses_of(parts: Parts, host: str) -> tuple[str, ...]:
    """The addresses from which a host may reach the storage: its engine's, and where its ports
    are published."""
    known = parts.cluster.hosts[host]
    named = {urlsplit(known.endpoint).hostname or "", known.publish_ip} - {""}
    found = []
    for name in sorted(named):
        with contextlib.suppress(OSError):
            found += [str(each[4][0]) for each in socket.getaddrinfo(name, None)]
    return tuple(dict.fromkeys(found))


def folder_of(target: Target, key: str) -> str:
    """The folder of an app's volume. Raises NapError for a name that leads elsewhere."""
    folder = f"{target.owner}/{target.app}/{key}"
    if any(part.startswith(".") for part in parts_of(folder)[:2]):
        raise WrongUse(f"'{folder}' is no volume")
    return folder


@contextmanager
def _locked(parts: Parts, who: Who, target: Target) -> Iterator[str]:
    """Nobody deploys the app meanwhile. Gives the name under which its lock is held."""
    deployment = uuid.uuid4().hex
    with app_lock.take(parts.store, target.owner, target.app, who=who.name, deployment=deployment):
        yield deployment


@contextmanager
def within_quota(
    parts: Parts, target: Target, folder: str, most: int | None, deployment: str
) -> Iterator[None]:
    """Hold of the quotas what a volume may hold from now on; None changes nothing. Raises OverQuota
    where that is too much."""
    key = (target.owner, target.app)

    def check(seen: Claims) -> tuple[Use, Subjects]:
        return checking.checked_volume(parts, seen, key, folder, most or 0, deployment)

    with contextlib.nullcontext() if most is None else claiming.held(parts, key, deployment, check):
        yield


def refuse_in_use(
    parts: Parts, target: Target, folder: str, pool: Pool, *, running: bool
) -> list[tuple[str, str]]:
    """Raise NapError where a container uses the volume (with `running`: one that isn't stopped),
    Away where that can't be told. Gives the hosts' volumes bound to it: host and name."""
    view = parts.look(only=_BOUND)
    found = []
    for host in view.hosts.values():
        names = {
            volume.name
            for volume in host.volumes
            if pooling.in_pool(volume, pool.moosefs)
            and pooling.folder_of(volume, pool.moosefs) == folder
        }
        for container in host.containers:
            idle = running and container.state in ("created", "exited", "dead")
            if names.intersection(container.volumes) and not idle:
                raise NapError(
                    f"{container.name} uses {target.app}/{folder.rpartition('/')[2]}",
                    host=host.name,
                    hint=f"nap stop {target.app}" if running else f"nap down {target.app}",
                )
        found += [(host.name, name) for name in sorted(names)]
    away = {each.name for each in view.unseen} - set(proofs_of_loss(parts))
    known = placements.read(parts.store, target.owner, target.app)
    may_use = sorted(f"{slot} on {host}" for slot, host in known.items() if host in away)
    if may_use:
        raise Away(
            f"{', '.join(may_use)} was not seen and may use it",
            hint="nap host ls shows why; run the command again when the host answers",
        )
    return found


def _must_be_there(pool: Pool, folder: str) -> None:
    if pool.read(folder) is None:
        owner, app, key = folder.split("/")
        there = ", ".join(pool.keys(owner, app))
        raise WrongUse(
            f"{app} has no volume {key} on cluster storage",
            hint=f"it has: {there}" if there else "nap storage ls shows what is there",
        )
