"""What the watcher counts, for whoever measures it."""

from __future__ import annotations

from collections import Counter
from dataclasses import field

from nap_compose.health.changes import Known
from nap_compose.plaindata import dataclass


@dataclass
class Figures:
    """Counts since the watcher began, and how the last sweep found things. `sweep` is how many
    seconds that took; `containers` and `hosts` are counted by state."""

    leads: bool = False
    sweeps: int = 0
    sweep: float = 0.0
    swept_at: float = 0.0
    containers: Counter[str] = field(default_factory=Counter)
    unhealthy: int = 0
    hosts: Counter[str] = field(default_factory=Counter)
    failovers: int = 0
    restarts: int = 0
    fenced: int = 0
    cleared: int = 0
    failures: int = 0
    store_errors: int = 0

    def swept(self, took: float, known: Known) -> None:
        """Take in a sweep."""
        import time

        self.sweeps += 1
        self.sweep, self.swept_at = took, time.time()
        self.containers = Counter(each.state for each in known.containers.values())
        self.unhealthy = sum(each.health == "unhealthy" for each in known.containers.values())
        self.hosts = Counter(each.state.value for each in known.hosts.values())
