"""Deployments on real hosts that meet, or are cut short: the next `up` finishes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bed import busybox
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster import app_lock, config
from nap_compose.cluster.state import StateStore
from nap_compose.cluster.stores import open_store
from nap_compose.exits import Exit
from tests.support import hosts
from tests.support.apps import Apps, sleeper
from tests.support.nap import Nap, eventually

pytestmark = pytest.mark.bed

LOCK_GOES_WITHIN = 45.0
"""Seconds after which the lock of a dead holder is gone, at the worst."""

AT_ONCE = 3

MADE_AT = ("network:", "start:db.1")
CHANGED_AT = (
    "create:web.1",
    "start:web.1",
    "wait:web.1",
    "join:web.1",
    "leave:web.1",
    "aside:db.1",
    "name:db.1",
    "remove:",
)
"""Each kind of step that acts, when an app is made and when it is changed: while it is at work the
process is killed."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-cut", only=("hosts", "consul", "mariadb")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def store(bed: Bed) -> Iterator[StateStore]:
    store = open_store(config.read(bed.cluster_file))
    yield store
    store.close()


QUICK = {"replicas": 2, "update_config": {"monitor": "1s"}}


def slow(seconds: int, **more: Any) -> dict[str, Any]:
    """A service that is healthy only after a while."""
    command = f"sh -c 'sleep {seconds}; touch /ready; exec sleep 1000000'"
    probe = {"test": ["CMD", "test", "-e", "/ready"], "interval": "2s", "retries": 120}
    return sleeper(command=command, healthcheck=probe, **more)


def needing_db(**more: Any) -> dict[str, Any]:
    return sleeper(depends_on={"db": {"condition": "service_healthy"}}, **more)


def test_two_ups_of_one_app_at_once(nap: Nap, apps: Apps) -> None:
    file = apps("twice", {"db": slow(6), "web": needing_db()})
    with nap.start("up", "-f", file) as first:
        first.until("health: starting")
        second = nap("up", "-f", file, code=Exit.LOCKED)
        holder, hint = second.said
        assert holder.startswith(f"nap: {nap.owner}/twice is locked by {nap.me} since 20")
        assert f"pid {first.process.pid} " in holder
        assert hint.endswith("the lock of a process that has died goes within a minute")
        assert nap("down", "twice", code=Exit.LOCKED).said[0] == holder
        assert first.ended().code == Exit.DONE
    assert nap("up", "-f", file).out == "nothing to do: twice is up to date\n"


def test_ctrl_c_stops_no_container_and_the_next_up_finishes(nap: Nap, apps: Apps) -> None:
    file = apps("pressed", {"db": slow(8), "web": needing_db(), "other": sleeper()})
    with nap.start("up", "-f", file) as call:
        call.until_each("health: starting", "other.1 on ")
        call.signal(signal.SIGINT)
        ended = call.ended()
    assert ended.code == Exit.INTERRUPTED
    assert "Traceback" not in ended.err
    text = "\n".join(ended.said)
    assert "nap: ending: what runs is being finished; press Ctrl-C again to end at once" in text
    assert "nap: interrupted after " in text
    assert f"     to go on:  nap -f {file} up" in text
    assert "     to undo:   nap -p pressed down" in text
    stopped = nap.rows("pressed")
    assert stopped["db.1"]["State"] == "running"
    assert stopped["web.1"]["State"] == "created", "it waited for db"

    nap("up", "-f", file)
    finished = nap.rows("pressed")
    assert {row["State"] for row in finished.values()} == {"running"}
    assert {slot: row["ID"] for slot, row in finished.items()} == {
        slot: row["ID"] for slot, row in stopped.items()
    }


