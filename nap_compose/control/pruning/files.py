"""Shipped files: what former revisions had brought to the hosts and no container there mounts.

An engine tells of no folder what is in it, so nobody can look which files lie on a host: it is the
revisions that name them. What a rollback needs again is brought again, as it is kept with them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from nap_compose.border import PrunedRow, Target
from nap_compose.cluster import app_lock, hostfs
from nap_compose.cluster.engine import EngineAway, EngineError
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.names import project_of
from nap_compose.cluster.view import HostView, View
from nap_compose.compose.parcels import CONTENT
from nap_compose.control import history
from nap_compose.control.history import Past
from nap_compose.control.parts import Parts
from nap_compose.control.pruning.history import moment_before
from nap_compose.db.records import AppRecord
from nap_compose.errors import Locked, NapError
from nap_compose.orchestration.shipping import FILES, SECRETS, WHOLE, settle
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called, plain

MOUNTS = {"files": FILES, "secrets": SECRETS}
"""Where files lie on a host, by the name of the mount at which they are handled."""

_MISSING = "bind source path does not exist"
"""What an engine says where nothing was ever brought to a host."""


@dataclass(frozen=True)
class Former:
    """What former revisions of an app had beside their file: folder → its size in bytes. A folder
    is written as the container that handles it sees it: `files/PROJECT/NAME`."""

    app: AppRecord
    folders: Mapping[str, int]


def prune_files(
    parts: Parts, view: View, *, keep: int, older_than: float, dry_run: bool
) -> Iterator[PrunedRow]:
    """Clear what none of an app's last `keep` revisions names, nor a younger one. Raises
    RecordsAway."""
    if parts.cluster.embedded:  # everything is mounted from where it lies
        return
    limit = moment_before(older_than)
    formers = [
        Former(app, folders)
        for app in parts.records.apps()
        if (
            folders := _former(parts, history.past(parts, Target(app.name, app.owner)), keep, limit)
        )
    ]
    if not formers:
        return
    for host in view.hosts.values():
        for name, base in MOUNTS.items():
            yield from _on(parts, host, {name: base}, formers, dry_run)


def _former(parts: Parts, known: Past, keep: int, limit: str) -> dict[str, int]:
    last, others = known.revisions[:keep], known.revisions[keep:]
    old = [each.number for each in others if each.created < limit]
    young = [each.number for each in (*last, *others) if each.number not in old]
    found: dict[str, int] = {}
    for number in old:
        found |= _named(parts, known, number)
    for number in young if found else ():
        for folder in _named(parts, known, number):
            found.pop(folder, None)
    return found


def _named(parts: Parts, known: Past, number: int) -> dict[str, int]:
    """The folders that a revision names; none where its model can't be had."""
    try:
        model = history.model(parts, known, number)
    except NapError:
        return {}
    if not model.content:
        return {}
    project = project_of(known.app.owner, known.app.name)
    settled = settle(model, project, parts.keyring.cipher.mark)
    return {
        f"{'secrets' if item.secret else 'files'}/{project}/{item.name}": int(
            model.content[item.key].get("size") or 0
        )
        for items in settled.items.values()
        for item in items
    }


def _on(
    parts: Parts,
    host: HostView,
    mount: Mapping[str, str],
    formers: Sequence[Former],
    dry_run: bool,
) -> Iterator[PrunedRow]:
    """What of it lies on a host under one mount."""
    (name,) = mount
    mounted = frozenset(each for container in host.containers for each in container.mounts)
    todo = [(former, _unused(former, name, mounted)) for former in formers]
    if not any(folders for _, folders in todo):
        return
    try:
        with hostfs.opened(
            parts.engines.on(host.name),
            {},
            there=mount,
            cluster=parts.cluster.name,
            owner="",
            seal=parts.seal,
        ) as files:
            for former, folders in todo:
                there = [each for each in folders if files.stat(f"{each}/{WHOLE}") is not None]
                if there:
                    yield _cleared(parts, host, files, former, there, dry_run)
    except (EngineError, EngineAway) as error:
        if _MISSING not in error.message:
            yield PrunedRow("files", "shipped", host.name, problem=plain(error.message))


def _unused(former: Former, name: str, mounted: frozenset[str]) -> list[str]:
    return [
        folder
        for folder in former.folders
        if folder.startswith(f"{name}/") and _source(folder) not in mounted
    ]


def _source(folder: str) -> str:
    """From where a container mounts it."""
    mount, _, rest = folder.partition("/")
    return f"{MOUNTS[mount]}/{rest}/{CONTENT}"


def _cleared(
    parts: Parts,
    host: HostView,
    files: HostFiles,
    former: Former,
    folders: Sequence[str],
    dry_run: bool,
) -> PrunedRow:
    app, problem = former.app, ""
    if not dry_run:
        try:
            # Whoever deploys the app now may be about to mount them.
            with app_lock.take(
                parts.store,
                app.owner,
                app.name,
                who="prune",
                deployment=uuid.uuid4().hex,
                brief=True,
            ):
                mounted = _mounted_now(parts, host, project_of(app.owner, app.name))
                folders = [each for each in folders if _source(each) not in mounted]
                for folder in folders:
                    files.clear(folder)
        except (Locked, EngineError, EngineAway) as error:
            problem = plain(error.message)
    size = sum(former.folders[each] for each in folders)
    return PrunedRow(
        "files", f"{len(folders)} of {app_called(app.owner, app.name)}", host.name, size, problem
    )


def _mounted_now(parts: Parts, host: HostView, project: str) -> frozenset[str]:
    found = parts.engines.on(host.name).containers({"label": [f"{COMPOSE}project={project}"]})
    return frozenset(
        str(mount.get("Source")) for each in found for mount in each.get("Mounts") or ()
    )
