"""Reading what containers have printed so far, ahead of whoever merges it."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from nap_compose.cluster.engine import EngineAway, EngineError, Engines, NotFound
from nap_compose.logs.block import Batch
from nap_compose.logs.container_lines import ContainerLog

BATCH = 512
"""Lines that are handed over at once, or more."""

AHEAD = 8
"""Batches that are read ahead of the merge, for each container."""

TRIES = 3
"""Connections without a new line that are tried after one that was lost."""

SILENCE = 10.0
"""Seconds after which a host that says nothing is given up."""

SHORT = 10_000
"""Up to so many lines, a container's tail is kept in memory until its turn comes."""

Warn = Callable[[str], None]


class HostsAway:
    """Which hosts don't answer; says so once for each time that one goes away."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._away: set[str] = set()
        self._lock = threading.Lock()

    def __contains__(self, host: str) -> bool:
        return host in self._away

    def gone(self, host: str, why: str) -> None:
        """The host doesn't answer."""
        with self._lock:
            known = host in self._away
            self._away.add(host)
        if not known:
            self._warn(f"the lines of host {host} are missing: {why}")

    def back(self, host: str) -> None:
        """The host answers."""
        if host in self._away:
            with self._lock:
                self._away.discard(host)


class Fetch:
    """One container's present log, read in a thread and taken batch by batch.

    `log` is where the taking has come to: reading can go on from there, whatever the thread has
    read beyond or is still stuck with.
    """

    def __init__(
        self, log: ContainerLog, engines: Engines, away: HostsAway, warn: Warn, *, ahead: int
    ) -> None:
        self.log = log
        self._reader = log.copy()
        self._engines = engines
        self._away = away
        self._warn = warn
        self._batches: queue.Queue[tuple[list[Batch], ContainerLog] | None] = queue.Queue(ahead)
        self._stop = threading.Event()

    @property
    def host(self) -> str:
        return self.log.container.host

    def run(self) -> None:
        """Read to the end. What can't be read costs a warning."""
        try:
            if self.host not in self._away:
                self._read_all()
        except NotFound:
            pass
        except EngineAway as error:
            if not self._stop.is_set():  # else it was we who hung up
                self._away.gone(self.host, error.message)
        except EngineError as error:
            self._warn(f"the log of {self.log.subject} can't be read: {error}")
        finally:
            self._put(None)

    def _read_all(self) -> None:
        """Read to the end; a connection that brought something and was lost is worth others."""
        tries = 1
        while tries and not self._stop.is_set():
            tries -= 1
            some: list[Batch] = []
            count = 0
            try:
                for lines in self._reader.batches(self._engines.on(self.host), follow=False):
                    tries = TRIES
                    some.append(lines)
                    count += len(lines)
                    if count >= BATCH:
                        self._hand_over(some)
                        some, count = [], 0
                        if self._stop.is_set():
                            return
                self._hand_over(some)
                return
            except EngineAway:
                self._hand_over(some)
                if not tries:
                    raise

    def _hand_over(self, some: list[Batch]) -> None:
        self._put((some, self._reader.copy()))

    def _put(self, batch: tuple[list[Batch], ContainerLog] | None) -> None:
        while not self._stop.is_set():
            try:
                return self._batches.put(batch, timeout=0.5)
            except queue.Full:
                continue
        return None

    def __iter__(self) -> Iterator[Batch]:
        while True:
            try:
                batch = self._batches.get(timeout=0.01 if self.host in self._away else SILENCE)
            except queue.Empty:
                self._away.gone(self.host, f"no word from it for {SILENCE:.0f} s")
                return
            if batch is None:
                return
            some, reached = batch
            yield from some
            self.log = reached

    def stop(self) -> None:
        """Nobody takes the rest."""
        self._stop.set()


def fetch(
    logs: Sequence[ContainerLog],
    engines: Engines,
    away: HostsAway,
    warn: Warn,
    *,
    tail: int | None,
) -> list[Fetch]:
    """Begin to read all these logs at once.

    Short tails are read host by host, one thread each, so that a thousand hosts don't take ten
    thousand threads and one that hangs holds up nobody else. Whole logs, which don't fit into
    memory, take a thread each, for the merge wants the head of all of them.
    """
    short = tail is not None and tail <= SHORT
    fetches = [Fetch(log, engines, away, warn, ahead=0 if short else AHEAD) for log in logs]
    by_thread: dict[object, list[Fetch]] = defaultdict(list)
    for each in fetches:
        by_thread[each.host if short else each].append(each)
    for group in by_thread.values():
        threading.Thread(target=_run_all, args=(group,), daemon=True).start()
    return fetches


def _run_all(fetches: Iterable[Fetch]) -> None:
    for each in fetches:
        each.run()
