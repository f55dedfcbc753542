"""Commands that only look, while the state store leaves them waiting."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from nap_compose.cluster.cluster import Consul
from nap_compose.control import reading
from tests.engine.conftest import MakeCluster
from tests.support.road import Road
from tests.support.views import app


def test_looking_goes_on_without_a_store_that_hangs(
    fake_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_cluster(2)
    fake.add_image("web:1")
    road = Road.on(fake)
    road.up(app({"web": {}}))
    fake["h2"].stop()
    monkeypatch.setattr(reading, "STORE_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        consul = Consul(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        road.cluster = replace(road.cluster, consul=consul, insecure=("consul",))
        began = time.monotonic()
        control = road.control()
        try:
            assert [row.state for row in control.hosts().rows] == ["active", "unreachable"]
        finally:
            control.close()
        assert set(road.rows("shop")) == {"web.1"}
        assert time.monotonic() - began < 20
