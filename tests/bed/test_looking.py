"""The verbs that only look, on three real hosts, one of them away for a part."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, hosts
from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.apps import Apps
from tests.support.nap import PROGRAM, Nap, eventually

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("look") as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture(scope="module")
def nap(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Nap:
    return Nap(tmp_path_factory.mktemp("home"), bed.cluster_file)


@pytest.fixture(scope="module")
def shop(nap: Nap, bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with a replica on each host, and a volume on one; it goes with the bed."""
    apps = Apps(nap, bed, tmp_path_factory.mktemp("apps"))
    idle: dict[str, Any] = {"image": "busybox:1", "init": True, "command": "sleep 1000000"}
    busy = {**idle, "command": ["sh", "-c", "while :; do :; done"], "cpus": 0.2}
    file = apps(
        "shop",
        {
            "web": {**busy, "scale": 3, "ports": ["80"], "labels": {"tier": "front"}},
            "db": {**idle, "volumes": ["data:/data"]},
        },
        volumes={"data": {}},
    )
    nap("up", "-f", file)
    return file


def records(nap: Nap, *words: str) -> list[dict[str, Any]]:
    """What a verb says in JSON, one record a line or all of them in a list."""
    found = [json.loads(line) for line in nap(*words, "--format", "json").out.splitlines()]
    return found[0] if found and isinstance(found[0], list) else found


def test_every_verb_sees_every_host(nap: Nap, bed: Bed, shop: Path) -> None:
    rows = nap.rows("shop")
    assert {rows[f"web.{n}"]["Host"] for n in (1, 2, 3)} == {"h1", "h2", "h3"}
    places = {slot: row["Host"] for slot, row in rows.items()}
    for words in (("images", "shop"), ("stats", "--no-stream", "shop"), ("top", "shop")):
        found = records(nap, *words)
        seen = {f"{each['Service']}.{each['Replica']}": each["Host"] for each in found}
        assert seen == places, words
    (volume,) = records(nap, "volumes", "shop")
    assert (volume["Key"], volume["Host"]) == ("data", places["db.1"])
    assert records(nap, "volumes", "shop/web") == []
    for number in (1, 2, 3):
        (url,) = rows[f"web.{number}"]["URLs"]
        assert nap("port", f"shop/web.{number}", "80").out == url.removeprefix("http://") + "\n"
    assert nap("port", "shop/db", "80", code=1).errors


def test_what_is_shown_is_true(nap: Nap, shop: Path) -> None:
    used = {f"{each['Service']}.{each['Replica']}": each for each in
            records(nap, "stats", "--no-stream", "shop")}  # fmt: skip
    cpu = {slot: float(each["CPUPerc"].removesuffix("%")) for slot, each in used.items()}
    assert all(cpu[f"web.{number}"] > cpu["db.1"] for number in (1, 2, 3))
    assert re.fullmatch(r"[\d.]+\w+ / [\d.]+\w+", used["db.1"]["MemUsage"])
    commands = [each["CMD"] for each in records(nap, "top", "shop/db")]
    assert "sleep 1000000" in commands
    images = records(nap, "images", "shop/web.2")
    assert [(each["Repository"], each["Tag"]) for each in images] == [("busybox", "1")]
    form = '{{.Service}}.{{.Replica}} {{.Label "tier"}} {{.State}}'
    assert sorted(nap("ps", "shop", "--format", form).out.splitlines()) == [
        "db.1  running",
        "web.1 front running",
        "web.2 front running",
        "web.3 front running",
    ]
    assert nap("ls", "--filter", "name=^sh", "-q").out == "shop\n"


def test_a_host_that_is_away_costs_each_verb_one_warning(nap: Nap, bed: Bed, shop: Path) -> None:
    home = nap.rows("shop")["db.1"]["Host"]
    away = next(host for host in bed.hosts if host.name != home)
    watching = Watching(nap)
    try:
        watching.sees("top")
        hosts.partition(bed, away)
        try:
            for words in (("images",), ("volumes",), ("top",), ("stats", "--no-stream")):
                ended = nap(*words, "shop")
                assert ended.out.count("\n") > 1
                warnings = [line for line in ended.said if "was not seen" in line]
                assert len(warnings) == 1, ended.err
                assert f"host {away.name} " in warnings[0]
            assert nap("port", "shop/db", "80", code=1).errors
        finally:
            hosts.heal(bed, away)
        eventually(lambda: not nap("ps", "shop").said, "the host is seen again")
        eventually(lambda: len(records(nap, "top", "shop/web")) >= 3, "all of web is seen")
        eventually(
            lambda: nap("top", "shop") and {"h1", "h2", "h3"} <= watching.hosts,
            "events of all hosts",
            within=120,
        )
    finally:
        watching.end()
    assert watching.code in (130, -signal.SIGINT)


class Watching:
    """`nap events --json` in a process of its own, ended with Ctrl-C."""

    def __init__(self, nap: Nap) -> None:
        self._nap = nap
        self._process = subprocess.Popen(
            [PROGRAM, "events", "--json", "shop"],
            env=nap.env,
            cwd=nap.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.code: int | None = None

    @property
    def hosts(self) -> set[str]:
        return {event["host"] for event in self.events}

    def sees(self, action: str) -> None:
        """Wait until it shows something that is done now."""

        def shown() -> bool:
            self._nap("top", "shop/db")
            return any(event["action"] == action for event in self.events)

        eventually(shown, f"an event {action}", within=60)

    def end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self.code = self._process.wait(60)
        finally:
            self._process.kill()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.events.append(json.loads(line))
