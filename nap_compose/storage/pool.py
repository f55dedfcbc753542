"""nap's part of the cluster storage: the folders of volumes, made, set, removed.

The machine that nap runs on has MooseFS mounted too, so what is done here is there at once for
every host. A folder comes to its place whole, and leaves it at once, by one rename each: wherever
nap is killed, a volume is there or it isn't.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass
from nap_compose.storage import exchange, folders, programs, removal, settings
from nap_compose.storage.exchange import NEW
from nap_compose.storage.folders import parts_of
from nap_compose.storage.report import Report, held, report
from nap_compose.storage.settings import Settings

HOSTS = ".hosts"
"""Where each host leaves a sign that it reaches this storage."""

OWN = 0o700
WAY = 0o711
"""Who may pass on the way to a volume on a host: everybody who knows where it leads."""

VOLUME = 0o755
"""The permissions of a new volume, as engines give them to theirs."""

FULL = 256 << 20
"""So little free space that nothing new is begun."""


class Pool:
    """The cluster storage as `moosefs` of the cluster file describes it."""

    def __init__(self, moosefs: Moosefs) -> None:
        self.moosefs = moosefs
        self.here = Path(moosefs.here or moosefs.mount)
        self.base = self.here / moosefs.root

    def check(self) -> Report:
        """See that the storage can be used from here; nap's folder is made where it is missing,
        and what was cut off is finished.

        Raises Away where the master doesn't answer, NapError where MooseFS isn't mounted here.
        The master is asked first: without it whoever touches the mount waits.
        """
        found = report(self.moosefs)
        self._check_mounted()
        with self._explained("it"):
            with folders.opened(self.here, [self.moosefs.root, HOSTS], make=WAY):
                pass
            exchange.finish(self.base)
        return found

    def knock(self) -> None:
        """Raise Away where the master doesn't answer."""
        programs.knock(self.moosefs)

    def check_reached(self) -> None:
        """Raise Away where the master doesn't answer, NapError where MooseFS isn't mounted here."""
        self.knock()
        self._check_mounted()

    def read(self, folder: str) -> Settings | None:
        """What is set for a volume's folder; None where it isn't there."""
        parts = parts_of(folder)
        if not folders.exists(self.base, parts):
            return None
        return settings.read(self.moosefs, self.path(folder))[0]

    def ensure(self, folder: str, wanted: Settings) -> bool:
        """Have the folder there, set as wanted; tells whether it was made now."""
        self.check()
        parts = parts_of(folder)
        with self._explained(folder):
            if folders.exists(self.base, parts):
                settings.write(self.moosefs, self.path(folder), wanted, everything=True)
                return False
            return self._make(parts, wanted)

    def unmake(self, folder: str) -> bool:
        """Remove a folder in which nothing is; tells whether it is gone."""
        parts = parts_of(folder)
        gone = folders.drop_empty(self.base, parts)
        self._tidy(parts)
        return gone

    def remove(self, folder: str) -> int:
        """Take a volume's folder away with all that is in it; gives for how many seconds its files
        can be brought back. Nothing happens where it isn't there."""
        self.check()
        parts = parts_of(folder)
        with self._explained(folder):
            removal.finish(self.base)
            if not folders.exists(self.base, parts):
                return 0
            kept, _ = settings.read(self.moosefs, self.path(folder))
            removal.remove(self.base, parts, kept)
            self._tidy(parts)
        return kept.trash or 0

    def keys(self, owner: str, app: str) -> list[str]:
        """The volumes of an app that are in the storage."""
        return folders.names(self.base, parts_of(f"{owner}/{app}"))

    def owners(self) -> list[str]:
        """Whoever has anything in the storage."""
        return [name for name in folders.names(self.base, ()) if not name.startswith(".")]

    def limit(self, owner: str, most: int) -> None:
        """Let all that is an owner's hold so many bytes at most (0: any number)."""
        (name,) = parts_of(owner)
        if not most and not folders.exists(self.base, [name]):
            return
        with folders.opened(self.base, [name], make=WAY):
            pass
        if settings.read(self.moosefs, self.base / name)[0].quota != most:
            settings.write(self.moosefs, self.base / name, Settings(quota=most))

    def limit_of(self, folder: str) -> int | None:
        """The most bytes that a volume may hold (0: any number); None where it isn't there."""
        if not folders.exists(self.base, parts_of(folder)):
            return None
        return settings.read_limit(self.moosefs, self.path(folder))

    def holds(self, folder: str) -> int:
        """Bytes in a volume's files."""
        return held(self.moosefs, self.path(folder)).length

    def all(self) -> Iterator[str]:
        """Every volume in the storage, as `OWNER/APP/KEY`."""
        for owner in self.owners():
            for app in folders.names(self.base, (owner,)):
                if app.startswith("."):
                    continue
                for key in self.keys(owner, app):
                    yield f"{owner}/{app}/{key}"

    def path(self, folder: str) -> Path:
        """Where a volume's folder is for MooseFS's programs. Every folder on the way is nap's own,
        so no app can have put a link there."""
        return self.base.joinpath(*parts_of(folder))

    def seen_sign(self, name: str) -> bool:
        """Whether a host left that sign; it is taken away."""
        with folders.opened(self.base, [HOSTS]) as here:
            try:
                os.unlink(name, dir_fd=here)
            except FileNotFoundError:
                return False
        return True

    def workplace(self) -> Path:
        """Where folders are while they are made ready; nobody but nap enters it."""
        with folders.opened(self.base, [NEW], make=OWN):
            pass
        return self.base / NEW

    def drop_work(self, name: str) -> None:
        """Throw away what was begun; nothing happens where it isn't there."""
        if folders.exists(self.base, [NEW, name]):
            kept = Settings(trash=0)
            removal.remove(self.base, (NEW, name), kept)

    def try_limits(self) -> None:
        """Raise NapError where nap can't set limits."""
        new = uuid.uuid4().hex
        self.workplace()
        with folders.opened(self.base, [NEW, new], make=OWN):
            pass
        try:
            settings.write(self.moosefs, self.base / NEW / new, Settings(quota=1 << 20, files=1))
        finally:
            folders.drop_empty(self.base, [NEW, new])

    def _make(self, parts: tuple[str, ...], wanted: Settings) -> bool:
        new = uuid.uuid4().hex
        self.workplace()
        with (
            folders.opened(self.base, [NEW, new], make=VOLUME) as made,
            contextlib.suppress(PermissionError),  # it is nap's own user's then
        ):
            os.fchown(made, 0, 0)
        full = Settings(
            goal=wanted.goal or self.moosefs.goal,
            trash=int(self.moosefs.trash) if wanted.trash is None else wanted.trash,
            quota=wanted.quota or None,
            files=wanted.files or None,
        )
        settings.write(self.moosefs, self.base / NEW / new, full)
        if exchange.move_in(self.base, new, parts):
            return True
        folders.drop_empty(self.base, [NEW, new])  # somebody else was faster
        return False

    def _tidy(self, parts: tuple[str, ...]) -> None:
        """Remove the app's and the owner's folder where nothing is in them any more."""
        for length in range(len(parts) - 1, 0, -1):
            if not folders.drop_empty(self.base, parts[:length]):
                return

    def _check_mounted(self) -> None:
        mount = _mount_of(os.path.realpath(self.here), _mounts())
        if mount is None or not mount.is_moosefs:
            raise NapError(
                f"MooseFS is not mounted at {self.here} on the machine that nap runs on",
                hint=f"mfsmount {self.here} -H {self.moosefs.master}, "
                "or say under storage.moosefs.here where it is mounted",
            )

    @contextmanager
    def _explained(self, folder: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refused(f"{folder} can't be changed", error) from None

    def _refused(self, what: str, error: OSError) -> NapError:
        return NapError(
            f"cluster storage at {self.base}: {what}: {error.strerror}",
            hint="whoever nap runs as must be able to write there, as root does",
        )


@dataclass(frozen=True)
class _Mount:
    point: str
    kind: str
    source: str

    @property
    def is_moosefs(self) -> bool:
        return self.kind.startswith(("fuse", "moosefs")) and self.source.startswith("mfs#")


def _mounts() -> list[_Mount]:
    """What is mounted on this machine, the latest last."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, source, *_ = right.split(" ")
        found.append(_Mount(_plain(left.split(" ")[4]), kind, _plain(source)))
    return found


def _mount_of(path: str, mounts: Iterable[_Mount]) -> _Mount | None:
    """The mount that a path lies on."""
    best = None
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _plain(text: str) -> str:
    """The kernel writes blanks and the like as `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
