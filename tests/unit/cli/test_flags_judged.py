"""What the flags of `run`, `exec` and `build` ask of a host is judged as what a file asks: each
stands here, and none gets through that asks for more than a user may have."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from nap_compose.auth.policy import bodies
from nap_compose.auth.policy.keys import judge
from nap_compose.auth.policy.rules import Bounds
from nap_compose.border import BuildRequest, Built
from nap_compose.cli.calling import root
from nap_compose.cluster.policy import Policy
from nap_compose.control.sessions import _exec_body
from nap_compose.orchestration.bodies.building import build_query, not_classic
from tests.unit.cli.scripted import nap
from tests.unit.cli.test_images_of_apps import Images
from tests.unit.cli.test_streams import exec_request, run_request

BOUNDS = Bounds(Policy(memory=1 << 30))

COMMON = frozenset(
    {
        *("--file", "--project-name", "--profile", "--env-file", "--project-directory"),
        *("--all-resources", "--cluster", "--progress", "--ansi", "--no-color", "--debug"),
    }
)
"""Which files, which app, which cluster, and what is shown: what stands in the files is judged."""

JUDGED = {
    "run": {
        "--volume": ("/:/host", "/var/run/docker.sock:/s", "/etc:/etc:ro"),
        "--cap-add": ("SYS_ADMIN", "ALL"),
        "--publish": ("22:22", "0.0.0.0:80:80"),
        "--label": ("traefik.enable=true",),
    },
    "exec": {"--privileged": ("",)},
    "build": {
        "--memory": ("2g",),
        "--ssh": ("default", "default=/root/.ssh/id_ed25519"),
        "--builder": ("another",),
        "--provenance": ("mode=max",),
        "--sbom": ("true",),
        "--check": ("",),
    },
}
"""Flags that can ask for something, with values that users may not have."""

FREE = {
    "run": {
        **{
            "--env": "A=1",
            "--entrypoint": "sh",
            "--user": "0",
            "--workdir": "/",
            "--cap-drop": "ALL",
        },
        **{
            "--name": "x",
            "--pull": "always",
            "--detach-keys": "ctrl-x",
            "--env-from-file": "some.env",
        },
        **dict.fromkeys(
            ("--rm", "--detach", "--no-deps", "--use-aliases", "--no-tty", "--tty"), ""
        ),
        **dict.fromkeys(("--interactive", "--build", "--quiet-build", "--remove-orphans"), ""),
        **dict.fromkeys(("--quiet", "--quiet-pull", "--service-ports"), ""),
    },
    "exec": {
        **{
            "--env": "A=1",
            "--user": "0",
            "--workdir": "/",
            "--index": "1",
            "--detach-keys": "ctrl-x",
        },
        **dict.fromkeys(("--detach", "--no-tty", "--tty", "--interactive"), ""),
    },
    "build": {
        "--build-arg": "HTTP_PROXY=http://10.0.0.1",
        **dict.fromkeys(("--no-cache", "--pull", "--push", "--with-dependencies"), ""),
        **dict.fromkeys(("--dry-run", "--quiet"), ""),
    },
}
"""Flags that ask for nothing that a user may not have, whatever their value."""


@pytest.fixture
def plain(shop: Path) -> Path:
    """A folder with the file of an app that asks for nothing."""
    web = "{image: x, mem_limit: 100m, ports: ['8080:80'], build: .}"
    (shop / "compose.yaml").write_text(f"name: shop\nservices: {{web: {web}}}\n")
    (shop / "Dockerfile").write_text("FROM scratch\n")
    return shop


def asks_too_much(command: str, flag: str, value: str) -> bool:
    words = (flag, value) if value else (flag,)
    if command == "build":
        return builds_too_much(build_request(*words))
    if command == "exec":
        return bool(list(bodies.process(_exec_body(exec_request(*words, "web", "id")), BOUNDS)))
    return bool(list(judge(run_request(*words, "web", "id").app, BOUNDS)))


def build_request(*words: str) -> BuildRequest:
    control = Images(answer=Built())
    ended = nap("build", *words, control=control)
    assert ended.code == 0, ended.err
    (request,) = control.requests
    assert isinstance(request, BuildRequest)
    return request


def builds_too_much(request: BuildRequest) -> bool:
    """Behind the border only an engine's own builder builds for users; what buildx alone can do is
    refused, and what the builder is asked with is judged."""
    service, wishes = request.app.services["web"], request.wishes
    query = build_query(service, "bob_shop-web", {}, wishes)
    return bool([*not_classic(service, wishes), *bodies.build(query, BOUNDS)])


@pytest.mark.parametrize("command", JUDGED)
def test_every_flag_is_known(command: str) -> None:
    found = root().get_command(click.Context(root()), command)
    assert found is not None
    options = {
        max(param.opts, key=len) for param in found.params if isinstance(param, click.Option)
    }
    own = {"--print"} if command == "build" else set()  # no host is asked for that
    assert options - COMMON - own == {*JUDGED[command], *FREE[command]}


@pytest.mark.parametrize(
    ("command", "flag", "value"),
    [
        (name, flag, value)
        for name in JUDGED
        for flag, values in JUDGED[name].items()
        for value in values
    ],
)
def test_none_gets_round_it(plain: Path, command: str, flag: str, value: str) -> None:
    assert asks_too_much(command, flag, value)


@pytest.mark.parametrize(
    ("command", "flag", "value"),
    [(name, flag, value) for name in FREE for flag, value in FREE[name].items()],
)
def test_the_others_are_free(plain: Path, command: str, flag: str, value: str) -> None:
    (plain / "some.env").write_text("A=1\n")
    assert not asks_too_much(command, flag, value)
