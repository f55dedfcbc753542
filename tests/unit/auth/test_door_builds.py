"""A user's build begins from nothing that lies on a host for somebody else alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nap_compose.auth.policy.door import PolicedEngine
from nap_compose.auth.policy.images import is_own
from nap_compose.auth.policy.rules import Bounds
from nap_compose.errors import NotAllowed

ASKED = {"version": "1", "t": "bob_web-web", "cachefrom": '["registry.example/eve/secret"]'}


class Engine:
    """An engine that remembers what it was asked to build with."""

    host = "h1"

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def build_image(self, query: Mapping[str, Any], context: Any, **how: Any) -> Iterator[Any]:
        self.asked.append(query)
        return iter(())


class Images:
    """Whether there are images on the host that came with somebody's login."""

    def __init__(self, *, foreign: bool) -> None:
        self._foreign = foreign

    def may_make(self, reference: str, owner: str) -> bool:
        return is_own(reference, owner)

    def foreign(self, engine: Any) -> bool:
        return self._foreign


def built(query: Mapping[str, str], *, foreign: bool) -> Mapping[str, Any]:
    engine = Engine()
    images: Any = Images(foreign=foreign)
    door = PolicedEngine(engine, Bounds(), "bob", "lab", None, images=images)  # type: ignore[arg-type]
    list(door.build_image(query, None))
    (asked,) = engine.asked
    return asked


def test_beside_private_images_it_pulls_and_takes_no_layers_of_theirs() -> None:
    assert built(ASKED, foreign=True) == {"version": "1", "t": "bob_web-web", "pull": "1"}
    assert built(ASKED, foreign=False) == ASKED


def test_nobody_builds_under_anothers_name() -> None:
    for name in ("web", "eve_web-web", "registry.example/eve/web"):
        with pytest.raises(NotAllowed, match="wouldn't be bob's"):
            built({**ASKED, "t": name}, foreign=False)


def test_nobody_makes_or_fetches_what_nap_reaches_hosts_through() -> None:
    """Not even somebody who is called nap."""
    assert is_own("nap/web:1", "nap") is False
    assert is_own("nap_web-web", "nap") and is_own("registry.example/nap/web", "nap")
    door = PolicedEngine(Engine(), Bounds(), "bob", "lab", None)  # type: ignore[arg-type]
    for name in ("nap/nothing:1", "docker.io/nap/reach:1"):
        with pytest.raises(NotAllowed, match="a name of nap's own"):
            door.pull_image(name)
