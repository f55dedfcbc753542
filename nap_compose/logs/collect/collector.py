"""The collector: every container of its hosts, each read by a source, and the files kept in order.

Three things go on beside the sources: every LOOK seconds, and where one has just started, it looks
which containers there are, every second it sees what was read safely on disk, and from time to time
it compresses what is full and lets go of what is old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from nap_compose.cluster.cluster import Logs
from nap_compose.cluster.engine import Engines
from nap_compose.cluster.view import ContainerView, View
from nap_compose.errors import NapError
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.collect.source import Source
from nap_compose.logs.collect.tidying import Tidying
from nap_compose.logs.kept.files import SHORT_ID

LOOK = 2.0
"""Seconds between two looks at which containers there are."""

SOON = 0.1
"""Seconds between two looks where containers start one after the other."""

SYNC = 1.0
"""Seconds after which a line that was read is safely on disk."""

SET_BACK = 2.5
"""Seconds by which a host's clock must have gone back, compared with ours, for its logs to be read
from their start. Less than that is within what is asked for again anyway."""

FORGET = 60.0
"""Seconds after which a container that is gone is no longer spoken of."""

RUNNING = ("running", "restarting", "paused")

Look = Callable[[Collection[str]], View]
Heard = Callable[[float], set[str]]


def nothing(wait: float) -> set[str]:
    """What is heard where nobody tells."""
    time.sleep(wait)
    return set()


class Collector:
    """Collects what the containers of some hosts print; `mine` says which hosts those are.

    `look` sees hosts with all their containers and clocks; it may raise NapError. `skews` says how
    far ahead the hosts' clocks were when a collector before this one looked. `heard` waits at most
    so many seconds for the hosts on which a container has started: one that is removed as soon as
    it ends, which may be long before the next look, has its lines only until then.
    """

    def __init__(
        self,
        engines: Engines,
        logs: Logs,
        *,
        look: Look,
        mine: Callable[[], set[str]],
        say: Saying,
        skews: dict[str, float] | None = None,
        follow: bool = True,
        heard: Heard = nothing,
    ) -> None:
        self.sources: dict[str, Source] = {}
        self.unseen: dict[str, str] = {}
        self.skews = dict(skews or {})
        self.hosts: set[str] = set()
        self._engines = engines
        self._folder: Path = logs.dir
        self._look = look
        self._mine = mine
        self._say = say
        self._follow = follow
        self._heard = heard
        self._statuses: dict[str, str] = {}
        self._gone: dict[str, float] = {}
        self._stop = threading.Event()
        self._tidying = Tidying(logs, self._say)

    def run(
        self, stopped: Callable[[], bool], report: Callable[[Collector], None] | None = None
    ) -> None:
        """Collect until `stopped`; `report` is called after each look."""
        threading.Thread(target=self._sync, name="logs sync", daemon=True).start()
        threading.Thread(target=self._tidy, name="logs tidy", daemon=True).start()
        try:
            while not stopped():
                self.step()
                if report:
                    report(self)
                until = time.monotonic() + LOOK
                while not stopped() and time.monotonic() < until:
                    if started := self._heard(0.1) & self.hosts:
                        self._see(started)
                        self._stop.wait(SOON)
        finally:
            self._stop.set()
            for source in list(self.sources.values()):
                source.stop()

    def run_once(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Read what every container has printed up to now, and keep the files in order."""
        self.step()
        while any(source.reading for source in self.sources.values()) and not stopped():
            time.sleep(0.02)
        for source in self.sources.values():
            source.stop()
        self._tidying.tidy(self._live())

    def step(self) -> None:
        """Look at the containers, and begin and end sources as they ask for."""
        self.hosts = self._mine()
        for source in [each for each in self.sources.values() if each.host not in self.hosts]:
            self._forget(source)
        if self.hosts:
            self._see(self.hosts)

    def _see(self, hosts: Collection[str]) -> None:
        """Look at the containers of these hosts."""
        try:
            view = self._look(hosts)
        except NapError as error:
            self._say("the cluster", error.message)
            return
        unseen = {each.name: each.text for each in view.unseen}
        others = {name: why for name, why in self.unseen.items() if name not in hosts}
        self.unseen = {name: why for name, why in others.items() if name in self.hosts} | unseen
        for name, why in unseen.items():
            self._say(f"host {name}", why)
        for name, host in view.hosts.items():
            self._say(f"host {name}", "")
            set_back = host.skew < self.skews.get(name, host.skew) - SET_BACK
            if set_back:
                self._say.tell(f"the clock of host {name} was set back: its logs are read anew")
            self.skews[name] = host.skew
            for container in host.containers:
                self._consider(container, host.skew, set_back=set_back)
        self._forget_gone(view)

    def _consider(self, container: ContainerView, skew: float, *, set_back: bool) -> None:
        if container.identity is None or not container.identity.service:
            return
        source = self.sources.get(container.id)
        status = f"{container.state} {container.status}"
        changed = self._statuses.get(container.id) != status
        self._statuses[container.id] = status
        if source is not None and set_back:
            source.stop()
            source = None
        if source is None:
            source = self.sources[container.id] = Source(
                self._engines,
                self._folder,
                container,
                say=self._say,
                skew=skew,
                whole=set_back,
                follow=self._follow,
            )
            changed = True
        source.skew = skew
        waits = source.reading or time.monotonic() < source.not_before
        if not waits and (changed or container.state in RUNNING):
            source.start()

    def _forget_gone(self, view: View) -> None:
        """A container that its host no longer has has no more lines, once its source has ended."""
        there = {container.id for container in view.containers()}
        now = time.monotonic()
        for name, source in list(self.sources.items()):
            if name in there or source.host not in view.hosts:
                self._gone.pop(name, None)
            elif now - self._gone.setdefault(name, now) > FORGET:
                self._forget(source)

    def _forget(self, source: Source) -> None:
        source.stop()
        self.sources.pop(source.container.id, None)
        self._statuses.pop(source.container.id, None)
        self._gone.pop(source.container.id, None)

    def _live(self) -> frozenset[str]:
        return frozenset(name[:SHORT_ID] for name in list(self.sources))

    def _sync(self) -> None:
        while not self._stop.wait(SYNC):
            for source in list(self.sources.values()):
                source.sync()

    def _tidy(self) -> None:
        while not self._stop.wait(self._tidying.pause):
            self._tidying.tidy(self._live())
