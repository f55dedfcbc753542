"""What the leading watcher knows: it stands in the records, in Consul's catalog and in the events,
and catches up there once the state store is back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import View
from nap_compose.control.watching.acts import line
from nap_compose.control.watching.cataloguing import Cataloguing
from nap_compose.control.watching.figures import Figures
from nap_compose.health.book import HealthBook
from nap_compose.health.changes import Changes, Known
from nap_compose.health.records import Happening, Heartbeat
from nap_compose.plaindata import dataclass


@dataclass
class Memory:
    """`known` is what is on record. `sure`: the state store answered in the last sweep and ever
    since; without, nothing is touched."""

    book: HealthBook
    cataloguing: Cataloguing
    figures: Figures
    say: Callable[[str], None]
    known: Known = field(default_factory=Known)
    sure: bool = False
    _away: str = ""

    def begin(self) -> None:
        """Read what others have left. Raises StoreAway."""
        self.known = self.book.read()

    def write(self, changes: Changes, at: str) -> None:
        """Write what changed. Where the store is away nothing is known to have changed, so that
        the next look finds it again."""
        if changes.empty:
            return
        try:
            self.book.write(changes)
        except StoreAway as error:
            self.sure = False
            self.lacks_the_store(error)
            return
        self.known = self.known.after(changes)
        for happening in changes.happenings:
            self.say(line(happening))
        if self._away:
            self._away = ""
            self.say(f"the state store is back; the records are as of {at}")

    def enter(self, view: View) -> None:
        """Keep the catalog as the hosts are."""
        if not self.sure:
            return
        try:
            self.cataloguing.keep(view, self.known)
        except StoreAway as error:
            self.lacks_the_store(error)

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Tell what happened, in the events and in the log."""
        if not happenings:
            return
        try:
            self.book.tell(happenings)
        except StoreAway as error:
            self.lacks_the_store(error)
        for happening in happenings:
            self.say(line(happening))

    def beat(self, heartbeat: Heartbeat) -> None:
        """Give a sign of life. Raises StoreAway."""
        self.book.beat(heartbeat)

    def lacks_the_store(self, error: StoreAway) -> None:
        """It didn't answer: that is counted, and said once."""
        self.figures.store_errors += 1
        if not self._away:
            self._away = str(error)
            self.say(f"{error}; no container is touched until it is back")
