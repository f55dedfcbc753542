"""An app that is asked all the time while it is updated, on real hosts joined in a swarm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import images
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.support.apps import Apps
from tests.support.figures import Figure
from tests.support.nap import Nap, eventually

pytestmark = pytest.mark.bed

PROGRAMS = Path(__file__).parents[1] / "support" / "programs"
ASKING = 80
"""Seconds for which it is asked: an update and one that fails fit in with time to spare."""
RATE = 60

PROXY = """
defaults
  mode http
  option redispatch 1
  retries 5
  retry-on conn-failure empty-response response-timeout
  timeout connect 1s
  timeout client 20s
  timeout server 5s
resolvers docker
  nameserver engine 127.0.0.11:53
  resolve_retries 3
  timeout resolve 500ms
  timeout retry 500ms
  hold valid 500ms
  hold obsolete 1s
frontend all
  bind :8080
  default_backend web
backend web
  server-template web 1-8 web:8000 check inter 500ms fall 1 rise 1 resolvers docker init-addr none
"""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("rolling", only=("hosts", "registry")) as bed:
        images.load(bed.hosts[0], ["python:3", "haproxy:2"])
        yield bed


def program(name: str, *words: object) -> list[str]:
    """The command that runs one of our programs in a container."""
    text = (PROGRAMS / f"{name}.py").read_text().replace("$", "$$")
    return ["python", "-u", "-c", text, *map(str, words)]


def services(version: str, *, probe: str = "print") -> dict[str, Any]:
    """Three replicas that answer, a proxy before them, and two that ask: by name, and the proxy."""
    url = "'http://127.0.0.1:8000'"
    look = f"import urllib.request as u; {probe}(u.urlopen({url}, timeout=5).status)"
    ready = {"condition": "service_healthy"}
    started = {"condition": "service_started"}
    start = 'echo "$$CONFIG" > /tmp/haproxy.cfg && exec haproxy -db -f /tmp/haproxy.cfg'
    wait = (
        "until python -c 'import urllib.request as u; u.urlopen(\"http://proxy:8080\")'; do :; done"
    )
    through = [
        "sh",
        "-c",
        wait + '; exec "$$@"',
        "ask",
        *program("ask", "proxy", 8080, RATE, ASKING),
    ]
    return {
        "web": {
            "image": "python:3",
            "command": program("serve"),
            "environment": {"VERSION": version},
            "deploy": {"replicas": 3},
            "x-nap": {"drain": "1s"},
            "healthcheck": {
                "test": ["CMD", "python", "-c", look],
                "interval": "1s",
                "timeout": "10s",
                "retries": 3,
                "start_period": "10s",
            },
        },
        "proxy": {
            "image": "haproxy:2",
            "command": ["sh", "-c", start],
            "environment": {"CONFIG": PROXY},
            "depends_on": {"web": ready},
        },
        "by-name": {
            "image": "python:3",
            "command": program("ask", "web", 8000, RATE, ASKING),
            "depends_on": {"web": ready},
        },
        "by-proxy": {
            "image": "python:3",
            "command": through,
            "depends_on": {"proxy": started},
        },
    }


def told(nap: Nap, service: str) -> dict[str, Any]:
    """What one of those that ask prints at its end."""

    def end() -> dict[str, Any] | None:
        lines = nap("logs", f"rolling/{service}", "--no-log-prefix").out.splitlines()
        found = [json.loads(line) for line in lines if line.startswith('{"asked"')]
        return found[0] if found else None

    return eventually(end, f"the end of {service}", within=ASKING + 60)


def test_nobody_notices_an_update_nor_one_that_fails(nap: Nap, apps: Apps, figure: Figure) -> None:
    nap("up", "-f", apps("rolling", services("one")))
    old = nap.ids("rolling")

    planned = nap("up", "-f", apps("rolling", services("two")), "--dry-run").out
    assert planned.count("start-first") == 3
    nap("up", "-f", apps("rolling", services("two")))
    new = nap.ids("rolling")
    changed = {slot for slot in old if old[slot] != new[slot]}
    assert changed == {"web.1", "web.2", "web.3"}

    bad = nap("up", "-f", apps("rolling", services("bad", probe="exit")), code=Exit.FAILED)
    assert "rolling was put back as it was before" in bad.err
    assert nap.ids("rolling") == new

    by_name, by_proxy = told(nap, "by-name"), told(nap, "by-proxy")
    for road, asked in (("by name", by_name), ("through HAProxy", by_proxy)):
        failed = sum(asked["failures"].values())
        figure(f"two updates, asked {road}: {asked['asked']}, failed: {failed}")
        assert asked["asked"] >= 3000
        assert set(asked["answers"]) == {"one", "two"}, "the bad one never answered"
    assert by_proxy["failures"] == {}
    assert sum(by_name["failures"].values()) <= by_name["asked"] / 200
