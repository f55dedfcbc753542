"""What images, containers and volumes take on each host, and how full its disk is: asked seldom,
since engines count long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import Engines
from nap_compose.cluster.seal import Seal
from nap_compose.control.probes import disk_of, lone_probe
from nap_compose.errors import NapError

EVERY, PATIENCE = 600.0, 120.0
"""Seconds between two times, and for which an engine may count."""
LEADS_YET = 2.0
"""Seconds after which one that stood by looks whether it leads."""
PROBED = 30.0
"""Seconds that a probe has to tell how full a disk is."""
FULL = "no space left on device"
"""How an engine says ENOSPC."""
GRAIN = 64 << 20
"""Bytes in which it is told, so that what changes a little is written seldom."""


class Disks:
    """Asks in a thread of its own, from `start` to `stop`."""

    def __init__(self, engines: Engines, cluster: Cluster, seal: Seal | None) -> None:
        self._engines = engines
        self._cluster = cluster
        self._seal = seal
        self._taken: dict[str, int] = {}
        self._full: dict[str, float | None] = {}
        self._stop = threading.Event()

    def start(self, leads: Callable[[], bool]) -> None:
        """Begin to ask; who `leads` alone has probes started."""
        threading.Thread(target=self._ask, name="disks", daemon=True).start()
        # On the local engine the person sees to their own disk, and nobody starts containers.
        if not self._cluster.embedded:
            probing = partial(self._probe, leads)
            threading.Thread(target=probing, name="full disks", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def taken(self) -> Mapping[str, int]:
        """Bytes by host, of those that have told."""
        return dict(self._taken)

    def full(self) -> Mapping[str, float | None]:
        """How full the disks are (0 to 1) of the hosts that were asked; None where it isn't known
        any more."""
        return dict(self._full)

    def _ask(self) -> None:
        while not self._stop.is_set():
            questions = {name: self._engines.on(name).disk_usage for name in self._engines.names}
            for name, asked, ends in ask_each(questions, deadline=PATIENCE):
                try:
                    self._taken[name] = taken_by(asked.answer(ends))
                except (NapError, TimeoutError, KeyError, TypeError, ValueError):
                    continue  # the sweep says what is wrong with the host
            self._stop.wait(EVERY)

    def _probe(self, leads: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            led = leads()
            if led:
                self._ask_how_full()
            self._stop.wait(EVERY if led else LEADS_YET)

    def _ask_how_full(self) -> None:
        questions = {name: partial(self._how_full, name) for name in self._engines.names}
        for name, asked, ends in ask_each(questions, deadline=PROBED):
            try:
                self._full[name] = asked.answer(ends)
            except TimeoutError:
                self._full[name] = None
            except NapError as error:
                # An engine that has no room for a container's own files has none for anything.
                self._full[name] = 1.0 if FULL in error.message else None

    def _how_full(self, host: str) -> float | None:
        engine = self._engines.on(host)
        image = self._cluster.probe_image
        with lone_probe(engine, image, self._cluster.name, self._seal) as probe:
            disk = disk_of(probe)
        return round(1 - disk.free / disk.size, 2) if disk and disk.size else None


def taken_by(usage: Mapping[str, Any]) -> int:
    """From the answer of `GET /system/df`: bytes, to the next GRAIN."""
    layers = int(usage.get("LayersSize") or 0)
    written = sum(int(each.get("SizeRw") or 0) for each in usage.get("Containers") or ())
    volumes = (
        int((each.get("UsageData") or {}).get("Size") or 0) for each in usage.get("Volumes") or ()
    )
    # An engine says -1 of a volume that it can't measure.
    whole = layers + written + sum(size for size in volumes if size > 0)
    return -(-whole // GRAIN) * GRAIN
