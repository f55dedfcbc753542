"""What becomes of an app when its file, or the words of the command, change: as with Compose.

Each scene is played twice on a fake engine, by the real Compose and by nap. Afterwards the same
containers must be as they were, and the same made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.engine.fake_engine import FakeEngine
from tests.peer.test_taking_over import Beside

Document = dict[str, Any]
Change = Callable[[Document], None]

NEEDS = {"db": {"condition": "service_started", "restart": True}}
SHOP: Document = {
    "services": {
        "web": {"image": "web:1", "networks": ["front", "back"], "depends_on": NEEDS},
        "db": {
            "image": "db:1",
            "networks": ["back"],
            "volumes": ["data:/data", "/scratch"],
            "stop_grace_period": "1s",
        },
        "side": {"image": "cache:1", "network_mode": "service:db", "volumes_from": ["db"]},
    },
    "networks": {"front": {}, "back": {}},
    "volumes": {"data": {}},
}


def setting(path: str, value: Any) -> Change:
    """A change of one value of the document; a dot goes one deeper."""

    def change(document: Document) -> None:
        *way, last = path.split(".")
        for key in way:
            document = document.setdefault(key, {})
        document[last] = value

    return change


def without(service: str) -> Change:
    """A change that takes a service away."""

    def change(document: Document) -> None:
        del document["services"][service]

    return change


def same(_: Document) -> None:
    pass


SCENES: dict[str, tuple[Change, tuple[str, ...], dict[str, Any]]] = {
    "nothing": (same, (), {}),
    "environment": (setting("services.web.environment", {"A": "1"}), (), {}),
    "a parent": (setting("services.db.environment", {"A": "1"}), (), {}),
    "labels": (setting("services.web.labels", {"a": "1"}), (), {}),
    "pull policy": (setting("services.web.pull_policy", "missing"), (), {}),
    "another network": (setting("services.web.networks", ["back"]), (), {}),
    "a network's name": (setting("networks.front", {"name": "other"}), (), {}),
    "a network's definition": (setting("networks.front", {"internal": True}), (), {}),
    "a shared network's labels": (setting("networks.back", {"labels": {"a": "b"}}), (), {}),
    "a volume's name": (setting("volumes.data", {"name": "fresh"}), (), {}),
    "a volume, agreed to": (
        setting("volumes.data", {"labels": {"a": "b"}}),
        ("-y",),
        {"may_lose": {"data": True}},
    ),
    "a volume, not agreed to": (
        setting("volumes.data", {"labels": {"a": "b"}}),
        (),
        {"may_lose": {"data": False}},
    ),
    "force": (same, ("--force-recreate",), {"force_recreate": True}),
    "force one": (
        same,
        ("--force-recreate", "web"),
        {"force_recreate": True, "services": ("web",)},
    ),
    "force alone": (
        same,
        ("--force-recreate", "--no-deps", "web"),
        {"force_recreate": True, "services": ("web",), "no_deps": True},
    ),
    "what it depends on": (
        same,
        ("--always-recreate-deps", "web"),
        {"always_recreate_deps": True, "services": ("web",)},
    ),
    "new anonymous volumes": (same, ("-V",), {"renew_anon_volumes": True}),
    "no recreate": (
        setting("services.web.environment", {"A": "1"}),
        ("--no-recreate",),
        {"no_recreate": True},
    ),
    "more": (same, ("--scale", "web=3"), {"scale": {"web": 3}}),
    "less": (same, ("--scale", "web=0"), {"scale": {"web": 0}}),
    "orphans stay": (without("side"), (), {}),
    "orphans go": (without("side"), ("--remove-orphans",), {"remove_orphans": True}),
}


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        for name in ("web", "db", "cache"):
            engine.add_image(f"{name}:1")
        yield engine


def picture(beside: Beside, before: dict[str, str]) -> dict[str, Any]:
    """All that is there: containers with whether they are the ones from before, what they are on,
    and which of the anonymous volumes are still the same."""
    world = beside.engine.world
    known = set(before.values())
    return {
        "containers": {
            each.name: (
                each.id in known,
                each.state,
                sorted(each.endpoints),
                sorted(
                    mount["Destination"] if len(mount.get("Name", "")) == 64 else mount["Name"]
                    for mount in each.mounts
                    if mount["Type"] == "volume"
                ),
            )
            for each in world.containers.values()
        },
        "networks": sorted(each.name for each in world.networks()),
        "volumes": sorted(name for name in world.volumes if len(name) != 64),
    }


@pytest.mark.parametrize("scene", SCENES)
def test_the_same_becomes_of_it(scene: str, engine: FakeEngine, tmp_path: Path) -> None:
    change, words, request = SCENES[scene]
    changed = deepcopy(SHOP)
    change(changed)
    found = {}
    for who in ("compose", "nap"):
        (tmp_path / who).mkdir()
        beside = Beside(engine, tmp_path / who)
        beside.write(SHOP)
        before = up(beside, who)
        beside.write(changed)
        up(beside, who, *words, **request)
        found[who] = picture(beside, before)
        beside.write(changed)
        beside.compose("down", "-v", "--remove-orphans", "-t", "1")
        for volume in list(engine.world.volumes):
            del engine.world.volumes[volume]
    assert found["nap"] == found["compose"]


def up(beside: Beside, who: str, *words: str, **request: Any) -> dict[str, str]:
    """Bring it up; gives the containers' ids."""
    if who == "compose":
        beside.compose("up", "-d", *words)
    else:
        outcome = beside.nap(**request)
        assert outcome.state in ("done", "unchanged"), outcome
    return beside.ids()
