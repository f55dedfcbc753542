"""Any step may be the last: wherever nap dies, the next `up` finishes the work."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.orchestration.steps import acts, waiting
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app


@pytest.fixture(autouse=True)
def _none_crashes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these containers do they do at once, and there are hundreds of deployments here."""
    monkeypatch.setattr(waiting, "SETTLES", 0.0)


class Killed(BaseException):
    """The process is gone: nothing below gets to tidy up."""


class Killer:
    """Kills nap before or after the `nth` step that begins."""

    def __init__(self, nth: int, *, after: bool) -> None:
        self.left = nth
        self.after = after
        self.fell = False
        self._lock = threading.Lock()

    def wrap(self, act: Callable[..., str]) -> Callable[..., str]:
        def acted(*args: Any) -> str:
            with self._lock:
                if self.fell:
                    raise Killed
                self.left -= 1
                mine = self.left < 0
                self.fell = mine and not self.after
            if mine and not self.after:
                raise Killed
            result = act(*args)
            if mine:
                self.fell = True
                raise Killed
            return result

        return acted


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Killer | None], None]]:
    whole = dict(acts.DO)

    def die(killer: Killer | None) -> None:
        chosen = {kind: killer.wrap(act) for kind, act in whole.items()} if killer else whole
        monkeypatch.setattr("nap_compose.orchestration.execute.DO", chosen)

    yield die


def shop(colour: str, *, replicas: int = 2, more: bool = False) -> App:
    """Two services; a third one when `more`."""
    services: dict[str, dict[str, Any]] = {
        "web": {
            "environment": {"COLOUR": colour},
            "deploy": {"replicas": replicas},
            "depends_on": {"db": {"condition": "service_healthy"}},
        },
        "db": {"healthcheck": {"test": ["CMD", "true"]}},
    }
    return app({**services, "cache": {}} if more else services)


SCENES: dict[str, tuple[App | None, App, dict[str, Any]]] = {
    "new": (None, shop("red"), {}),
    "replaced": (shop("red"), shop("blue"), {}),
    "scaled up": (shop("red"), shop("red", replicas=3), {}),
    "scaled down": (shop("red", replicas=3), shop("red", replicas=1), {}),
    "orphaned": (shop("red", more=True), shop("blue"), {"remove_orphans": True}),
}


def prepared(make: MakeCluster) -> tuple[FakeCluster, Road]:
    fake = make(3)
    for name in ("web", "db", "cache"):
        fake["h1"].add_image(f"{name}:1")
    return fake, Road.on(fake)


def names_of(fake: FakeCluster) -> list[str]:
    """The containers' names; one that took over beside its predecessor keeps the name that it was
    made under, with its deployment's first letters."""
    names = (name for things in picture(fake).values() for name, *_ in things)
    return sorted(re.sub(r"\.[0-9a-f]{8}$", "", name) for name in names)


def served(fake: FakeCluster) -> set[str]:
    """The services that somebody who runs answers for."""
    return {
        name
        for engine in fake
        for container in engine.world.containers.values()
        for endpoint in container.endpoints.values()
        for name in endpoint.get("Aliases") or ()
        if container.running and name in ("web", "db")
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_every_step(
    scene: str, after: bool, fake_cluster: MakeCluster, dying: Callable[..., None]
) -> None:
    start, goal, how = SCENES[scene]
    fake, road = prepared(fake_cluster)
    if start:
        road.up(start)
    road.up(goal, **how)
    wanted = {slot: (row.state, row.image) for slot, row in road.rows("shop", stopped=True).items()}
    road.down(volumes=True)
    for nth in range(60):
        if start:
            road.up(start)
        dying(Killer(nth, after=after))
        try:
            outcome = road.up(goal, **how)
        except Killed:
            pass
        else:
            assert outcome.state in ("done", "unchanged")
            break
        dying(None)
        assert road.up(goal, **how).state in ("done", "unchanged")
        rows = road.rows("shop", stopped=True)
        found = {slot: (row.state, row.image) for slot, row in rows.items()}
        assert found == wanted, f"killed at step {nth}"
        assert names_of(fake) == sorted(f"ada_shop-{slot.replace('.', '-')}" for slot in wanted)
        assert served(fake) == {"web", "db"}
        dying(None)
        road.down(volumes=True)
        assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    else:
        raise AssertionError("there is no end to the steps")
    assert nth > 3, "the plan had no steps to be killed at"


def test_a_killed_down_is_finished_by_the_next(
    fake_cluster: MakeCluster, dying: Callable[..., None]
) -> None:
    fake, road = prepared(fake_cluster)
    for nth in range(30):
        dying(None)
        road.up(shop("red"))
        dying(Killer(nth, after=bool(nth % 2)))
        try:
            road.down()
        except Killed:
            pass
        else:
            break
        dying(None)
        road.down()
        assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    assert nth > 3
