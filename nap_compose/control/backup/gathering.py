"""What goes into a backup: the cluster's files, the state store, the records, the logs."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import nap_compose
from nap_compose.border import BackupContent
from nap_compose.clock import utc_now
from nap_compose.cluster import keyring, state_kept
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.state import StateStore
from nap_compose.control.backup.archive import (
    FILES,
    LATE,
    LOGS,
    RECORDS,
    STATE,
    About,
    Packing,
)
from nap_compose.control.late import FOLDER as LATE_FOLDER
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError

MOST_FILES, MOST_BYTES = 10_000, 256 << 20
"""What a cluster's own files may come to: a folder that holds more is not theirs alone."""


def about(cluster: Cluster) -> About:
    """What an archive that is made now is of."""
    file = str(Path(cluster.file).absolute()) if cluster.file else ""
    return About(
        cluster.name, utc_now(), nap_compose.__version__, file, str(cluster.state_dir.absolute())
    )


def pack(parts: Parts, packing: Packing, of: About, *, container_logs: bool) -> BackupContent:
    """Write every part; gives how many members each has. Models and files in it stay sealed with
    the cluster's key as well.

    Raises what reading them raises: a backup that lacks a part is none.
    """
    counts: dict[str, int] = {}
    size = 0

    def add(part: str, name: str, path: Path) -> None:
        nonlocal size
        packing.file(part + name, path)
        size += path.stat().st_size
        counts[part.rstrip("/")] = counts.get(part.rstrip("/"), 0) + 1

    for path in files_of(parts.cluster):
        add(FILES, str(path).lstrip("/"), path)
    counts["state"] = packing.stream(STATE, _lines(parts.store))
    # After the state store: a revision is written there first, and to the records then.
    if parts.keeper.version():
        counts["records"] = packing.stream(RECORDS, parts.keeper.backup(parts.cluster.name))
    for path in sorted((parts.cluster.state_dir / LATE_FOLDER).glob("*.json")):
        try:
            add(LATE, path.name, path)
        except FileNotFoundError:
            continue  # it was entered meanwhile, and is among the records next time
    for path in _logs(parts.cluster.logs.dir, containers=container_logs):
        try:
            add(LOGS, str(path.relative_to(parts.cluster.logs.dir)), path)
        except FileNotFoundError:
            continue  # it was old enough to go
    packing.close()
    return BackupContent(of.cluster, of.made, of.nap, counts, size)


def files_of(cluster: Cluster) -> Iterator[Path]:
    """The cluster file, all that stands in its folder, and what it names elsewhere."""
    if not cluster.file:
        yield cluster.state_dir.absolute() / keyring.FILE_NAME
        return
    folder = Path(cluster.file).absolute().parent
    # What stands in another part, or is a backup itself.
    others = {cluster.state_dir, cluster.logs.dir, cluster.backup.dir}
    found = dict.fromkeys(_in(folder, {each.resolve() for each in others}))
    for path in _named(cluster):
        # A file that isn't there can't be saved; nap itself says so where it needs it.
        if path.is_file():
            found.setdefault(path.absolute())
    yield from found


def _in(folder: Path, but: Collection[Path]) -> Iterator[Path]:
    """Every file in a folder, without those folders. Raises NapError where it holds too much."""
    count = size = 0
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if Path(where, name).resolve() not in but)
        for path in (Path(where, name) for name in sorted(files)):
            if not path.is_file():
                continue
            count, size = count + 1, size + path.stat().st_size
            if count > MOST_FILES or size > MOST_BYTES:
                raise NapError(
                    f"{folder} holds more than a cluster's own files",
                    hint="give the cluster file and what it names a folder of their own",
                )
            yield path


def _named(cluster: Cluster) -> Iterator[Path]:
    tls = (host.tls for host in cluster.hosts.values() if host.tls)
    for each in tls:
        yield from (each.ca, each.cert, each.key)
    sections = (cluster.consul, cluster.database, cluster.ldap)
    for section in sections:
        for name in ("ca", "token_file", "password_file", "bind_password_file"):
            path = getattr(section, name, None)
            if path is not None:
                yield path
    if cluster.key_file is not None:
        yield cluster.key_file


def _lines(store: StateStore) -> Iterator[bytes]:
    for entry in state_kept.kept(store):
        yield json.dumps([entry.key, entry.value], separators=(",", ":")).encode() + b"\n"


def _logs(folder: Path, *, containers: bool) -> Iterator[Path]:
    pattern = "**/*" if containers else "*/*/deploy/*.jsonl"
    yield from (path for path in sorted(folder.glob(pattern)) if path.is_file())
