"""An app in the foreground: its lines, with the ends of its containers between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from nap_compose.border import Ended, EventRow, LogLine
from nap_compose.cluster.engine import Engines
from nap_compose.cluster.view import ContainerView
from nap_compose.errors import NapError
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.fetch import HostsAway, Warn, fetch
from nap_compose.logs.follow import Follow, Refresh, Seen
from nap_compose.plaindata import dataclass

LAST_WORDS = 0.5
"""Seconds that the end of a container waits for lines of its that are still under way."""

COMES_BACK = 0.3
"""Seconds after the last end in which a container that is just being restarted starts again."""

Chosen = Callable[[ContainerView], bool]


@dataclass(frozen=True)
class Happened:
    """The engine told of a container; for an end, whether the engine starts it again."""

    row: EventRow
    restarts: bool = False


@dataclass
class _End:
    """An end that waits for its container's last lines, until `due` at the latest."""

    at: int
    end: Ended
    due: float


class Attend(Follow):
    """Follows the containers that are `shown`, and tells of the ends of those that are `awaited`.

    Of a container that is there already only what it prints from now on is told. Goes on as long
    as `held` says so or any that is awaited runs.
    """

    def __init__(
        self,
        engines: Engines,
        containers: Sequence[ContainerView],
        *,
        shown: Chosen,
        awaited: Chosen,
        refresh: Refresh,
        happenings: Callable[[Warn], Iterator[EventRow]],
        held: Callable[[], bool],
        warn: Warn,
    ) -> None:
        away = HostsAway(warn)
        logs = [ContainerLog(container, tail=0) for container in containers]
        fetches = fetch(logs, engines, away, warn, tail=0)
        for each in fetches:  # nothing is shown: from here on there is news
            for _ in each:
                pass
        super().__init__(
            engines,
            [each.log for each in fetches],
            deployments=None,
            refresh=refresh,
            log_of=ContainerLog,
            away=away,
            warn=warn,
        )
        self._shown = shown
        self._awaited = awaited
        self._happenings = happenings
        self._held = held
        self._ends: dict[str, _End] = {}
        self._seen_since_held = False

    def items(self) -> Iterator[LogLine | Ended]:
        """Lines and ends, by time as far as they are in time."""
        self._start(self._listen, self._happenings(self._warn_until_over))
        return self._items()

    def _warn_until_over(self, text: str) -> None:
        if not self._stop.is_set():
            self._warn(text)

    def end(self) -> None:
        """Nobody wants the rest; called from another thread."""
        self._stop.set()
        self._wake.set()

    def _goes_on(self) -> bool:
        if self._stop.is_set():
            return False
        self._tell_ends()
        now = time.monotonic()
        if self._held():
            self._seen_since_held = False
        busy = self._ends or any(
            source.reading or source.runs
            for source in self._sources.values()
            if self._awaited(source.log.container)
        )
        if busy or not self._seen_since_held:
            self._quiet_since = now
            return True
        return now - self._quiet_since < COMES_BACK

    def _handle(self, news: object) -> None:
        if isinstance(news, Seen):
            self._seen_since_held = not self._held()
        if not isinstance(news, Happened):
            super()._handle(news)
            return
        of, action = news.row.of, news.row.action
        self._wake.set()
        if action == "die":
            code = int(news.row.attributes.get("exitCode") or 0)
            end = Ended(f"{of.service}.{of.replica}", of.host, code, restarts=news.restarts)
            self._ends[of.id] = _End(news.row.at, end, time.monotonic() + LAST_WORDS)

    def _tell_ends(self) -> None:
        """Let go the ends whose containers have said all, or had the time to."""
        now = time.monotonic()
        for container, end in list(self._ends.items()):
            source = self._sources.get(container)
            if now >= end.due or (source is not None and not source.reading and not source.runs):
                self._holdback.push(("end", container), end.at, end.end, now)
                self._holdback.remove(("end", container))
                del self._ends[container]

    def _read_on(self, container: str) -> None:
        if self._shown(self._sources[container].log.container):
            super()._read_on(container)

    def _listen(self, happenings: Iterator[EventRow]) -> None:
        """In a thread: hand on what the engines tell of containers."""
        for row in happenings:
            restarts = row.action == "die" and self._restarts(row)
            if not self._tell(Happened(row, restarts)):
                return

    def _restarts(self, row: EventRow) -> bool:
        """Whether a container that has ended is started again by its engine."""
        try:
            state = self._engines.on(row.of.host).inspect_container(row.of.id).get("State") or {}
        except NapError:
            return False
        return bool(state.get("Restarting") or state.get("Running"))
