"""Cluster storage: how it is, what lies on it, and what is set for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from nap_compose.border.words import Listing, Target
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.words import Cancel
    from nap_compose.orchestration.events import OnEvent


@dataclass(frozen=True)
class ServerRow:
    """A chunkserver; `used` and `total` in bytes, `host` empty where it is on none of nap's."""

    address: str
    host: str
    up: bool
    used: int = 0
    total: int = 0
    chunks: int = 0


@dataclass(frozen=True)
class StorageStatus:
    """`total`, `free` and `trash` in bytes, copies counted. Of `chunks` so many are missing (no
    copy is left), endangered (one is left where more are wanted), undergoal (more than one is).

    `hosts` tells of each host why it doesn't reach the storage (empty: it does). `lost` are
    clients that are gone and keep their locks: address → seconds. `sustain` is for how many
    seconds the master lets them (None: not known). `problems` are sentences, the worst first.
    """

    master: str
    version: str
    total: int
    free: int
    trash: int
    chunks: int
    missing: int
    endangered: int
    undergoal: int
    servers: tuple[ServerRow, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    sustain: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredRow:
    """A volume on cluster storage.

    `goal` copies; `trash` in seconds; `quota` and `length` (all files) in bytes, `max_files` and
    `inodes` (files and folders) in numbers, limits 0 where there is none. `real` is what its files
    take on disks (0: not asked). `hosts` have a volume bound to it; `snapshots` by name. `until`
    is set for what was removed: until when it can be brought back, seconds since 1970.
    """

    owner: str
    app: str
    key: str
    goal: int
    trash: int
    quota: int
    max_files: int
    length: int
    inodes: int
    real: int = 0
    hosts: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    until: float = 0.0


@dataclass(frozen=True)
class StoredRequest:
    """Which volumes: the target's app's, or every one's; `key` is one volume.

    `usage`: what they take is counted file by file. `removed`: those in the trash instead.
    `orphans`: those that no host has anything of instead.
    """

    target: Target
    key: str = ""
    usage: bool = False
    removed: bool = False
    orphans: bool = False


@dataclass(frozen=True)
class OneStored:
    """One volume, `key` of the target's app. `snapshot` is one of its snapshots, or the name for
    a new one (empty: the time). `removed`: the volume as it was when it was last removed."""

    target: Target
    key: str
    snapshot: str = ""
    removed: bool = False


@dataclass(frozen=True)
class SetRequest:
    """What to set for a volume, as in `StoredRow`; None leaves it, 0 takes a limit away."""

    target: Target
    key: str
    goal: int | None = None
    trash: int | None = None
    quota: int | None = None
    max_files: int | None = None


@dataclass(frozen=True)
class Restored:
    """What came of it: the snapshot that keeps what was there before (empty: nothing was), how
    many files came back from the trash, and how many it no longer had."""

    before: str = ""
    files: int = 0
    missing: int = 0


@dataclass(frozen=True)
class SetUpPoint:
    """One thing to be so: `told` is how it is, `todo` what to do, a line each."""

    what: str
    good: bool
    told: str = ""
    todo: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetUp:
    """Whether the storage is set up: each thing to be so, whether it is, and what to do for it."""

    points: tuple[SetUpPoint, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is left to do."""
        return all(point.good for point in self.points)


@dataclass(frozen=True)
class MoveRequest:
    """Move the local volume `key` of the target's app to host `to`, or (`cluster`) into cluster
    storage. `stop`: what uses it is stopped, and brought up again afterwards. A move that was cut
    off is finished, or with `abandon` given up."""

    target: Target
    key: str
    to: str = ""
    cluster: bool = False
    stop: bool = False
    abandon: bool = False


@dataclass(frozen=True)
class Moved:
    """Where it is now (empty: where it was), how many bytes went, and how bringing the app up
    ended, as an exit code."""

    where: str
    copied: int = 0
    exit_code: int = 0


@dataclass(frozen=True)
class SaveRequest:
    """Read the volume `key` of the target's app. `hooks`: with what `x-nap.backup` says of the
    services that use it, before and after."""

    target: Target
    key: str
    hooks: bool = True


@dataclass(frozen=True)
class ContentRequest:
    """Bring back what is in the volume `key` of the target's app. `stop`: what uses it is stopped,
    and brought up again afterwards."""

    target: Target
    key: str
    stop: bool = False


@dataclass(frozen=True)
class ContentRestored:
    """How many bytes came, where the volume is, the snapshot that keeps what was there before
    (empty: nothing does), and how bringing the app up ended, as an exit code."""

    size: int
    where: str
    before: str = ""
    exit_code: int = 0


class Storing(Protocol):
    """The calls about cluster storage. Every method raises NapError with its exit code."""

    def storage_status(self) -> StorageStatus: ...

    def stored(self, request: StoredRequest) -> Listing:
        """Rows of `StoredRow`."""

    def set_stored(self, request: SetRequest) -> StoredRow:
        """Set it, on all that is in the volume already too; gives what is set now."""

    def snapshot(self, request: OneStored) -> str:
        """Keep the volume as it is now; gives the snapshot's name."""

    def restore_stored(self, request: OneStored) -> Restored:
        """Bring back a snapshot, or what was removed. Nothing may use the volume."""

    def remove_stored(self, request: OneStored) -> int:
        """Remove a volume that nothing uses, or a snapshot of it; gives for how many seconds its
        files stay in the trash."""

    def move_volume(
        self, request: MoveRequest, tell: Callable[[int], None], on_event: OnEvent, cancel: Cancel
    ) -> Moved:
        """Move a volume; `tell` hears how many bytes have gone."""

    def save_volume(self, request: SaveRequest, cancel: Cancel) -> Iterator[bytes]:
        """What is in a volume, as a tar and a last block that says whether it is whole."""

    def restore_volume(
        self,
        request: ContentRequest,
        pieces: Iterable[bytes],
        tell: Callable[[int], None],
        on_event: OnEvent,
        cancel: Cancel,
    ) -> ContentRestored:
        """Bring such a file back in place of what is in the volume, once all of it has come and
        was compared; `tell` hears how many bytes have come."""

    def release_locks(self, host: str) -> tuple[str, ...]:
        """End the sessions of a host that is proved to be gone; gives their mounts."""

    def set_up_storage(self, *, change: bool) -> SetUp:
        """What is still to be done; with `change` what nap can do is done."""