def test_a_second_ctrl_c_ends_at_once(nap: Nap, apps: Apps) -> None:
    """A container that takes its time to stop holds up the first one, not the second."""
    stubborn = {**sleeper(), "init": False, "stop_grace_period": "10s"}
    nap("up", "-f", apps("stubborn", {"web": stubborn}))
    file = apps("stubborn", {"web": {**stubborn, "environment": {"NEW": "1"}}})
    with nap.start("up", "-f", file) as call:
        call.until("web.1 on h1: stopping")
        call.signal(signal.SIGINT)
        call.until("press Ctrl-C again")
        began = time.monotonic()
        call.signal(signal.SIGINT)
        ended = call.ended()
    assert ended.code == Exit.INTERRUPTED
    assert time.monotonic() - began < 5
    nap("up", "-f", file)
    assert {slot: row["State"] for slot, row in nap.rows("stubborn").items()} == {
        "web.1": "running"
    }


def test_killed_at_each_kind_of_step_the_next_up_finishes(
    nap: Nap, bed: Bed, apps: Apps, store: StateStore
) -> None:
    """Apps are killed as they are made and as they are changed, once at each kind of step."""

    def file(name: str, colour: str) -> Path:
        look = {"COLOUR": colour}
        services = {
            "db": slow(2, environment=look, volumes=["data:/data"]),
            "web": needing_db(environment=look, deploy=QUICK),
            "same": sleeper(),
        }
        return apps(name, services, volumes={"data": {}})

    moments = {f"made{n}": step for n, step in enumerate(MADE_AT)}
    moments |= {f"changed{n}": step for n, step in enumerate(CHANGED_AT)}
    _up(nap, [file(name, "red") for name in moments if name.startswith("changed")])
    files = [file(name, "blue") for name in moments]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_kill, [nap] * len(files), files, moments.values()))

    died = time.monotonic()
    told = nap("up", "-f", files[-1], code=Exit.LOCKED)
    assert "the lock of a process that has died goes within a minute" in told.said[1]
    for name in moments:
        free = lambda name=name: app_lock.holder(store, nap.owner, name) is None  # noqa: E731
        left = died + LOCK_GOES_WITHIN - time.monotonic()
        eventually(free, f"the lock of {name} to go", within=left)
    _up(nap, files)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(partial(_is_whole, nap, bed, colour="blue"), moments))
        told = list(pool.map(lambda file: nap("up", "-f", file).out, files))
    assert all(each.startswith("nothing to do: ") for each in told), told
    apps.gone(AT_ONCE)


def _up(nap: Nap, files: list[Path]) -> None:
    """Bring several apps up, some at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda file: nap("up", "-f", file), files))


def _kill(nap: Nap, file: Path, moment: str) -> None:
    """Kill a deployment as soon as it says that it is at that step."""
    with nap.start("--progress", "json", "up", "-f", file) as call:
        call.until_line(lambda line: line.startswith("{") and _is_at(line, moment))
        call.signal(signal.SIGKILL)
        assert call.ended().code == -signal.SIGKILL


def _is_at(line: str, step: str) -> bool:
    event = json.loads(line)
    return bool(event["step"].startswith(step) and event["phase"] != "skipped")


def _is_whole(nap: Nap, bed: Bed, name: str, colour: str) -> None:
    """The app is as its file says, and no host has anything of it besides."""
    rows = nap.rows(name)
    assert set(rows) == {"db.1", "same.1", "web.1", "web.2"}
    project = nap.project(name)
    for slot, row in rows.items():
        # A successor that started beside what it replaced keeps the name it was made under.
        name = row["Name"].partition(".")[0]
        assert (row["State"], name) == ("running", f"{project}-{slot.replace('.', '-')}")
        if not slot.startswith("same"):
            assert f"COLOUR={colour}" in hosts.inspect(bed, row)["Config"]["Env"]
    things = hosts.of_project(bed, project)
    assert sum(": container " in thing for thing in things) == len(rows), things
    assert {thing.split()[-1] for thing in things if ": network " in thing} == {
        f"{project}_default"
    }
    assert sum(": volume " in thing for thing in things) == 1, things
