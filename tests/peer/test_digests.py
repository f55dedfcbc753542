"""Images pinned to digests: the same as the real Compose prints, which asks the same engine."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.fake_engine import FakeEngine, Image
from tests.peer import compose

COMMAND = "from nap_compose.cli.main import main; raise SystemExit(main())"
IN_REGISTRY = ("redis", "shop/web:2", "localhost:5000/a/b_c:v1.2", "registry.example/deep/er/x:1")
PINNED = "redis:7@sha256:" + "b" * 64
APP = f"""
x-team: shop
services:
  cache: {{image: redis, environment: {{PRICE: "$$5"}}}}
  web: {{image: "shop/web:${{WEB:-2}}", ports: ["8080:80"], profiles: [front]}}
  local: {{image: "localhost:5000/a/b_c:v1.2", depends_on: [cache]}}
  deep: {{image: "registry.example/deep/er/x:1"}}
  pinned: {{image: "{PINNED}"}}
  built: {{build: .}}
networks: {{back: {{}}}}
"""
PLAIN = APP.replace("${WEB:-2}", "2")

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        for name in IN_REGISTRY:
            engine.registry.add(Image(name))
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text(APP)
    return folder


def nap_and_compose(engine: FakeEngine, folder: Path, *words: str) -> tuple[Ran, Ran]:
    """Both commands with the same words, the person's home beside the app's folder."""
    env = {"HOME": str(folder.parent), "PATH": os.defpath, "DOCKER_HOST": engine.endpoint}
    own = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def run(*program: str, **more: str) -> Ran:
        return subprocess.run(
            [*program, *words], cwd=folder, env={**env, **more},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run(sys.executable, "-c", COMMAND, **own), run(str(compose.program()))


@pytest.mark.parametrize(
    "words",
    [
        ("--resolve-image-digests",),
        ("--resolve-image-digests", "cache", "web"),
        ("--lock-image-digests",),
        ("--lock-image-digests", "local"),
        ("--lock-image-digests", "--resolve-image-digests"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("more", [(), ("--no-interpolate",)], ids=["", "as-it-stands"])
def test_same_document(
    words: tuple[str, ...], more: tuple[str, ...], engine: FakeEngine, folder: Path
) -> None:
    if more:
        (folder / "compose.yaml").write_text(PLAIN)
    ours, theirs = nap_and_compose(engine, folder, "config", "--format", "json", *more, *words)
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr + theirs.stderr
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert "@sha256:" in ours.stdout


def test_the_lock_is_a_file_to_lay_over(engine: FakeEngine, folder: Path) -> None:
    """As YAML it has no name and nothing but images: `-f compose.yaml -f lock.yaml` pins all."""
    ours, theirs = nap_and_compose(engine, folder, "config", "--lock-image-digests")
    (folder / "ours.yaml").write_text(ours.stdout)
    (folder / "theirs.yaml").write_text(theirs.stdout)
    documents = []
    for lock in ("ours.yaml", "theirs.yaml"):
        words = ("-f", "compose.yaml", "-f", lock, "config", "--format", "json")
        documents += [json.loads(ran.stdout) for ran in nap_and_compose(engine, folder, *words)]
    assert all(document == documents[0] for document in documents)
    assert documents[0]["services"]["cache"]["image"].startswith(
        "docker.io/library/redis:latest@sha256:"
    )


def test_lists_ask_nobody(engine: FakeEngine, folder: Path) -> None:
    for words in (("--images",), ("--hash", "*"), ("--services",)):
        ours, _ = nap_and_compose(engine, folder, "config", "--resolve-image-digests", *words)
        assert ours.returncode == 0
    assert engine.requests == []


def test_a_login_is_sent_and_nothing_else(engine: FakeEngine, folder: Path) -> None:
    engine.registry.login = ("ada", "s3cret")
    (folder / "compose.yaml").write_text("services: {x: {image: registry.example/deep/er/x:1}}\n")
    words = ("config", "--resolve-image-digests", "--format", "json")
    ours, theirs = nap_and_compose(engine, folder, *words)
    assert ours.returncode != 0 != theirs.returncode
    assert "compose.yaml:1:" in ours.stderr and "authentication required" in ours.stderr

    config = folder.parent / ".docker" / "config.json"
    config.parent.mkdir()
    auth = base64.b64encode(b"ada:s3cret").decode()
    config.write_text(json.dumps({"auths": {"https://registry.example/v2/": {"auth": auth}}}))
    engine.forget()
    ours, theirs = nap_and_compose(engine, folder, *words)
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr + theirs.stderr
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    mine, other = engine.calls("GET", "/distribution/.*")
    sent = [json.loads(base64.urlsafe_b64decode(each.headers["x-registry-auth"]))
            for each in (mine, other)]  # fmt: skip
    assert [(each["username"], each["password"]) for each in sent] == [("ada", "s3cret")] * 2
    assert "s3cret" not in ours.stdout + ours.stderr


def test_a_credential_helper_is_asked(engine: FakeEngine, folder: Path) -> None:
    engine.registry.login = ("ada", "s3cret")
    (folder / "compose.yaml").write_text("services: {x: {image: registry.example/deep/er/x:1}}\n")
    home = folder.parent
    helper = home / "bin" / "docker-credential-vault"
    helper.parent.mkdir()
    helper.write_text(
        "#!/bin/sh\nread -r url\n"
        '[ "$1 $url" = "get registry.example" ] || { echo credentials not found; exit 1; }\n'
        'echo \'{"ServerURL": "x", "Username": "ada", "Secret": "s3cret"}\'\n'
    )
    helper.chmod(0o755)
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text('{"credsStore": "vault"}')
    env = {"PATH": f"{helper.parent}:{os.defpath}", "HOME": str(home)}
    from nap_compose.cli.logins import logins

    assert logins(["registry.example", "docker.io"], env) == {
        "registry.example": {
            "username": "ada", "password": "s3cret", "serveraddress": "registry.example",
        }
    }  # fmt: skip


def test_every_image_that_is_not_there_is_told_with_its_line(
    engine: FakeEngine, folder: Path
) -> None:
    (folder / "compose.yaml").write_text(
        "services:\n  a: {image: nothing}\n  b: {image: redis}\n  c: {image: neither:1}\n"
    )
    ours, theirs = nap_and_compose(engine, folder, "config", "--resolve-image-digests", "-q")
    assert ours.returncode != 0 != theirs.returncode
    assert "compose.yaml:2:" in ours.stderr and "compose.yaml:4:" in ours.stderr
    assert "docker.io/library/nothing:latest" in ours.stderr


def test_what_is_no_reference(engine: FakeEngine, folder: Path) -> None:
    for text in ("Not A Name", "UPPER/case", "a//b", "x:tag:tag", "x@sha256:12", "-x", "x/"):
        (folder / "compose.yaml").write_text(f"services: {{a: {{image: '{text}'}}}}\n")
        ours, theirs = nap_and_compose(engine, folder, "config", "--resolve-image-digests")
        assert ours.returncode != 0 != theirs.returncode, text
        if text != "UPPER/case":  # a registry of that name, which isn't there
            assert "compose.yaml:1:" in ours.stderr
        plain = nap_and_compose(engine, folder, "config", "-q")
        assert [ran.returncode for ran in plain] == [0, 0]


def test_without_an_engine(folder: Path) -> None:
    with FakeEngine() as gone:
        pass
    ours, theirs = nap_and_compose(gone, folder, "config", "--resolve-image-digests")
    assert ours.returncode != 0 != theirs.returncode
    assert "no engine to ask" in ours.stderr and "DOCKER_HOST" in ours.stderr
