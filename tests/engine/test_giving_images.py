"""An app that was given away keeps its maker's name, and so do its images: its new owner makes
those, and nothing else of the maker's; nor does the maker make them any longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import BuildRequest, PullRequest, PushRequest, Target
from nap_compose.cli.building import contexts_of
from nap_compose.compose.model import App
from nap_compose.errors import NapError, NotAllowed
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.test_giving import Person
from tests.engine.test_quotas import enrol
from tests.support.road import Road
from tests.support.views import app

Built = Callable[..., App]


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    """An app of which one service is built."""
    monkeypatch.setenv("PATH", str(tmp_path))  # no buildx
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    def make(name: str = "shop", service: str = "web", **more: Any) -> App:
        build = {"context": str(tmp_path), "dockerfile": "Dockerfile"}
        return app({service: {"image": None, "build": build, **more}}, name=name)

    return make


@pytest.fixture
def given(road: Road) -> Road:
    """Ada's shop is Bob's; her `shop-web` and `books` are hers."""
    for name in ("shop", "shop-web", "books"):
        road.up(app({"web": {}}, name=name))
    enrol(road, "ada", "bob", group="staff")
    with Person(road, "root", "admin") as admin:
        admin.give_app(Target("shop", "ada"), "bob")
    return road


def builds(road: Road, person: str, wanted: App) -> tuple[str, ...]:
    """The names of the image that was built."""
    with Person(road, person) as control:
        request = BuildRequest(wanted, contexts=contexts_of(wanted))
        (image,) = control.build(request, road._hear, road.hand).images
        names: tuple[str, ...] = image.names
        return names


def test_its_new_owner_makes_its_images(given: Road, built: Built) -> None:
    assert builds(given, "bob", built()) == ("ada_shop-web",)
    assert builds(given, "bob", built(image="bob/web:1")) == ("bob/web:1",)
    assert builds(given, "ada", built("books")) == ("ada_books-web",)
    assert builds(given, "ada", built("shop-web", "x")) == ("ada_shop-web-x",)


@pytest.mark.parametrize(
    ("person", "name", "service", "image"),
    [
        ("bob", "shop", "web", "ada_books-web"),
        ("bob", "shop", "web", "ada/web"),
        ("bob", "shop", "web", "reg.example/ada/web"),
        ("bob", "shop", "web-x", None),
        ("bob", "wiki", "web", "ada_shop-web"),
        ("ada", "books", "web", "ada_shop-web"),
        ("ada", "books", "web", "reg.example/ada_shop-web:2"),
    ],
)
def test_nobody_makes_what_the_others_run(
    fake: FakeCluster, given: Road, built: Built, person: str, name: str, service: str, image: Any
) -> None:
    wanted = built(name, service, image=image)
    with pytest.raises(NotAllowed, match="can't be called"):
        builds(given, person, wanted)
    if image is not None:
        with Person(given, person) as control, pytest.raises(NotAllowed, match="can't be called"):
            control.push(PushRequest(wanted), given._hear, given.hand)
    assert fake.calls("POST", "/build") == []


def test_nor_pulls_its_new_owner_what_would_be_run_for_its_maker(
    fake: FakeCluster, given: Road
) -> None:
    wanted = app({"web": {"image": "ada/app:1", "pull_policy": "always"}})
    with Person(given, "bob") as bob, pytest.raises(NapError, match="goes by the name of ada"):
        bob.pull(PullRequest(wanted), given._hear, given.hand)
    pulled = [each.query.get("fromImage", "") for each in fake.calls("POST", "/images/create")]
    assert not any("ada/app" in each for each in pulled)
