"""A second `up` and `ps` ask each host a fixed number of times, however many containers it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road
from tests.support.views import app

NEGOTIATION = 1
"""What a client asks an engine before anything else: which version of the API it speaks."""

UP_AGAIN = NEGOTIATION + 5
"""Its information, and its lists of containers, networks, volumes and images."""

PS = NEGOTIATION + 1
"""Its list of containers."""


def shop(services: int) -> Any:
    volumes = [{"type": "volume", "source": "data", "target": "/data"}]
    probe = {"test": ["CMD", "true"], "interval": "1s"}
    return app(
        {
            f"web{number}": {"image": "web:1", "volumes": volumes, "healthcheck": probe}
            for number in range(services)
        },
        volumes={"data": {}},
    )


def asked(fake: FakeCluster) -> list[int]:
    """How many calls each engine has had."""
    return [len(engine.calls()) for engine in fake]


def forget(fake: FakeCluster) -> None:
    for engine in fake:
        engine.forget()


@pytest.mark.parametrize("services", [3, 30])
@pytest.mark.parametrize(("size", "overlay"), [(1, None), (3, "swarm")], ids=["one", "three"])
def test_the_number_is_the_same(
    fake_cluster: MakeCluster, size: int, overlay: str | None, services: int
) -> None:
    fake = fake_cluster(size, overlay)
    fake.add_image("web:1")
    road = Road.on(fake)
    if overlay is None:
        road.cluster = replace(road.cluster, name="")
    road.up(shop(services))

    forget(fake)
    assert road.up(shop(services)).state == "unchanged"
    assert asked(fake) == [UP_AGAIN] * size

    forget(fake)
    assert len(road.rows("shop")) == services
    assert asked(fake) == [PS] * size
