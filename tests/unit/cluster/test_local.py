"""The local engine is found where `docker` finds it."""

import hashlib
import json
from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Tls
from nap_compose.cluster.local import local_host
from nap_compose.errors import WrongUse


def context(home: Path, name: str, host: str, *, tls: bool = False) -> None:
    folder = home / ".docker"
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts/meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))
    if tls:
        (folder / "contexts/tls" / digest / "docker").mkdir(parents=True)


def test_the_socket(tmp_path: Path) -> None:
    assert local_host({"HOME": str(tmp_path)}).endpoint == "unix:///var/run/docker.sock"


def test_the_variable(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "DOCKER_HOST": "tcp://10.0.0.1"}
    assert local_host(env).endpoint == "tcp://10.0.0.1:2375"
    secure = local_host({**env, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"})
    assert secure.endpoint == "tcp://10.0.0.1:2376"
    assert secure.tls == Tls(Path("/c/ca.pem"), Path("/c/cert.pem"), Path("/c/key.pem"))


def test_a_variable_of_a_kind_that_nap_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="npipe"):
        local_host({"HOME": str(tmp_path), "DOCKER_HOST": "npipe:////./pipe/docker"})


def test_the_current_context(tmp_path: Path) -> None:
    context(tmp_path, "lab", "tcp://10.0.0.9:2376", tls=True)
    host = local_host({"HOME": str(tmp_path)})
    assert host.endpoint == "tcp://10.0.0.9:2376"
    assert host.tls is not None
    assert host.tls.ca.name == "ca.pem"


def test_the_variables_go_before_the_current_context(tmp_path: Path) -> None:
    context(tmp_path, "lab", "tcp://10.0.0.9:2376")
    home = {"HOME": str(tmp_path)}
    assert local_host({**home, "DOCKER_HOST": "unix:///x"}).endpoint == "unix:///x"
    assert local_host({**home, "DOCKER_CONTEXT": "default"}).endpoint.startswith("unix://")


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no Docker context 'gone'"):
        local_host({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})
