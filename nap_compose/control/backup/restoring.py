"""Bringing a backup back: it is read as a whole first, then held against what is there, and only
then written. No host is asked for anything but a look."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from nap_compose.border import BackupContent, BackupRestored, RestoreRequest
from nap_compose.cluster import (
    chosen,
    config,
    observe,
    state_format,
    state_kept,
    state_keys,
    wanted_records,
)
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.private_files import drafted, make_private_dir, settle_on_disk
from nap_compose.cluster.state import BATCH, LARGEST, Put, StateStore
from nap_compose.cluster.state_values import encode
from nap_compose.cluster.vault import Damaged
from nap_compose.control import keeping
from nap_compose.control.backup.archive import (
    FILES,
    LATE,
    LOGS,
    RECORDS,
    STATE,
    About,
    Member,
    Unpacking,
)
from nap_compose.control.late import FOLDER as LATE_FOLDER
from nap_compose.control.parts import Parts
from nap_compose.db.tables import TRAIL
from nap_compose.errors import BadFile, NapError
from nap_compose.exits import Exit
from nap_compose.logs.folders import FILE_MODE, make_folders
from nap_compose.plaindata import dataclass

_PIECE = 1 << 18
_CONTAINERS = frozenset({Part.CONTAINERS})


@dataclass
class Contents:
    """What an archive was found to hold when it was read as a whole."""

    about: About
    files: list[Member] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def told(self) -> BackupContent:
        """The same for the border."""
        of = self.about
        return BackupContent(of.cluster, of.made, of.nap, self.counts, self.size)


def read_whole(source: BinaryIO, secret: str) -> Contents:
    """Read an archive from its beginning to its end, and write nothing. Raises Damaged, NotAllowed
    for another secret, NapError for one that a newer nap made."""
    try:
        with Unpacking(source, secret) as archive:
            found = Contents(archive.about)
            for part, members in groupby(archive.members(), lambda each: _part(each[0])):
                pieces = _pieces(_counted(members, found, part))
                for _ in _entries(pieces) if part == STATE else pieces:
                    pass
    except (ValueError, KeyError, TypeError):  # well sealed, and yet not what nap writes
        raise Damaged("the archive holds something that nap didn't write") from None
    return found


def _counted(
    members: Iterable[tuple[str, int, Iterator[bytes]]], found: Contents, part: str
) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """The same members, entered in `found` as they are read."""
    for name, mode, content in members:
        digest, size = hashlib.sha256(), 0

        def through(content: Iterator[bytes] = content, digest: Any = digest) -> Iterator[bytes]:
            nonlocal size
            for data in content:
                digest.update(data)
                size += len(data)
                yield data

        yield name, mode, through()
        word = part.rstrip("/")
        found.counts[word] = found.counts.get(word, 0) + 1
        found.size += size
        if part == FILES:
            found.files.append(Member(name, size, mode, digest.hexdigest()))


class Restoring:
    """One archive on its way back."""

    def __init__(
        self,
        source: BinaryIO,
        secret: str,
        request: RestoreRequest,
        env: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> None:
        self.source = source
        self.secret = secret
        self.request = request
        self.env = env
        self.tell = tell

    def run(self, done: Callable[[Parts, BackupRestored], None]) -> BackupRestored:
        """Do it; `done` is called while the cluster is open still."""
        found = read_whole(self.source, self.secret)
        of = found.about.cluster or "the local engine"
        self.tell(f"the archive is whole: {of}, made {found.about.made}")
        missing = self._missing(found)
        self.source.seek(0)
        written = self._write_files(found.about, missing)
        parts = Parts(self._cluster(found.about))
        try:
            _refuse_another(parts.cluster, found.about)
            self._refuse_what_lives(parts)
            self.source.seek(0)
            keys, rows, logs = self._write_parts(parts, found)
            newer, unseen = _compared(parts)
            restored = BackupRestored(
                found.told(), parts.cluster.file, written, keys, rows, logs, newer, unseen
            )
            done(parts, restored)
            return restored
        finally:
            parts.close()

    def _target(self, about: About, name: str) -> Path:
        """Where a file of the archive goes: beside the cluster file, or where it was."""
        path = Path("/", name.removeprefix(FILES))
        was = Path(about.file).parent if about.file else Path(about.state_dir)
        if path.is_relative_to(was):
            return self._folder(about) / path.relative_to(was)
        return path

    def _folder(self, about: About) -> Path:
        if not about.file:
            return chosen.own_state_dir(self.env)
        return Path(self.request.cluster_file or about.file).absolute().parent

    def _cluster(self, about: About) -> Cluster:
        if not about.file:
            return chosen.embedded(self.env)
        named = self.request.cluster_file
        return config.read(Path(named).absolute() if named else Path(about.file))

    def _missing(self, found: Contents) -> set[str]:
        """The names of the files that are to be written; raises NapError for those that are there
        and differ, unless it is said what becomes of them."""
        missing, differ = set(), []
        for member in found.files:
            path = self._target(found.about, member.name)
            if not os.path.lexists(path):
                missing.add(member.name)
            elif _digest(path) != member.digest:
                differ.append(path)
                if self.request.replace and not self.request.keep_files:
                    missing.add(member.name)
        if differ and not (self.request.replace or self.request.keep_files):
            told = ", ".join(map(str, differ[:5])) + (" …" if len(differ) > 5 else "")
            raise NapError(
                f"other files are there than the backup holds: {told}",
                hint="nothing was done. --keep-files leaves them and brings back the rest, "
                "-y replaces them",
                exit_code=Exit.UNANSWERED,
            )
        return missing

    def _write_files(self, about: About, missing: set[str]) -> int:
        if not missing:
            return 0
        with Unpacking(self.source, self.secret) as archive:
            for name, mode, content in archive.members():
                if name in missing:
                    path = self._target(about, name)
                    _write(path, content, mode)
        self.tell(f"{len(missing)} files are back in {self._folder(about)}")
        return len(missing)

    def _refuse_what_lives(self, parts: Parts) -> None:
        """Raise NapError where the state store or the records hold something already."""
        locks = [entry.key for entry in parts.store.list(state_keys.APP_LOCKS)]
        if locks:
            raise NapError(
                f"a deployment is under way ({locks[0]}), so this cluster's state is alive",
                hint="nothing of it was touched; wait until it is done",
                exit_code=Exit.LOCKED,
            )
        if self.request.replace:
            return
        there = state_kept.any_of(parts.store)
        rows = {} if parts.keeper.version() > parts.keeper.newest else parts.keeper.rows()
        filled = [f"{table} {n}" for table, n in rows.items() if n and table not in TRAIL]
        if there or filled:
            told = ", ".join([*([f"the key {there}"] if there else []), *filled])
            raise NapError(
                f"this cluster's state is alive: there are {told}",
                hint="neither state store nor records were touched; -y puts the backup in the "
                "place of what is there",
                exit_code=Exit.UNANSWERED,
            )

    def _write_parts(self, parts: Parts, found: Contents) -> tuple[int, Mapping[str, int], int]:
        """Write all but the files; gives the keys, the rows by table, and the logs."""
        if self.request.replace:
            state_kept.clear(parts.store)
        keys, logs = 0, 0
        rows: Mapping[str, int] = {}
        with Unpacking(self.source, self.secret) as archive:
            for part, members in groupby(archive.members(), lambda each: _part(each[0])):
                if part == STATE:
                    keys = _write_state(parts.store, _pieces(members))
                    self.tell(f"{keys} keys are back in the state store")
                elif part == RECORDS:
                    since = found.about.made if self.request.replace else ""
                    rows = keeping.restore(parts, _pieces(members), in_place_since=since).rows
                    self.tell(f"{sum(rows.values())} rows are back in {parts.keeper.name}")
                elif part == LATE:
                    for name, _, content in members:
                        folder = parts.cluster.state_dir / LATE_FOLDER
                        make_private_dir(folder)
                        _write(folder / name.removeprefix(LATE), content, 0o600)
                elif part == LOGS:
                    for name, _, content in members:
                        path = parts.cluster.logs.dir / name.removeprefix(LOGS)
                        logs += _write_log(parts.cluster.logs.dir, path, content)
        state_format.begin_anew(parts.store)
        return keys, rows, logs


def _part(name: str) -> str:
    return name.partition("/")[0] + "/"


def _pieces(members: Iterable[tuple[str, int, Iterator[bytes]]]) -> Iterator[bytes]:
    for _, _, content in members:
        yield from content


def _entries(pieces: Iterable[bytes]) -> Iterator[Put]:
    """The entries of the state store in these pieces of lines. Raises Damaged."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            key, value = json.loads(line)
            if not state_kept.is_kept(key):
                raise Damaged(f"the archive holds a key '{key}' that no backup does")
            yield Put(key, value)
    if rest:
        raise Damaged("the archive's part of the state store is cut off")


