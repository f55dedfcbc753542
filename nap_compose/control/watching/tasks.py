"""What the watcher has begun: each act in a thread of its own, one at a time for each subject, and
what fails is left alone for ever longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nap_compose.errors import Locked, NapError
from nap_compose.health.records import Happening
from nap_compose.health.restarts import Backoff
from nap_compose.plaindata import dataclass

Subject = tuple[str, str]
"""An app (owner and name), or ("fence", host)."""

FENCE = "fence"


@dataclass(frozen=True)
class Ended:
    """What came of a task: what is to be told, the error where it failed, and what is to be done
    `after` it by who takes it in."""

    subject: Subject
    told: tuple[Happening, ...] = ()
    failed: NapError | None = None
    after: After | None = None


After = Callable[[Ended], None]


class Tasks:
    """Tasks and their subjects. Only the thread that begins them takes in what came of them."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called, from any thread, when something has ended."""
        self._wake = wake
        self._busy: set[Subject] = set()
        self._backoff: dict[Subject, Backoff] = {}
        self._ended: list[Ended] = []
        self._lock = threading.Lock()
        self._threads: dict[Subject, threading.Thread] = {}

    def __len__(self) -> int:
        """How many go on."""
        return len(self._busy)

    def free(self, subject: Subject) -> bool:
        """Whether nothing goes on with a subject."""
        return subject not in self._busy

    def rests(self, subject: Subject) -> bool:
        """Whether a subject is left alone, since what was done last failed."""
        return self._backoff.get(subject, Backoff()).waits(time.time())

    def not_now(self) -> frozenset[Subject]:
        """The apps with which nothing is to be begun now."""
        resting = {subject for subject in self._backoff if self.rests(subject)}
        return frozenset(each for each in self._busy | resting if each[0] != FENCE)

    def begin(
        self, subject: Subject, task: Callable[[], list[Happening]], after: After | None = None
    ) -> None:
        """Do something, unless something else goes on with its subject."""
        if not self.free(subject):
            return
        self._busy.add(subject)

        def run() -> None:
            try:
                ended = Ended(subject, tuple(task()), after=after)
            except NapError as error:
                ended = Ended(subject, failed=error, after=after)
            except Exception as error:  # a fault of nap's own must not end the watch
                fault = NapError(f"nap itself failed: {error!r}")
                ended = Ended(subject, failed=fault, after=after)
            with self._lock:
                self._ended.append(ended)
            self._wake()

        thread = threading.Thread(target=run, name=f"repair {subject}", daemon=True)
        self._threads[subject] = thread
        thread.start()

    def wait(self, seconds: float) -> None:
        """Let what goes on come to its end, for so long at most: whoever ends in the middle leaves
        an app locked until its lease has run out."""
        until = time.monotonic() + seconds
        for subject in self._busy:
            self._threads[subject].join(max(0.0, until - time.monotonic()))

    def settle(self) -> list[Ended]:
        """What has ended since the last time. Somebody else's lock is no failure."""
        with self._lock:
            ended, self._ended = self._ended, []
        for each in ended:
            self._busy.discard(each.subject)
            del self._threads[each.subject]
            if each.failed is None:
                self._backoff.pop(each.subject, None)
            elif not isinstance(each.failed, Locked):
                before = self._backoff.get(each.subject, Backoff())
                self._backoff[each.subject] = before.failed(time.time())
        return ended
