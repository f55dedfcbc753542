"""Lines as they are printed, of all containers of an app, as containers come and go."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from nap_compose.border import Ended, LogLine
from nap_compose.cluster.engine import Conflict, EngineAway, EngineError, Engines, NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.errors import NapError
from nap_compose.logs.block import Stamped, together
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.fetch import HostsAway, Warn
from nap_compose.logs.merge import Holdback
from nap_compose.plaindata import dataclass

PATIENCE = 0.3
"""Seconds that a line waits for earlier ones from elsewhere."""

LOOK_AGAIN = 1.0
"""Seconds between two looks at which containers there are."""

LINGER = 5.0
"""Seconds without a running container or a new line after which there is nothing to follow."""

RETRY_FIRST, RETRY_LAST = 0.5, 5.0
"""Seconds until a host that went away is tried again: at first, and at the most."""

QUIET = 6.0
"""Seconds without a new line after which a collector has kept all that a container, which is gone,
had to say."""

TURN = 15.0
"""Seconds that a container waits at most for the last lines of the one whose place it takes."""

WAITING = 32
"""Batches of lines that may wait for whoever prints them; then the engines wait."""

_RUNNING = ("running", "restarting", "paused")

Refresh = Callable[[], Sequence[ContainerView]]
LogOf = Callable[[ContainerView], ContainerLog]
Rest = Callable[[ContainerLog], "Iterator[Stamped] | None"]


@dataclass(frozen=True)
class Silent:
    """A container's stream has come to its end."""

    container: str


@dataclass(frozen=True)
class Seen:
    """The app's containers, looked at anew."""

    containers: Sequence[ContainerView]


@dataclass
class Source:
    """A container that is, or was, followed; `status` is what its engine said of it last, and
    `told` whether all was read that it had printed when it was last seen to run."""

    log: ContainerLog
    status: tuple[str, str]
    reading: bool = False
    changed: bool = False
    told: bool = False
    since: float = field(default_factory=time.monotonic)

    @property
    def runs(self) -> bool:
        return self.status[0] in _RUNNING


