"""The sweep while the state store is away: it goes on, is counted and said, and nothing is touched.
The records catch up with the first sweep of whoever leads afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

from nap_compose.control.parts import Parts
from nap_compose.control.watching.acts import line
from nap_compose.control.watching.figures import Figures
from nap_compose.control.watching.sweeping import sweeper_of
from nap_compose.health.changes import Known
from nap_compose.health.sweep import changes_of


class Blind:
    """Sweeps now and then; it begins from what was `known` last."""

    def __init__(self, parts: Parts, figures: Figures, say: Callable[[str], None]) -> None:
        self._sweeper = sweeper_of(parts)
        self._every = parts.cluster.watching.sweep
        self._figures, self._say = figures, say
        self._following = 0.0
        self.known = Known()

    def look(self) -> None:
        """Sweep, when it is time again."""
        if time.monotonic() < self._following:
            return
        self._following = time.monotonic() + self._every
        anything = bool(self.known.hosts)
        sight = self._sweeper.sweep(self.known)
        changes = changes_of(sight, self.known)
        self.known = self.known.after(changes)
        self._figures.swept(sight.took, self.known)
        for happening in changes.happenings if anything else ():
            self._say(f"{line(happening)} (not on record yet)")