def _write_state(store: StateStore, pieces: Iterable[bytes]) -> int:
    """Write entries, as many at once as the store takes; gives how many there were."""
    count, size = 0, 0
    batch: list[Put] = []
    for put in _entries(pieces):
        length = len(encode(put.key, put.value).encode())
        if batch and (len(batch) == BATCH or size + length > LARGEST):
            store.batch(batch)
            batch, size = [], 0
        batch.append(put)
        count, size = count + 1, size + length
    if batch:
        store.batch(batch)
    return count


def _write(path: Path, content: Iterable[bytes], mode: int) -> None:
    """A whole file or none, with these permissions from the start."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.restored")
    with drafted(path, draft, mode & 0o700) as file:
        for data in content:
            file.write(data)
        os.fchmod(file.fileno(), mode)
        settle_on_disk(file)


def _write_log(folder: Path, path: Path, content: Iterable[bytes]) -> int:
    """A log that isn't there; gives whether it was written."""
    if path.exists():
        return 0
    make_folders(folder, path.parent)
    _write(path, content, FILE_MODE)
    return 1


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty for what is none."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while data := file.read(_PIECE):
                digest.update(data)
            return digest.hexdigest()
    except OSError:
        return ""


def _refuse_another(cluster: Cluster, about: About) -> None:
    """The state of one cluster is not put under another one's name."""
    if cluster.name != about.cluster:
        raise BadFile(
            f"{cluster.file} is of the cluster {cluster.name}, the backup of {about.cluster}",
            hint="--cluster says where the cluster file is to be",
        )


def _compared(parts: Parts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Apps of which a newer revision runs than the backup knew, and hosts that weren't seen."""
    wanted = wanted_records.read_all(parts.store)
    view = observe.observe(
        parts.engines, parts.cluster, seal=parts.seal, only=_CONTAINERS, whose=Whose()
    )
    newer: dict[str, int] = {}
    for container in view.containers():
        identity = container.identity
        if identity is None or not identity.by_nap or identity.oneoff:
            continue
        known = wanted.get((identity.owner, identity.app))
        if identity.revision > (known.revision if known else 0):
            newer[identity.key] = max(newer.get(identity.key, 0), identity.revision)
    told = tuple(f"{app} (revision {number})" for app, number in sorted(newer.items()))
    return told, tuple(host.name for host in view.unseen)