class Follow:
    """Follows the app's containers, from where `logs` have been read, until nothing is left.

    `refresh` looks at the app's containers again, `log_of` makes the log of a new one, `rest` has
    what a collector kept of one beyond what was read, None where nothing is kept of it. A host
    that goes away costs a warning; its lines come when it is back. Ends when the app no longer
    runs anywhere, as far as can be seen.
    """

    def __init__(
        self,
        engines: Engines,
        logs: Sequence[ContainerLog],
        *,
        deployments: DeploymentLines | None,
        refresh: Refresh | None,
        log_of: LogOf,
        away: HostsAway,
        warn: Warn,
        rest: Rest = lambda _: None,
    ) -> None:
        self._engines = engines
        self._rest = rest
        self._deployments = deployments
        self._refresh = refresh
        self._log_of = log_of
        self._away = away
        self._warn = warn
        self._sources = {log.container.id: Source(log, _status(log.container)) for log in logs}
        self._news: queue.Queue[object] = queue.Queue(WAITING)
        self._holdback: Holdback[LogLine | Ended] = Holdback(PATIENCE)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._quiet_since = 0.0

    def lines(self) -> Iterator[LogLine]:
        """The lines, by time as far as they are in time. Closing the iterator ends the reading."""
        for line in self._items():
            if isinstance(line, LogLine):
                yield line

    def stop(self) -> None:
        """From another thread: read no more, and let the iterator end."""
        self._stop.set()
        self._wake.set()

    def _items(self) -> Iterator[LogLine | Ended]:
        try:
            for container, source in self._sources.items():
                if source.runs or not self._refresh:
                    self._read_on(container)
            if self._refresh:
                self._start(self._look, self._refresh)
            self._quiet_since = time.monotonic()
            while self._goes_on():
                self._take_news()
                for item in self._holdback.ready(time.monotonic()):
                    self._quiet_since = time.monotonic()
                    yield item
            yield from self._holdback.rest()
        finally:
            self.stop()

    def _goes_on(self) -> bool:
        """Whether there is anything to follow, or was a moment ago."""
        if self._stop.is_set():
            return False
        # Who has told all is looked at again each second, for what its engine says of it changes.
        if any(
            source.runs or (source.reading and not source.told) for source in self._sources.values()
        ):
            self._quiet_since = time.monotonic()
            return True
        linger = LINGER if self._refresh else PATIENCE
        return time.monotonic() - self._quiet_since < linger

    def _take_news(self) -> None:
        """Wait a moment for news and put all there is into the holdback."""
        now = time.monotonic()
        due = self._holdback.due_in(now)
        try:
            self._handle(self._news.get(timeout=PATIENCE if due is None else min(due, PATIENCE)))
            for _ in range(WAITING):
                self._handle(self._news.get_nowait())
        except queue.Empty:
            pass
        for at, line in self._deployments.news() if self._deployments else ():
            self._holdback.push("deploy", at, line, time.monotonic())
            self._holdback.remove("deploy")

    def _handle(self, news: object) -> None:
        if isinstance(news, Silent):
            self._holdback.remove(news.container)
            source = self._sources[news.container]
            source.reading = False
            source.told = not source.runs
            self._wake.set()  # another may wait for its place
            if not self._refresh:
                source.status = ("exited", "")
        elif isinstance(news, Seen):
            self._compare(news.containers)
        elif isinstance(news, tuple):
            container, lines = news
            self._holdback.push_all(container, lines, time.monotonic())

    def _compare(self, containers: Sequence[ContainerView]) -> None:
        """Begin to read containers that are new, and those that ended and have run again since."""
        seen = {container.id: container for container in containers}
        for name in seen.keys() - self._sources.keys():
            self._sources[name] = Source(self._log_of(seen[name]), ("", ""))
        for name, source in self._sources.items():
            # A container may run and end between two looks: the engine's sentence about it
            # ("Exited (0) 3 seconds ago") tells, and reading on where nothing is new costs little.
            status = _status(seen[name]) if name in seen else ("gone", "")
            source.changed |= source.status != status
            source.status = status
            source.told &= not source.runs
        for name in seen:
            source = self._sources[name]
            if not source.reading and (source.changed or source.runs) and self._has_turn(source):
                source.changed = False
                self._read_on(name)

    def _has_turn(self, source: Source) -> bool:
        """Whether the container whose place this one takes has said its last, or takes too long."""
        return time.monotonic() - source.since > TURN or not any(
            before.reading
            and not before.runs
            and before.log.subject == source.log.subject
            and before.log.container.host not in self._away
            for before in self._sources.values()
        )

    def _read_on(self, container: str) -> None:
        self._sources[container].reading = True
        self._holdback.add(container)
        self._start(self._read, self._sources[container].log)

    def _read(self, log: ContainerLog) -> None:
        """In a thread: hand on a container's lines until it ends, over lost connections."""
        host, wait = log.container.host, RETRY_FIRST
        again = False
        while not self._stop.is_set():
            came = False
            try:
                for lines in log.batches(self._engines.on(host), follow=True):
                    if not self._tell((log.container.id, lines)):
                        return
                    came = True
                    self._away.back(host)
                    wait = RETRY_FIRST
                self._away.back(host)
                # An engine that is still at the older lines when a container ends leaves out those
                # that came meanwhile: it has told all when it is asked again and has nothing new.
                if again and not came:
                    break
                again = True
            except (NotFound, Conflict):  # it is gone, or just going
                self._tell_rest(log)
                break
            except EngineAway as error:
                if self._stop.is_set():  # it was we who hung up
                    return
                self._away.gone(host, error.message)
                self._tell_kept(log)
                self._stop.wait(wait)
                wait = min(2 * wait, RETRY_LAST)
            except EngineError as error:
                self._warn(f"the log of {log.subject} can't be read: {error}")
                break
        self._tell(Silent(log.container.id))

    def _tell_rest(self, log: ContainerLog) -> None:
        """Hand on what was kept of a container that is gone and its engine didn't tell us: it may
        be gone before we have read its last lines. A collector may still be at them, too."""
        until = time.monotonic() + QUIET
        while not self._stop.is_set() and time.monotonic() < until:
            count = self._tell_kept(log)
            if count is None:
                return
            if count:
                until = time.monotonic() + QUIET
            self._stop.wait(PATIENCE)

    def _tell_kept(self, log: ContainerLog) -> int | None:
        """Hand on what was kept beyond what was read; how much, None where nothing is kept."""
        try:
            lines = self._rest(log)
            if lines is None:
                return None
            count = 0
            for some in together(lines):
                if not self._tell((log.container.id, some)):
                    return None
                count += len(some)
        except OSError as error:
            self._warn(f"what was collected can't be read: {error.filename}: {error.strerror}")
            return None
        return count

    def _look(self, refresh: Refresh) -> None:
        """In a thread: look again and again at which containers there are."""
        complaint = ""
        while not self._stop.is_set():
            self._wake.wait(LOOK_AGAIN)
            self._wake.clear()
            try:
                self._tell(Seen(refresh()))
                complaint = ""
            except NapError as error:
                if str(error) != complaint:
                    self._warn(str(error))
                complaint = str(error)

    def _tell(self, news: object) -> bool:
        """Hand over to the thread that prints; false when nobody listens any longer."""
        while not self._stop.is_set():
            try:
                self._news.put(news, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False

    @staticmethod
    def _start(target: Callable[..., None], argument: object) -> None:
        threading.Thread(target=target, args=(argument,), daemon=True).start()


def _status(container: ContainerView) -> tuple[str, str]:
    return container.state, container.status
