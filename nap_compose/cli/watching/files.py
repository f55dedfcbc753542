"""Which files change, told in batches: who saves many at once causes one."""

from __future__ import annotations

import errno
import os
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nap_compose.errors import NapError

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

QUIET = 0.3
"""Seconds without a change after which a batch is complete."""

LONGEST = 3.0
"""Seconds after which a batch ends though files go on changing."""

EVERY = 1.0
"""Seconds between two looks at every file, where the system doesn't tell of changes."""

_CHANGES = ("created", "modified", "deleted", "moved", "closed")
_TOO_MANY = (errno.ENOSPC, errno.EMFILE)


class Changes:
    """Tells of changes below `paths` (absolute), from entering on.

    Where the system can't watch so many folders they are looked at again and again instead, and
    `warn` is told.
    """

    def __init__(self, paths: Iterable[str], warn: Callable[[str], None]) -> None:
        self._paths = tuple(dict.fromkeys(paths))
        self._warn = warn
        self._changed: queue.Queue[str] = queue.Queue()
        self._observer: Any = None

    def __enter__(self) -> Changes:
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        try:
            self._watch(Observer())
        except OSError as error:
            if error.errno not in _TOO_MANY:
                raise NapError(f"files can't be watched: {error.strerror}") from None
            self._warn(
                "the system can't watch so many folders, so they are looked at every "
                f"{EVERY:.0f} s; fs.inotify.max_user_watches is its limit"
            )
            self._watch(PollingObserver(timeout=EVERY))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._observer.stop()
        self._observer.join()

    def batches(self, over: Callable[[], bool] = lambda: False) -> Iterator[set[str]]:
        """The paths that changed, batch by batch, until it is `over`."""
        while not over():
            try:
                found = {self._changed.get(timeout=QUIET)}
            except queue.Empty:
                continue
            until = time.monotonic() + LONGEST
            while time.monotonic() < until:
                try:
                    found.add(self._changed.get(timeout=QUIET))
                except queue.Empty:
                    break
            yield {each for path in found for each in files_at(path)}

    def _watch(self, observer: Any) -> None:
        """Watch each folder, or the folder of a file, which an editor replaces by another."""
        told = _Told(self._changed.put)
        folders = {path for path in self._paths if Path(path).is_dir()}
        for folder in folders:
            observer.schedule(told, folder, recursive=True)
        for folder in {str(Path(path).parent) for path in self._paths} - folders:
            if any(Path(path).parent == Path(folder) for path in set(self._paths) - folders):
                observer.schedule(told, folder, recursive=False)
        observer.start()
        self._observer = observer


class _Told:
    """What the watching library calls with each event, in a thread of its own."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def dispatch(self, event: FileSystemEvent) -> None:
        """Hand on what changed. That a folder holds something else now is told of by that."""
        if event.event_type not in _CHANGES or (
            event.is_directory and event.event_type in ("modified", "closed")
        ):
            return
        for path in (event.src_path, getattr(event, "dest_path", "")):
            if path:
                self._tell(os.fsdecode(path))


def files_at(path: str) -> Iterator[str]:
    """A folder's files, however deep; else the path itself, whether something is there or not."""
    here = Path(path)
    if not here.is_dir() or here.is_symlink():
        yield path
        return
    for folder, _, names in os.walk(path):
        for name in names:
            yield str(Path(folder, name))
