"""One container whose lines are collected: a thread reads them, a writer keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nap_compose.cluster.engine import EngineAway, EngineError, Engines, NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.kept.overlap import Overlap, key_of
from nap_compose.logs.kept.resume import resume
from nap_compose.logs.kept.segment import Whose
from nap_compose.logs.kept.stored import STAMP, store, to_time
from nap_compose.logs.kept.writer import Succeeded, Writer
from nap_compose.plaindata import dataclass

RETRY_FIRST, RETRY_LAST = 0.5, 5.0
"""Seconds until what failed is tried again: at first, and at the most."""

UNREADABLE_FOR = 300.0
"""Seconds until an engine is asked once more for a log that it couldn't read."""

SUCCEEDED_FOR = 5.0
"""Seconds until lines that somebody else began to keep are looked at again."""


@dataclass
class Tally:
    """What has been kept since the collector began, and how late the last of it was, in seconds."""

    lines: int = 0
    size: int = 0
    behind: float = 0.0
    at: float = 0.0


class Source:
    """Collects one container's lines, from where the files end until it ends itself.

    `skew` is how many seconds the host's clock is ahead. `problem` says why nothing is read at the
    moment, empty otherwise.
    """

    def __init__(
        self,
        engines: Engines,
        logs: Path,
        container: ContainerView,
        *,
        say: Saying,
        skew: float = 0.0,
        whole: bool = False,
        follow: bool = True,
    ) -> None:
        self.container = container
        self.whose = whose(container)
        self.skew = skew
        self.problem = ""
        self.reading = False
        self.tally = Tally()
        self.latest = b""
        self.not_before = 0.0
        self._engines = engines
        self._logs = logs
        self._say = say
        self._whole = whole
        self._ill = ""
        self._follow = follow
        self._writer: Writer | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()

    @property
    def host(self) -> str:
        return self.container.host

    def start(self) -> None:
        """Read in a thread of its own, to the container's end."""
        self.reading = True
        threading.Thread(target=self._run, name=f"logs {self.whose.subject}", daemon=True).start()

    def sync(self) -> None:
        """See what was read safely on disk."""
        with self._lock:
            if self._writer is not None and not self._stop.is_set():
                self._guarded(self._writer.sync)

    def stop(self) -> None:
        """Read no more; what was read is safely on disk."""
        self.sync()
        with self._lock:
            self._stop.set()
            self._drop()

    def _run(self) -> None:
        pause = RETRY_FIRST
        try:
            while not self._stop.is_set():
                before = self.tally.lines
                again = self._attempt()
                if not again or not self._follow:
                    break
                pause = RETRY_FIRST if self.tally.lines > before else min(2 * pause, RETRY_LAST)
                self._stop.wait(pause)
        except Exception as error:  # one container that is beyond us must not cost the others
            self._wait(self._name, f"{type(error).__name__}: {error}")
            self.not_before = time.monotonic() + UNREADABLE_FOR
        finally:
            self.reading = False

    def _attempt(self) -> bool:
        """Read until something happens; whether it is worth another try."""
        try:
            # An engine that is still at the older lines when a container ends leaves out those
            # that came meanwhile: it has told all when it has nothing new.
            while self._read() and self._follow:
                self._let_go()
        except NotFound:
            return False
        except EngineAway as error:
            return self._wait(f"host {self.host}", error.message)
        except EngineError as error:
            self._wait(self._name, error.message)
            self.not_before = time.monotonic() + UNREADABLE_FOR
            return False
        except Succeeded:
            self.problem = "somebody else keeps its lines"
            self.not_before = time.monotonic() + SUCCEEDED_FOR
            return False
        except OSError as error:
            return self._wait(f"the folder {self._logs}", error.strerror or str(error))
        finally:
            self._let_go()
        self._well()
        return False

    @property
    def _name(self) -> str:
        owner = f"{self.whose.owner}/" if self.whose.owner else ""
        return f"{owner}{self.whose.app}/{self.whose.subject}"

    def _wait(self, what: str, why: str) -> bool:
        if not self._stop.is_set():
            self.problem, self._ill = why, what
            self._say(what, why)
        return True

    def _well(self) -> None:
        self.problem = ""
        if self._ill:
            self._say(self._ill, "")
            self._ill = ""

    def _read(self) -> bool:
        """Read until the container ends; whether anything was new."""
        before = self.tally.lines
        with self._lock:
            writer = self._writer = Writer(self._logs, self.whose)
            self.latest = writer.reached.latest
        since, overlap = resume(writer.kept, whole=self._whole)
        writer.kept = None
        batches = self._engines.on(self.host).log_batches(
            self.container.id, follow=self._follow, since=since
        )
        for batch in batches:
            with self._lock:
                if self._stop.is_set() or self._writer is not writer:
                    return False
                kept = self._keep(writer, overlap, [store(stream, raw) for stream, raw in batch])
            self._whole = False
            if kept:
                self._well()
        return self.tally.lines > before

    def _keep(
        self, writer: Writer, overlap: Overlap[tuple[bytes, int]], stored: Sequence[bytes]
    ) -> bool:
        """Keep those of the lines that are new; whether there were any."""
        if not overlap.over:
            fresh = next(
                (n for n, line in enumerate(stored) if not overlap.is_old(key_of(line))), None
            )
            if fresh is None:
                return False
            stored = stored[fresh:]
            if overlap.end() and overlap.last:
                writer.gap(overlap.last[0][2 : 2 + STAMP], stored[0][2 : 2 + STAMP])
        writer.append(stored)
        self.latest = writer.reached.latest
        tally = self.tally
        tally.lines += len(stored)
        tally.size += sum(map(len, stored))
        tally.at = time.time()
        tally.behind = max(0.0, tally.at + self.skew - to_time(self.latest) / 1e9)
        return True

    def _guarded(self, act: Callable[[], object]) -> None:
        """What fails here is tried again from where the files end."""
        try:
            act()
        except OSError as error:
            self._wait(f"the folder {self._logs}", error.strerror or str(error))
            self._drop()
        except Succeeded:
            self.problem = "somebody else keeps its lines"
            self._drop()

    def _let_go(self) -> None:
        self.sync()
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def whose(container: ContainerView) -> Whose:
    """Whose lines a container's are. It must have an identity."""
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    return Whose(
        container.id,
        container.name,
        container.host,
        identity.owner,
        identity.app,
        identity.service,
        identity.replica,
        identity.oneoff,
    )
