"""A user may reach into the network of a container of theirs, by just what nap makes for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nap_compose.auth.policy.door import PolicedEngine
from nap_compose.auth.policy.rules import Bounds
from nap_compose.cluster import labels, reach
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.seal import Seal
from nap_compose.errors import NotAllowed

SEAL = Seal(b"k" * 32)
BY_CONTENT = next(iter(reach.image_names() - {reach.IMAGE}))


def container(owner: str, **host: Any) -> Mapping[str, Any]:
    name = f"{owner}_web-web-1"
    identity = Identity(
        cluster="lab", owner=owner, app="web", service="web", replica=1, project=f"{owner}_web"
    )
    told = labels.write(identity, name=name, seal=SEAL)
    return {"Name": f"/{name}", "Config": {"Labels": told}, "HostConfig": host}


class Engine:
    """An engine with one container of bob's, one of bob's that an admin made, and one of eve's."""

    host = "h1"

    def __init__(self) -> None:
        self.made: list[Mapping[str, Any]] = []

    def inspect_container(self, id_: str) -> Mapping[str, Any]:
        return {
            "bobs": container("bob"),
            "mighty": container("bob", Privileged=True),
            "eves": container("eve"),
        }[id_]

    def create_container(self, name: str, body: Mapping[str, Any], *, platform: str = "") -> str:
        self.made.append(body)
        return name


def asked(target: str, image: str = BY_CONTENT, **other: Any) -> dict[str, Any]:
    identity = Identity(cluster="lab", owner="bob", app="", role=reach.ROLE)
    marks = labels.write(identity, name="nap-reach-1", seal=SEAL)
    return {**reach.body(image, target, marks), **other}


def door(engine: Engine) -> PolicedEngine:
    return PolicedEngine(engine, Bounds(), "bob", "lab", SEAL)  # type: ignore[arg-type]


@pytest.mark.parametrize("image", sorted(reach.image_names()))
def test_of_their_own_container(image: str) -> None:
    engine = Engine()
    door(engine).create_container("nap-reach-1", asked("bobs", image))
    assert engine.made == [asked("bobs", image)]


@pytest.mark.parametrize(
    "body",
    [
        asked("eves"),
        asked("mighty"),
        asked("bobs", "bob/reach:1"),
        asked("bobs", Entrypoint=["sh"]),
        asked("bobs", User="0"),
        asked("bobs", Env=["A=1"]),
        asked("bobs", HostConfig={**asked("bobs")["HostConfig"], "Privileged": True}),
        asked("bobs", HostConfig={**asked("bobs")["HostConfig"], "NetworkMode": "host"}),
        asked("bobs", HostConfig={**asked("bobs")["HostConfig"], "Binds": ["/:/x"]}),
    ],
    ids=lambda body: str(sorted(body))[:20],
)
def test_of_no_other_and_by_nothing_else(body: dict[str, Any]) -> None:
    engine = Engine()
    with pytest.raises(NotAllowed):
        door(engine).create_container("nap-reach-1", body)
    assert engine.made == []
