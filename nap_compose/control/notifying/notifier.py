"""The leading watcher's teller: it looks now and then whether there is news, writes down that it
will be told, and sends it. In threads of its own: who hangs delays nobody else."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from nap_compose.clock import utc_now
from nap_compose.cluster.notify import Notify
from nap_compose.cluster.state import Lease, Lost, StoreAway
from nap_compose.control.notifying import record
from nap_compose.control.notifying.record import Due, Told
from nap_compose.control.notifying.senders import send
from nap_compose.control.overview import gather
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.health import notices
from nap_compose.health.book import HealthBook
from nap_compose.health.notices import Wrong
from nap_compose.health.standing.facts import Facts
from nap_compose.health.standing.lines import of_facts

ENDS = 3.0
"""Seconds that what is being sent has at the end, so that it is written down as sent."""
TICK = 0.5
"""Seconds after which it looks whether something was sent, or is to be tried again."""

_BLIND = {
    "view": ("app", "service"),
    "certificates": ("certificate",),
    "disks": ("disk",),
    "collected": ("logs",),
    "backup": ("backup",),
    "watched": ("host", "disk"),
}
"""Of which kinds nothing can be said where a question had no answer."""


class Notifier:
    """Tells while the lease lasts, from `start` to `stop`."""

    def __init__(
        self, parts: Parts, notify: Notify, lease: Lease, say: Callable[[str], None]
    ) -> None:
        # What the watcher uses in its own threads isn't shared.
        self._parts = Parts(parts.cluster)
        self._notify = notify
        self._lease = lease
        self._say = say
        self._stop = threading.Event()
        self._last: Mapping[str, Wrong] | None = None
        self._told, self._version = Told(), 0
        self._sending: set[str] = set()
        self._ended: dict[tuple[str, str], Due | None] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more; what is on its way stays on record until it is there."""
        self._stop.set()
        self._thread.join(timeout=2 * ENDS)

    def _goes_on(self) -> bool:
        return not (self._stop.is_set() or self._lease.lost)

    def _run(self) -> None:
        try:
            following = 0.0
            while self._goes_on():
                try:
                    if time.monotonic() >= following:
                        following = time.monotonic() + self._notify.every
                        self._look()
                    self._settle()
                    self._send_what_is_due()
                except (StoreAway, Lost):
                    pass  # the watch says that it is away; what isn't on record is found again
                except NapError as error:
                    self._say(f"notify: {error}")
                except Exception as error:  # a fault of nap's own must not end the telling
                    self._say(f"notify: nap itself failed: {error!r}")
                self._stop.wait(TICK)
            self._finish()
        finally:
            self._parts.close()

    def _finish(self) -> None:
        """Write down what was sent: whoever leads next would send it again."""
        until = time.monotonic() + ENDS
        while self._sending and time.monotonic() < until:
            time.sleep(TICK / 10)
        with contextlib.suppress(StoreAway, Lost):
            self._settle()

    def _look(self) -> None:
        """Find what is new, and write down that it is told, before anybody is."""
        at = utc_now()
        facts = gather(self._parts)
        now = notices.wrong(of_facts(facts), facts.watched)
        given = self._parts.given(now=False)
        happenings = [
            replace(each, owner=given.owner(each.owner, each.app))
            for each in HealthBook(self._parts.store).happenings()
        ]
        self._told, self._version = record.read(self._parts.store)
        fresh, states = notices.news(self._told.states, now, self._last, _blind(facts), at)
        more, happened = notices.events(
            self._told.happened, happenings, self._told.looked or at, at
        )
        made = time.time()
        due = [
            Due(recipient.name, notice, made)
            for notice in (*more, *fresh)
            for recipient in notices.recipients(notice, self._notify.to.values())
        ]
        self._write(
            replace(
                self._told,
                states=states,
                happened=happened,
                looked=at,
                due=(*self._told.due, *due),
            )
        )
        self._last = now

    def _write(self, told: Told) -> None:
        if told != self._told and not self._lease.lost:
            self._version = record.write(self._parts.store, told, self._version)
            self._told = told

    def _settle(self) -> None:
        """Take from the record what was sent, and what is given up."""
        with self._lock:
            ended = dict(self._ended)
        if not ended:
            return
        self._told, self._version = record.read(self._parts.store)
        due = [ended.get(each.key, each) for each in self._told.due]
        self._write(replace(self._told, due=tuple(each for each in due if each is not None)))
        with self._lock:
            for key in ended:
                self._ended.pop(key, None)

    def _send_what_is_due(self) -> None:
        """One thread a recipient, which sends one after the other."""
        now = time.time()
        for name in {each.to for each in self._told.due} - self._sending:
            with self._lock:
                mine = [
                    each
                    for each in self._told.due
                    if each.to == name and each.after <= now and each.key not in self._ended
                ]
            if mine:
                self._sending.add(name)
                threading.Thread(
                    target=self._send, args=(name, mine), name=f"notify {name}", daemon=True
                ).start()

    def _send(self, name: str, due: list[Due]) -> None:
        try:
            for each in due:
                if not self._goes_on():
                    return
                outcome = self._tried(each)
                with self._lock:
                    self._ended[each.key] = outcome
        finally:
            self._sending.discard(name)

    def _tried(self, due: Due) -> Due | None:
        recipient = self._notify.to.get(due.to)
        if recipient is None:  # the cluster file names it no more
            return None
        try:
            send(recipient, due.notice, self._parts.cluster.name)
        except NapError as error:
            again = due.failed(time.time())
            what = "it is tried again" if again else "it is given up"
            if not due.tries or again is None:
                self._say(f"notify: {due.to} wasn't told of {due.notice.subject}: {error}; {what}")
            return again
        return None


def _blind(facts: Facts) -> frozenset[str]:
    blind = {kind for name in facts.troubles for kind in _BLIND.get(name, ())}
    return frozenset(blind)
