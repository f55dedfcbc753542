"""The sweep: all hosts are asked at once, each for as long as it is given."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial

from nap_compose.clock import utc_now
from nap_compose.cluster import observe as looking
from nap_compose.cluster import seen
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import Engines, NotFound
from nap_compose.cluster.observe import OURS, Part
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import ContainerView, HostState, View
from nap_compose.errors import NapError
from nap_compose.health.changes import Changes, Known, compare, compare_hosts, slot_key, together
from nap_compose.health.details import Detail, detail, is_known
from nap_compose.health.hosts import hosts_of
from nap_compose.plaindata import dataclass

DEADLINE = 10.0
"""Seconds that each host has for its list, and again for what is inspected."""

_LOOK = frozenset({Part.CONTAINERS, Part.INFO})
_EVENT = frozenset({Part.CONTAINERS})


@dataclass(frozen=True)
class Sight:
    """What was seen: the view, and what was inspected, by container id; `at` is when (UTC), `took`
    how many seconds."""

    view: View
    details: Mapping[str, Detail] = field(default_factory=dict)
    at: str = ""
    took: float = 0.0


class Sweeper:
    """Asks the engines. Nothing is raised for hosts that don't answer: they are unseen."""

    def __init__(
        self,
        engines: Engines,
        cluster: Cluster,
        seal: Seal | None,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._engines = engines
        self._cluster = cluster
        self._seal = seal
        self._deadline = deadline

    def sweep(self, known: Known, states: Mapping[str, HostState] | None = None) -> Sight:
        """All hosts. What the records already say isn't inspected again."""
        return self._look(known, _LOOK, None, states or {})

    def glance(self, known: Known, hosts: Collection[str]) -> Sight:
        """Some hosts, because of what their engines told; their containers alone."""
        return self._look(known, _EVENT, hosts, {})

    def _look(
        self,
        known: Known,
        only: Collection[Part],
        hosts: Collection[str] | None,
        states: Mapping[str, HostState],
    ) -> Sight:
        began = time.monotonic()
        view = looking.observe(
            self._engines,
            self._cluster,
            states=states,
            seal=self._seal,
            only=only,
            whose=OURS,
            hosts=hosts,
            deadline=self._deadline,
        )
        details = self._inspect(view, known)
        return Sight(view, details, utc_now(), time.monotonic() - began)

    def _inspect(self, view: View, known: Known) -> dict[str, Detail]:
        wanted: dict[str, list[ContainerView]] = defaultdict(list)
        now = seen.now()
        for host in view.hosts.values():
            for container in host.containers:
                key = slot_key(container)
                record = known.containers.get(key) if key else None
                if key and not is_known(container, record, now, host.skew):
                    wanted[host.name].append(container)
        found: dict[str, Detail] = {}
        questions = {
            host: partial(self._details, host, containers, found)
            for host, containers in wanted.items()
        }
        for _, asked, ends in ask_each(questions, deadline=self._deadline):
            with suppress(TimeoutError, NapError):  # what is missing is inspected next time
                asked.answer(ends)
        return dict(found)

    def _details(
        self, host: str, containers: list[ContainerView], found: dict[str, Detail]
    ) -> None:
        engine = self._engines.on(host)
        for container in containers:
            try:
                found[container.id] = detail(engine.inspect_container(container.id))
            except NotFound:
                continue  # it went meanwhile


def changes_of(sight: Sight, known: Known, storage: Mapping[str, str] | None = None) -> Changes:
    """What a sweep of all hosts changes of the records; `storage` is why hosts don't reach the
    cluster storage (None: nobody has asked)."""
    return together(
        (
            compare_hosts(known, hosts_of(sight.view, known.hosts, storage), sight.at),
            compare(known, sight.view, sight.details, sight.at),
        )
    )
