"""Apps that race for the last CPU of a few hosts: each locks, looks, places, claims and makes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock, claims
from nap_compose.cluster.demand import Demand
from nap_compose.cluster.holding import NANO
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.cluster.view import ContainerView, View
from nap_compose.orchestration.placement.asks import holding_of
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.placement.situation import Situation
from tests.support.state_child import Spec
from tests.support.views import app, container, host, view

ASKED = {"deploy": {"resources": {"reservations": {"cpus": 1.5}}}}


@dataclass
class Race:
    """Hosts with `cpus` each. `made` is what was made: app → host and container."""

    hosts: list[str]
    cpus: float
    made: dict[str, tuple[str, ContainerView]] = field(default_factory=dict)
    without_room: list[str] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, spec: Spec, name: str) -> None:
        """One app's deployment, from a process' own view of the store."""
        store = spec.open()
        try:
            with app_lock.take(store, "ada", name, who="ada", deployment=name):
                self._deploy(store, name)
        except NoRoom:
            self.without_room.append(name)
        except BaseException as problem:
            self.problems.append(problem)
        finally:
            store.close()

    def _deploy(self, store: StateStore, name: str) -> None:
        web = app({"web": ASKED}, name=name)
        while True:
            seen = claims.read(store)
            situation = Situation(self._view(), "ada", name, claims=seen.by_host(but=name))
            (choice,) = place(web, ("web",), situation).choices.values()
            holding = holding_of(web.services["web"])
            try:
                claims.take(
                    store,
                    seen,
                    deployment=name,
                    owner="ada",
                    app=name,
                    demands={choice.host: Demand((), holding.cpus / NANO)},
                    since=utc_now(),
                )
            except Lost:
                continue
            there = container("web.1", choice.host, owner="ada", app_name=name)
            with self.lock:
                self.made[name] = (choice.host, replace(there, holding=holding))
            claims.release(store, name)
            return

    def _view(self) -> View:
        with self.lock:
            made = dict(self.made)
        return view(
            *(
                host(
                    name,
                    [there for where, there in made.values() if where == name],
                    cores=2,
                    cpus=self.cpus,
                )
                for name in self.hosts
            )
        )
