"""What the database couldn't take while it was away is handed in once it is back, also where nobody
deploys from this machine."""

from __future__ import annotations

import contextlib
import threading

from nap_compose.cluster.cluster import Cluster
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError


class HandingIn:
    """Looks whether something waits, in a thread of its own, from `start` to `stop`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._go_on, name="handing in", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _go_on(self) -> None:
        while not self._stop.wait(self._cluster.watching.sweep):
            with contextlib.suppress(NapError):  # it waits on
                hand_in(self._cluster)


def hand_in(cluster: Cluster) -> None:
    """Hand in what waits, if anything does. Raises NapError."""
    parts = Parts(cluster)
    try:
        if parts.late_records.count():
            parts.hand_in()
    finally:
        parts.close()
