"""What a deployment is told of the cluster storage before anything is placed or started."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from nap_compose.border import Outcome
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.control.reading import proofs_of_loss
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration import pooling
from nap_compose.orchestration.placement.volumes import mounted
from nap_compose.orchestration.plan import Change, Kind, Plan
from nap_compose.orchestration.pooling import NOTHING_STORED, Pooled, Pooling, Stored
from nap_compose.units import show_duration, show_size


def pool(
    parts: Parts, app: App, services: Collection[str], owner: str, project: str, view: View
) -> tuple[Pooling, Stored, tuple[str, ...]]:
    """The app with its cluster volumes, what was seen of the storage, and what a person should
    know of it. Hosts and storage are asked only where `services` mount such a volume.

    Raises Away where the storage's master doesn't answer, NapError where a new volume would not
    have its copies or any room.
    """
    found = pooling.pool(app, owner, project, parts.cluster.storage, view)
    used = [
        key
        for key in found.volumes
        if any(key in mounted(app, app.services[name]) for name in services)
    ]
    if parts.pool is None or not used:
        return found, NOTHING_STORED, found.notes
    from nap_compose.storage import reach

    report = parts.pool.check()
    there = _there(parts, found.volumes, used)
    notes = [*found.notes, *_released(parts, view)]
    for key in used:
        volume = found.volumes[key]
        if key in there:
            goal = volume.goal or there[key].goal or 1
            if goal > len(report.up):
                notes.append(_too_few(key, goal, report.up))
        elif not app.volumes[key].get("external"):
            _check_new(volume, parts.pool.moosefs.goal, report.up, report.free, notes)
    unreached = reach.unreached(
        parts.pool, parts.engines, view.hosts, cluster=parts.cluster.name, seal=parts.seal
    )
    notes += [f"{host} takes no cluster volume: {why}" for host, why in unreached.items()]
    return found, Stored(there, unreached), tuple(notes)


def check_first(parts: Parts, app: App) -> None:
    """Raise Away where the app has a volume on cluster storage by its file, and the storage's
    master doesn't answer."""
    storage = parts.cluster.storage
    if parts.pool and any(pooling.wants_pool(spec, storage) for spec in app.volumes.values()):
        parts.pool.knock()


def folders_of(parts: Parts, owner: str, app: str, view: View) -> dict[str, str]:
    """The app's volumes on cluster storage: folder → the name of the hosts' volumes bound to it,
    empty where no host that was seen has one. Raises Away where the storage can't be asked."""
    if parts.pool is None:
        return {}
    moosefs = parts.pool.moosefs
    parts.pool.check()
    found = {f"{owner}/{app}/{key}": "" for key in parts.pool.keys(owner, app)}
    for host in view.hosts.values():
        for volume in host.volumes:
            identity = volume.identity
            if identity is None or (identity.owner, identity.app) != (owner, app):
                continue
            if pooling.is_owners(volume, owner, moosefs):
                found[pooling.folder_of(volume, moosefs)] = volume.name
    return found


def ways_back(parts: Parts, plan: Plan) -> dict[str, str]:
    """For each volume whose folder the plan removes a sentence on how to bring its files back, as
    long as the trash keeps them."""
    found = {}
    for step in plan.steps:
        if step.kind is Kind.REMOVE_FOLDER and parts.pool is not None:
            kept = parts.pool.read(step.target)
            if kept is not None and kept.trash:
                _, app, key = step.target.split("/")
                found[step.subject] = (
                    f"{step.subject}: MooseFS's trash keeps its files for "
                    f"{show_duration(kept.trash)}; `nap storage restore {app}/{key} --removed` "
                    "brings them back"
                )
    return found


def with_ways_back(outcome: Outcome, back: Mapping[str, str]) -> Outcome:
    """The outcome, which tells of each way back that there is now."""
    gone = {line.subject for line in outcome.plan.summary if line.change is Change.REMOVE}
    if outcome.state != "done":
        return outcome
    told = tuple(sentence for subject, sentence in back.items() if subject in gone)
    return replace(outcome, notes=(*outcome.notes, *told))


def _released(parts: Parts, view: View) -> Iterator[str]:
    """End the sessions of hosts that are proved to be gone: else what follows their containers
    waits for their file locks. On suspicion nothing is ended: those locks are the fence."""
    if parts.pool is None or not view.unseen:
        return
    from nap_compose.control.storekeeping import addresses_of
    from nap_compose.storage import sessions

    proved = proofs_of_loss(parts)
    for host in (each.name for each in view.unseen if each.name in proved):
        if sessions.release(parts.pool.moosefs, addresses_of(parts, host)):
            yield f"{host} is gone, so its file locks on cluster storage are ended"


def _there(parts: Parts, volumes: Mapping[str, Pooled], used: Collection[str]) -> dict[str, Pooled]:
    """What is set for the volumes whose folders are there."""
    found = {}
    for key in used:
        folder = volumes[key].folder
        settings = parts.pool.read(folder) if parts.pool else None
        if settings is not None:
            found[key] = Pooled(key, folder, **vars(settings))
    return found


def _check_new(
    volume: Pooled, goal: int, servers: Collection[str], free: int, notes: list[str]
) -> None:
    from nap_compose.storage.pool import FULL

    goal = volume.goal or goal
    if goal > len(servers):
        raise NapError(
            _too_few(volume.key, goal, servers),
            hint="start the others (nap storage status shows what there is), or ask for fewer "
            f"copies: volumes.{volume.key}.driver_opts.goal",
            exit_code=Exit.NO_ROOM,
        )
    if free < FULL:
        raise NapError(
            f"cluster storage has no room for volume {volume.key}: {show_size(free)} are free",
            hint="nap storage ls shows what takes it",
            exit_code=Exit.NO_ROOM,
        )
    if volume.quota and volume.quota * goal > free:
        notes.append(
            f"volume {volume.key} may grow to {show_size(volume.quota)} in {goal} copies, and "
            f"cluster storage has {show_size(free)} free"
        )


def _too_few(key: str, goal: int, servers: Collection[str]) -> str:
    up = f"{len(servers)} chunkserver{'s' * (len(servers) != 1)} of cluster storage"
    return f"volume {key} has {goal} copies of each file, and {up} answer" + (
        "s" if len(servers) == 1 else ""
    )
