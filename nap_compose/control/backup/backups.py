"""Making backups, looking at them and bringing them back, where the cluster's keys are."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nap_compose.auth.system import system_user
from nap_compose.border import (
    BackupContent,
    BackupListing,
    BackupMade,
    BackupRequest,
    BackupRestored,
    BackupRow,
    BackupSecret,
    RestoreRequest,
)
from nap_compose.clock import utc_now
from nap_compose.cluster import chosen, config, state_keys
from nap_compose.cluster.cluster import Backup, Cluster
from nap_compose.cluster.private_files import read_secret
from nap_compose.cluster.vault import Sink
from nap_compose.control.backup import gathering
from nap_compose.control.backup.archive import Packing, head_of
from nap_compose.control.backup.counting import Counted
from nap_compose.control.backup.restoring import Restoring, read_whole
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError, WrongUse

SHORTEST = 12
"""Characters of a passphrase."""
ENDING = ".napbackup"


class Backups:
    """See `border.BackingUp`. `named` is the cluster file as the person named it, if they did."""

    def __init__(self, named: str, env: Mapping[str, str]) -> None:
        self._named = named
        self._env = env

    def needs_passphrase(self, secret: BackupSecret) -> bool:
        """Whether neither an option nor the cluster file gives the secret."""
        return not (secret.key_file or secret.passphrase or self._section().key_file)

    def create(
        self, request: BackupRequest, secret: BackupSecret, tell: Callable[[str], None]
    ) -> BackupMade:
        """Write an archive into a file, which is there whole or not at all."""
        cluster = self._cluster()
        section = cluster.backup
        own = not request.target
        if own and not cluster.file:
            raise WrongUse("name the file that the backup is to be written to")
        path = _new_file(section.dir, cluster.name) if own else Path(request.target).absolute()
        draft = path.with_name(f".{path.name}.part")
        try:
            if own:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                content = self._pack(cluster, file, request, secret)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            with self._open(cluster) as parts:
                draft.replace(path)
                _remember(parts, content, path, size)
        except OSError as error:
            raise NapError(f"{path} can't be written: {error.strerror or error}") from None
        finally:
            draft.unlink(missing_ok=True)
        removed = tuple(_prune(section, cluster.name)) if own else ()
        for each in removed:
            tell(f"removed {each}: {section.keep} are kept")
        return BackupMade(str(path), size, content, removed)

    def create_into(
        self, target: BinaryIO, request: BackupRequest, secret: BackupSecret
    ) -> BackupContent:
        """Write an archive into a stream. It counts as made, whoever keeps it."""
        cluster = self._cluster()
        counted = Counted(target)
        content = self._pack(cluster, counted, request, secret)
        with self._open(cluster) as parts:
            _remember(parts, content, None, counted.size)
        return content

    def verify(self, source: str, secret: BackupSecret) -> BackupContent:
        """Read all of an archive."""
        with _opened(source) as file:
            return read_whole(file, self._secret(secret)).told()

    def ls(self, folder: str) -> BackupListing:
        """What is in a folder, without opening any."""
        cluster = self._cluster()
        place = Path(os.path.normpath(Path(folder).absolute() if folder else cluster.backup.dir))
        rows = [_row(path) for path in _archives(place)]
        rows.sort(key=lambda row: (row.made, row.file), reverse=True)
        return BackupListing(str(place), tuple(rows), self._last(cluster))

    def restore(
        self, request: RestoreRequest, secret: BackupSecret, tell: Callable[[str], None]
    ) -> BackupRestored:
        """Bring an archive back."""
        if not request.cluster_file and self._named:
            request = RestoreRequest(**{**request.__dict__, "cluster_file": self._named})

        def enter(parts: Parts, done: BackupRestored) -> None:
            who = system_user(parts.cluster, self._env)
            with parts.trail.act(who, "backup restore") as act:
                act.detail = f"the backup of {done.content.made}"

        with _opened(request.source) as file:
            return Restoring(file, self._secret(secret), request, self._env, tell).run(enter)

    def _pack(
        self, cluster: Cluster, target: Sink, request: BackupRequest, secret: BackupSecret
    ) -> BackupContent:
        key = self._secret(secret)
        with self._open(cluster) as parts:
            who = system_user(cluster, self._env)
            with parts.trail.act(who, "backup create"):
                of = gathering.about(cluster)
                packing = Packing(target, key, of)
                return gathering.pack(parts, packing, of, container_logs=request.container_logs)

    def _secret(self, secret: BackupSecret) -> str:
        if secret.passphrase:
            if len(secret.passphrase) < SHORTEST:
                raise WrongUse(f"a passphrase has {SHORTEST} characters at least")
            return secret.passphrase
        path = Path(secret.key_file) if secret.key_file else self._section().key_file
        if path is None:
            raise WrongUse(
                "it isn't said what the backup is encrypted with",
                hint="--key-file FILE, or `backup: {key_file: …}` in the cluster file",
            )
        text = read_secret(path, "the backup's key")
        if len(text) < SHORTEST:
            raise WrongUse(f"{path} holds less than {SHORTEST} characters")
        return text

    def _section(self) -> Backup:
        try:
            return self._cluster().backup
        except NapError:
            return Backup()  # on a new machine there is no cluster file yet

    def _cluster(self) -> Cluster:
        path = chosen.find(self._named, self._env)
        return config.read(path) if path else chosen.embedded(self._env)

    @contextmanager
    def _open(self, cluster: Cluster) -> Iterator[Parts]:
        parts = Parts(cluster)
        try:
            yield parts
        finally:
            parts.close()

    def _last(self, cluster: Cluster) -> str:
        try:
            with self._open(cluster) as parts:
                entry = parts.store.get(state_keys.BACKUP)
        except NapError:
            return ""
        return str(entry.value["at"]) if entry else ""


def _remember(parts: Parts, content: BackupContent, path: Path | None, size: int) -> None:
    """Write down that there is a backup, for `nap status`."""
    told = {
        "at": content.made,
        "machine": socket.gethostname(),
        "file": str(path or ""),
        "size": size,
    }
    parts.store.put(state_keys.BACKUP, told)


def _new_file(folder: Path, cluster: str) -> Path:
    moment = utc_now().replace(":", "").replace("-", "").partition(".")[0]
    return Path(os.path.normpath(folder)) / f"{cluster}-{moment}Z{ENDING}"


def _archives(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(f"*{ENDING}") if path.is_file())
    except OSError as error:
        raise NapError(f"{folder} can't be read: {error.strerror}") from None


def _prune(section: Backup, cluster: str) -> Iterator[str]:
    """Remove the cluster's that are older than those that are kept: by name, which has the time
    in it."""
    own = [path for path in _archives(section.dir) if path.name.startswith(f"{cluster}-")]
    for path in own[: -section.keep]:
        path.unlink(missing_ok=True)
        yield str(path)


def _row(path: Path) -> BackupRow:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            told = head_of(file).told
    except (NapError, OSError) as error:
        return BackupRow(str(path), size, problem=str(error))
    return BackupRow(str(path), size, told.get("cluster", ""), told.get("made", ""))


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    try:
        with Path(source).open("rb") as file:
            if not file.seekable():
                raise WrongUse("an archive is read twice, so it must be a file")
            yield file
    except OSError as error:
        raise WrongUse(f"the archive {source} can't be read: {error.strerror}") from None
