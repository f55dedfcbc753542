"""How much an app may come to: a small file can ask for more than a machine has."""

from __future__ import annotations

from nap_compose.compose.faults import Fault, Path

MOST_FILES = 1000
"""More files than this in one app are a mistake, or a trap."""
MOST_BYTES = 64 * 1024 * 1024
"""What included files may come to, each counted as often as it is included."""
DEEPEST = 100
"""Files that include each other, and services that extend each other, in one chain."""
MOST_REPLICAS = 10_000
"""Containers of one app: twice what nap is measured with. Beyond it is a slip of the pen."""
MOST_PORTS = 2 * 65536
MOST_ENTRIES = 500_000
"""Ports, variables, labels and the like of all services, with what they extend and read."""


class Budget:
    """What one app has come to so far."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self.ports = 0
        self.entries = 0

    def include(self, size: int, path: Path) -> None:
        """Count an included file of `size` bytes. Raises Fault."""
        self.files += 1
        self.bytes += size
        if self.files > MOST_FILES:
            raise Fault(path, f"the app includes more than {MOST_FILES} files")
        if self.bytes > MOST_BYTES:
            raise Fault(path, f"what is included is larger than {MOST_BYTES >> 20} MiB")

    def take(self, entries: int, path: Path) -> None:
        """Count the entries of a service. Raises Fault."""
        self.entries += entries
        if self.entries > MOST_ENTRIES:
            raise Fault(
                path,
                f"the app's services come to more than {MOST_ENTRIES} ports, variables and such",
            )
