"""The records as a whole: their version, backups, and making them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Protocol

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class RecordsStatus:
    """The records' database: `version` of its tables (0: there are none), the one that this nap
    knows, rows by table, and how many deployments and audit rows wait on this machine to be
    handed in."""

    database: str
    version: int
    known: int
    rows: Mapping[str, int] = field(default_factory=dict)
    late: int = 0


@dataclass(frozen=True)
class Migrated:
    """The tables' version before and after; `backup` is the file with the records as they were
    (empty: nothing was changed, or there were none)."""

    database: str
    before: int
    after: int
    backup: str = ""


@dataclass(frozen=True)
class RestoredRecords:
    """What a backup brought: the cluster and time that it names, and rows by table. `saved` is the
    file with the records whose place it took (empty: there were none), `fault` what is wrong with
    its audit trail, a sentence (empty: nothing)."""

    database: str
    cluster: str
    made: str
    version: int
    rows: Mapping[str, int] = field(default_factory=dict)
    saved: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Rebuilt:
    """What was made again from the hosts and the state store: the `apps`, how many revisions and
    deployments, and the revisions whose model is kept nowhere (`shop 3`)."""

    apps: tuple[str, ...]
    revisions: int
    deployments: int
    bare: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rekeyed:
    """How many revisions and files beside them were sealed anew, in the state store and in the
    records; apps that were being deployed and are left for another time (`busy`)."""

    revisions: int
    files: int
    records: int
    busy: tuple[str, ...] = ()


class RecordKeeping(Protocol):
    """The calls about the records. Every method raises NapError with its exit code."""

    def records_status(self) -> RecordsStatus:
        """How the records stand; nothing is changed."""

    def migrate_records(self) -> Migrated:
        """Bring the tables to the version that this nap knows."""

    def backup_records(self) -> Iterator[bytes]:
        """A backup as it is at one moment, in lines."""

    def restore_records(self, backup: Iterable[bytes], *, replace: bool = False) -> RestoredRecords:
        """Take a backup into a database that is empty, or with `replace` in the place of the
        records there, once these are saved. Their audit trail goes on: it must begin as the
        backup's."""

    def rekey_records(self) -> Rekeyed:
        """Seal all that rests sealed with the newest key of the cluster's key file."""

    def rebuild_records(self) -> Rebuilt:
        """Make apps, revisions and deployments again that aren't on record."""
