"""Backups of all control state. Whoever makes one holds the cluster's keys: nothing here crosses
to a broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import BinaryIO, Protocol

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class BackupRequest:
    """What to write: `target` is a file, empty for a new one in the folder that the cluster file
    names. `container_logs`: what containers printed too, not deployments' logs alone."""

    target: str = ""
    container_logs: bool = False


@dataclass(frozen=True)
class BackupSecret:
    """With what an archive is encrypted: the file that holds it, or what a person typed. Neither:
    the file that the cluster file names."""

    key_file: str = ""
    passphrase: str = ""


@dataclass(frozen=True)
class BackupContent:
    """What is in an archive: of which cluster, when it was made and by which nap, how many members
    each part has (files, state, records, late, logs), and the bytes of all of them."""

    cluster: str
    made: str
    nap: str
    parts: Mapping[str, int] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True)
class BackupMade:
    """An archive that was written: its file, its size in bytes, what is in it, and older ones that
    were removed."""

    file: str
    size: int
    content: BackupContent
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupRow:
    """An archive as it stands in a folder: what it says of itself in clear, and why it is none."""

    file: str
    size: int
    cluster: str = ""
    made: str = ""
    problem: str = ""


@dataclass(frozen=True)
class BackupListing:
    """The archives of a folder, the newest first, and when the last backup was made, as the state
    store knows it (empty: never, or it can't be asked)."""

    folder: str
    rows: tuple[BackupRow, ...]
    last: str = ""


@dataclass(frozen=True)
class RestoreRequest:
    """What to bring back: the archive `source`. `cluster_file` says where its cluster file goes
    (empty: where it was); `keep_files`: files that are there and differ stay as they are;
    `replace`: what is there is replaced."""

    source: str
    cluster_file: str = ""
    keep_files: bool = False
    replace: bool = False


@dataclass(frozen=True)
class BackupRestored:
    """What was brought back: what the archive is of, the cluster `file`, how many `files` were
    written, keys of the state store and rows of the records; `newer` are apps of which a newer
    revision runs than the backup knows, `unseen` hosts that couldn't be looked at."""

    content: BackupContent
    file: str
    files: int
    keys: int
    rows: Mapping[str, int]
    logs: int
    newer: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


class BackingUp(Protocol):
    """The calls about backups. Raises NapError with its exit code."""

    def needs_passphrase(self, secret: BackupSecret) -> bool:
        """Whether nothing else gives the secret: a person must type it."""

    def create(
        self, request: BackupRequest, secret: BackupSecret, tell: Callable[[str], None]
    ) -> BackupMade: ...

    def create_into(
        self, target: BinaryIO, request: BackupRequest, secret: BackupSecret
    ) -> BackupContent:
        """The same into a stream."""

    def verify(self, source: str, secret: BackupSecret) -> BackupContent:
        """Read all of an archive. Raises BadFile where it isn't as it was written."""

    def ls(self, folder: str) -> BackupListing:
        """What is in a folder (empty: the one that the cluster file names)."""

    def restore(
        self, request: RestoreRequest, secret: BackupSecret, tell: Callable[[str], None]
    ) -> BackupRestored:
        """Bring an archive back. It is read as a whole before anything is touched."""
