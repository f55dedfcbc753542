"""What the flags of `run` and `exec` ask of a host is judged as what a file asks: each flag stands
here, and none gets through that asks for more than a user may have."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from nap_compose.auth.policy import bodies
from nap_compose.auth.policy.keys import judge
from nap_compose.auth.policy.rules import Bounds
from nap_compose.cli.calling import root
from nap_compose.control.sessions import _exec_body
from tests.unit.cli.test_streams import exec_request, run_request

BOUNDS = Bounds()

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
}
"""Flags that ask for nothing that a user may not have, whatever their value."""


@pytest.fixture
def plain(shop: Path) -> Path:
    """A folder with the file of an app that asks for nothing."""
    file = "name: shop\nservices: {web: {image: x, ports: ['8080:80']}}\n"
    (shop / "compose.yaml").write_text(file)
    return shop


def asks_too_much(command: str, flag: str, value: str) -> bool:
    words = (flag, value) if value else (flag,)
    if command == "exec":
        return bool(list(bodies.process(_exec_body(exec_request(*words, "web", "id")), BOUNDS)))
    return bool(list(judge(run_request(*words, "web", "id").app, BOUNDS)))


@pytest.mark.parametrize("command", JUDGED)
def test_every_flag_is_known(command: str) -> None:
    found = root().get_command(click.Context(root()), command)
    assert found is not None
    options = {
        max(param.opts, key=len) for param in found.params if isinstance(param, click.Option)
    }
    assert options - COMMON == {*JUDGED[command], *FREE[command]}


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
