"""Bad input on real hosts: one clear error, its exit code, and nothing changed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import busybox, containers
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.hosts import unchanged
from tests.support.nap import Nap

pytestmark = pytest.mark.bed

SICK = {"test": ["CMD-SHELL", "echo no table yet; exit 3"], "interval": "1s", "retries": 1000}
WELL = {"test": ["CMD", "true"], "interval": "1s", "retries": 60}
SPEAK = "sh -c 'echo opening the table; exec sleep 1000000'"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-bad", only=("hosts", "consul", "mariadb", "registry")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def apps(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
    """Files of apps; one app runs already, so that there is something to spoil."""
    apps = Apps(nap, bed, tmp_path)
    data = {"data": {}}
    steady = sleeper(ports=["7000:7000"], deploy={"replicas": 3})
    nap(
        "up",
        "-f",
        apps("steady", {"web": steady, "db": sleeper(volumes=["data:/d"])}, volumes=data),
    )
    yield apps
    apps.gone()


# -- files --------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(nap: Nap, bed: Bed, apps: Apps) -> None:
    with unchanged(bed.hosts):
        ended = nap("up", "-f", "nosuch.yml", code=Exit.WRONG_USE)
    assert ended.said == [f"nap: there is no file {nap.home}/nosuch.yml"]


def test_broken_yaml(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = nap.home / "broken.yml"
    file.write_text(
        'services:\n  web:\n    image: busybox:1\n    command: [sleep, "9"\n    init: true\n'
    )
    with unchanged(bed.hosts):
        ended = nap("up", "-f", file, code=Exit.WRONG_USE)
    error, line, mark = ended.said
    assert error.startswith("nap: broken.yml:5:5: this is not valid YAML: ")
    assert "did not find expected ',' or ']'" in error
    assert line.endswith("    init: true")
    assert line[mark.index("^") :] == "init: true"


def test_an_unknown_key(nap: Nap, bed: Bed, apps: Apps) -> None:
    file = nap.home / "unknown.yml"
    file.write_text("services:\n  web:\n    image: busybox:1\n    comand: sleep 9\n")
    with unchanged(bed.hosts):
        ended = nap("up", "-f", file, code=Exit.WRONG_USE)
    assert ended.said == [
        'nap: unknown.yml:4:5: services.web.comand: unknown key "comand"',
        "           comand: sleep 9",
        "           ^",
        "     did you mean command?",
    ]


# -- images and ports ---------------------------------------------------------------------------


def test_an_unknown_image(nap: Nap, bed: Bed, apps: Apps) -> None:
    image = f"{bed.registry}/nosuch:1"
    new = apps("unpullable", {"web": sleeper(image=image), "db": sleeper(volumes=["/scratch"])})
    with unchanged(bed.hosts):
        ended = nap("up", "-f", new, code=Exit.FAILED)
    error, after = ended.errors
    assert error.startswith(f"nap: image {image} on h")
    assert "can't be pulled: " in error and "not found" in error
    assert after == "nap: unpullable was put back as it was before"

    update = apps("steady", {"web": sleeper(image=image), "db": sleeper()}, volumes={"data": {}})
    with unchanged(bed.hosts):
        ended = nap("up", "-f", update, code=Exit.FAILED)
    assert ended.errors[-1] == "nap: steady was put back as it was before"


def test_a_port_that_another_app_has_on_every_host(nap: Nap, bed: Bed, apps: Apps) -> None:
    with unchanged(bed.hosts):
        ended = nap("up", "-f", apps("late", {"web": sleeper(ports=["7000:1"])}), code=Exit.NO_ROOM)
    first, *table = ended.said
    assert first == "nap: no host has room for web.1"
    held = {line.split()[0]: line for line in table}
    assert set(held) == {"h1", "h2", "h3"}
    for line in held.values():
        assert f"port 7000 held by {nap.owner}/steady/web." in line


def test_a_port_that_foreign_containers_have_on_every_host(nap: Nap, bed: Bed, apps: Apps) -> None:
    for host in bed.hosts:
        containers.run(host, "squatter", publish=7200)
    try:
        with unchanged(bed.hosts):
            file = apps("squatted", {"web": sleeper(ports=["7200:1"])})
            ended = nap("up", "-f", file, code=Exit.NO_ROOM)
        assert ended.said == [
            "nap: no host has room for web.1",
            *(f"       {host.name}  port 7200 held by squatter" for host in bed.hosts),
        ]
        containers.remove(bed.hosts[1], "squatter")
        nap("up", "-f", file)
        assert nap.rows("squatted")["web.1"]["Host"] == "h2"
    finally:
        for host in bed.hosts:
            with suppress(Exception):
                containers.remove(host, "squatter")


# -- services that don't get well ---------------------------------------------------------------


def test_a_service_that_never_gets_healthy(nap: Nap, bed: Bed, apps: Apps) -> None:
    sick = sleeper(command=SPEAK, healthcheck=SICK)
    new = apps("sick", {"web": sick, "db": sleeper()})
    with unchanged(bed.hosts):
        _never_gets_healthy(nap, new)

    apps("sick", {"web": sleeper(command=SPEAK, healthcheck=WELL), "db": sleeper()})
    nap("up", "-f", new)
    update = apps("sick", {"web": sick, "db": sleeper(environment={"NEW": "1"})})
    before = nap.rows("sick")
    with unchanged(bed.hosts):
        _never_gets_healthy(nap, update)
    after = nap.rows("sick")
    assert {slot: row["Name"] for slot, row in after.items()} == {
        slot: row["Name"] for slot, row in before.items()
    }


def _never_gets_healthy(nap: Nap, file: Path) -> None:
    began = time.monotonic()
    ended = nap("up", "-f", file, "--wait-timeout", "6", code=Exit.FAILED)
    assert time.monotonic() - began < 45
    text = "\n".join(ended.said)
    assert "nap: web.1 on h" in text and "is not ready in time (health: starting)" in text
    assert "     its health check said:\n       | exit 3: no table yet" in text
    assert "     the last it printed:\n       | opening the table" in text
    assert ended.errors[-1] == "nap: sick was put back as it was before"


def test_a_service_that_ends_at_once(nap: Nap, bed: Bed, apps: Apps) -> None:
    crash = sleeper(command="sh -c 'echo no such table; exit 7'")
    with unchanged(bed.hosts):
        ended = nap("up", "-f", apps("crash", {"web": crash}), code=Exit.FAILED)
    error, after = ended.errors
    assert error.startswith("nap: web.1 on h") and error.endswith("exited with code 7")
    assert "       | no such table" in ended.said
    assert after == "nap: crash was put back as it was before"


# -- the cluster file ---------------------------------------------------------------------------


def test_a_cluster_file_with_a_mistake(nap: Nap, bed: Bed, apps: Apps) -> None:
    text = bed.cluster_file.read_text()
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "zone: b" in line)
    wrong = bed.cluster_file.with_name("mistake.yml")
    wrong.write_text(text.replace("labels: {zone: b}", "lables: {zone: b}"))
    with unchanged(bed.hosts):
        for words in (("up", "-f", apps("any", {"web": sleeper()})), ("ps",), ("down", "steady")):
            ended = nap.on(wrong)(*words, code=Exit.WRONG_USE)
            assert ended.said == [
                f"nap: {wrong}:{number}:5: hosts.h2: unknown key 'lables'",
                "     did you mean 'labels'?",
            ]


def test_an_engine_that_speaks_no_tls_where_tls_was_asked_for(
    nap: Nap, bed: Bed, apps: Apps
) -> None:
    with in_plain_text(bed.hosts[0]) as port:
        here = f"127.0.0.1:{port}"
        complaint = f"{here} speaks no TLS where TLS was asked for"
        alone = cluster_with(bed, "alone.yml", hosts={"h1": {"endpoint": f"tcp://{here}"}})
        file = apps("plain", {"web": sleeper()})
        with unchanged(bed.hosts):
            ended = nap.on(alone)("up", "-f", file, code=Exit.PARTIAL)
            assert ended.errors == [f"nap: no host answers (h1: {complaint})"]
            ended = nap.on(alone)("down", "steady", code=Exit.PARTIAL)
            assert ended.errors == [f"nap: no host answers (h1: {complaint})"]
            assert nap.on(alone)("ps", code=Exit.PARTIAL).said == [
                f"nap: warning: host h1 was not seen: {complaint} (nap host ls)"
            ]

        hosts = yaml.safe_load(bed.cluster_file.read_text())["hosts"]
        hosts["h1"]["endpoint"] = f"tcp://{here}"
        one_of_three = cluster_with(bed, "one-of-three.yml", hosts=hosts)
        listed = nap.on(one_of_three)("host", "ls")
        assert [line.split()[:2] for line in listed.out.splitlines()[1:]] == [
            ["h1", "refused"], ["h2", "active"], ["h3", "active"],
        ]  # fmt: skip
        assert listed.said == [f"nap: warning: host h1: {complaint}"]
        ended = nap.on(one_of_three)("up", "-f", file)
        assert ended.said == [f"nap: warning: host h1 was not seen: {complaint}"]
        assert nap.rows("plain")["web.1"]["Host"] in ("h2", "h3")


def cluster_with(bed: Bed, name: str, **change: Any) -> Path:
    """The bed's cluster file with some sections replaced."""
    content = {**yaml.safe_load(bed.cluster_file.read_text()), **change}
    path = bed.cluster_file.with_name(name)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@contextmanager
def in_plain_text(host: Host) -> Iterator[int]:
    """A loopback port where the host's engine answers without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):  # closed: the block is over
                while True:
                    client, _ = listening.accept()
                    engine = socket.socket(socket.AF_UNIX)
                    engine.connect(str(host.socket))
                    for one, other in ((client, engine), (engine, client)):
                        threading.Thread(target=_pour, args=(one, other), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def _pour(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
