"""What tells the watcher of the hosts, each in threads of its own."""

from __future__ import annotations

from collections.abc import Callable

from nap_compose.control.parts import Parts
from nap_compose.control.watching.disks import Disks
from nap_compose.control.watching.listening import Listener
from nap_compose.control.watching.mounts import Mounts
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Senses:
    """Engines' events, what their disks hold, and whether they reach the cluster storage."""

    listener: Listener
    disks: Disks
    mounts: Mounts

    @classmethod
    def of(cls, parts: Parts) -> Senses:
        """Those of a cluster."""
        return cls(
            Listener(parts.engines, embedded=parts.cluster.embedded),
            Disks(parts.engines, parts.cluster, parts.seal),
            Mounts(parts, parts.cluster.watching.sweep),
        )

    def start(self, leads: Callable[[], bool]) -> None:
        """Begin; what costs the hosts something is asked by who `leads` alone."""
        self.listener.start()
        self.disks.start(leads)
        self.mounts.start(leads)

    def stop(self) -> None:
        """Hear and ask no more."""
        self.listener.stop()
        self.disks.stop()
        self.mounts.stop()
