"""How the docker buildx command is found, called, heard and stopped; a script stands for it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from nap_compose.cluster.buildx import Buildx, find_buildx
from nap_compose.cluster.cluster import Host, Tls
from nap_compose.errors import Interrupted, NapError

TELLS = """#!/bin/sh
cat > "$HOME/given"
env > "$HOME/env"
echo "$@" > "$HOME/words"
ls "$DOCKER_CERT_PATH" > "$HOME/files" 2>&1
echo '#1 [web 1/2] FROM scratch' >&2
while [ "$1" != --metadata-file ]; do shift; done
echo '{"web": {"containerimage.digest": "sha256:1"}}' > "$2"
"""
FAILS = """#!/bin/sh
cat > /dev/null
echo '#5 [2/2] RUN make' >&2
echo ' > [2/2] RUN make:' >&2
echo 'ERROR: failed to solve: exit code: 1' >&2
exit 1
"""
SLEEPS = """#!/bin/sh
cat > /dev/null
echo began
sleep 1000 & wait
"""


def program(folder: Path, text: str) -> Path:
    file = folder / "docker-buildx"
    file.write_text(text)
    file.chmod(0o755)
    return file


def buildx(folder: Path, text: str, host: Host | None = None) -> Buildx:
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "DOCKER_HOST": "tcp://other:1"}
    return Buildx(program(folder, text), host or Host("h1", "unix:///run/e.sock"), env)


def bake(made: Buildx, **how: Any) -> dict[str, Any]:
    how = {"say": lambda _: None, "stopped": lambda: False, **how}
    return made.bake({"target": {}}, ["--allow", "fs.read=/x"], how["say"], how["stopped"])


def test_it_is_found_where_docker_finds_it(tmp_path: Path) -> None:
    plugins = tmp_path / ".docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    env = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    assert find_buildx({**env, "DOCKER_BUILDKIT": "0"}) is None
    own = program(plugins, TELLS)
    assert find_buildx(env) == own
    assert find_buildx({**env, "DOCKER_CONFIG": str(tmp_path / ".docker")}) == own
    own.chmod(0o644)  # no program
    assert find_buildx(env) != own
    in_path = program(tmp_path, TELLS)
    assert find_buildx(env) in (in_path, *Path("/usr").glob("*/*/docker/cli-plugins/docker-buildx"))


def test_it_gets_the_file_the_words_and_the_hosts_own_address(tmp_path: Path) -> None:
    for name in ("my-ca.pem", "c.pem", "k.pem"):
        (tmp_path / name).write_text("")
    tls = Tls(tmp_path / "my-ca.pem", tmp_path / "c.pem", tmp_path / "k.pem")
    heard: list[str] = []
    host = Host("h1", "tcp://10.0.0.1:2376", tls=tls)
    told = bake(buildx(tmp_path, TELLS, host), say=heard.append)
    assert told == {"web": {"containerimage.digest": "sha256:1"}}
    assert heard == ["#1 [web 1/2] FROM scratch"]
    assert json.loads((tmp_path / "given").read_text()) == {"target": {}}
    assert (tmp_path / "words").read_text().endswith("--allow fs.read=/x\n")
    env = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert env["DOCKER_HOST"] == "tcp://10.0.0.1:2376"
    assert env["DOCKER_TLS_VERIFY"] == "1"
    assert (tmp_path / "files").read_text().split()[:3] == ["ca.pem", "cert.pem", "key.pem"]
    assert not Path(env["DOCKER_CERT_PATH"]).exists()


def test_a_socket_needs_no_certificates(tmp_path: Path) -> None:
    bake(buildx(tmp_path, TELLS))
    env = (tmp_path / "env").read_text()
    assert "DOCKER_HOST=unix:///run/e.sock\n" in env
    assert "DOCKER_CERT_PATH" not in env


def test_its_failure_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(NapError) as told:
        bake(buildx(tmp_path, FAILS))
    assert told.value.host == "h1"
    assert told.value.message.splitlines() == [
        "failed to solve: exit code: 1",
        " > [2/2] RUN make:",
    ]


def test_it_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    heard: list[str] = []
    began = time.monotonic()
    with pytest.raises(Interrupted):
        bake(buildx(tmp_path, SLEEPS), say=heard.append, stopped=lambda: bool(heard))
    assert time.monotonic() - began < 30
