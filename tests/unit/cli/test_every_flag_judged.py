"""Every flag of every command stands here, by what judges what it can ask for: a new one fails the
tests until it has been thought of. Those of `run`, `exec`, `build` are tried one by one in
`test_flags_judged`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from nap_compose.auth.rights import CALLS, Right
from nap_compose.border import UpRequest
from nap_compose.cli.calling import root
from nap_compose.cli.lazy import VerbGroup
from tests.unit.auth.test_rights import _asked, commands
from tests.unit.cli import test_flags_judged
from tests.unit.cli.scripted import Scripted, nap

SHOWN = "--format --quiet --no-trunc --timestamps --no-log-prefix --raw --count --json --short"
"""How an answer is written; the rows in it are those that the caller may see."""

ASKED = "--yes --dry-run"
"""Whether the person is asked, and whether anything is done at all."""

FLAGS: Mapping[str, Mapping[str, str]] = {
    # What of an app, or which apps, among those that the guard lets the caller have.
    "which": {
        "attach": "--index",
        "audit": "--user --app --since --limit",
        "commit": "--index",
        "cp": "--all --index",
        "diff": "--show-values",
        "events": "--since --until",
        "export": "--index",
        "health events": "--since --tail",
        "history": "--limit",
        "logs": "--since --until --tail --follow --service --index --host --stream --grep --level "
        "--deploy --deployment --containers",
        "logs search": "--since --until --service --host --stream --fixed --ignore-case",
        "logs stats": "--since --until --service",
        "ls": "--all --filter",
        "port": "--protocol --index",
        "ps": "--all --services --status --filter --orphans",
        "stats": "--all --no-stream",
        "storage ls": "--removed",
        "storage restore": "--removed",
        "storage rm": "--snapshot",
    },
    # How it is gone about. Nothing that a host is sent says more of a container for it, which
    # `test_how_a_deployment_goes_is_nothing_of_its_model` sees.
    "how": {
        "create": "--pull --quiet-pull --build --no-build --quiet-build --force-recreate "
        "--no-recreate --remove-orphans",
        "down": "--volumes --rmi --remove-orphans --timeout",
        "kill": "--signal --remove-orphans",
        "plan": "--why --pull --build --force-recreate --no-recreate --no-deps --no-start "
        "--remove-orphans --fresh",
        "pull": "--ignore-buildable --ignore-pull-failures --include-deps --policy",
        "push": "--ignore-push-failures --include-deps",
        "restart": "--no-deps --timeout",
        "rm": "--force --stop --volumes",
        "rollback": "--wait-timeout --timeout",
        "scale": "--no-deps",
        "start": "--wait --wait-timeout",
        "stop": "--timeout",
        "up": "--wait-timeout --pull --quiet-pull --build --no-build --quiet-build "
        "--force-recreate --no-recreate --always-recreate-deps --renew-anon-volumes --no-deps "
        "--no-start --remove-orphans --timeout --fresh --why",
        "volume backup": "--no-hooks",
        "volume move": "--to --to-cluster --stop --abandon",
        "volume restore": "--stop",
        "watch": "--no-up --prune",
    },
    # What the person's own process does with an answer, or waits for.
    "the person's side": {
        "attach": "--no-stdin --sig-proxy --detach-keys",
        "build": "--print",
        "config": "--quiet --services --images --volumes --networks --profiles --models "
        "--variables --environment --hash --no-interpolate --no-normalize --no-consistency "
        "--no-path-resolution --no-env-resolution --resolve-image-digests --lock-image-digests "
        "--check --strict --schema",
        "cp": "--follow-link",
        "up": "--detach --foreground --wait --attach --no-attach --attach-dependencies "
        "--abort-on-container-exit --abort-on-container-failure --exit-code-from --watch",
        "wait": "--down-project",
    },
    # Files that the person's own process reads or writes, with their own rights.
    "the person's files": {
        "config": "--output",
        "export": "--output",
        "plan": "--out",
        "up": "--plan",
    },
    # A port of the person's own machine.
    "the person's ports": {"port-forward": "--address"},
    # How many replicas: the model says it then, and quotas count them.
    "quotas": {"create": "--scale", "plan": "--scale", "up": "--scale", "storage quota": "--files"},
    # What an image says is judged when a container is to be made of it, whoever wrote it there:
    # tests/engine/test_at_the_door.py
    "the image": {"commit": "--author --change --message --pause"},
    # Whose files are in an archive: the engine's root is that of the container alone.
    "the container": {"cp": "--archive"},
    # Who the caller is; the gate decides it.
    "the gate": {
        "login": "--password-stdin --local",
        "registry login": "--username --password-stdin",
    },
    # What somebody lets others do with an app of theirs.
    "the owner": {"app share": "--operate", "share": "--operate"},
    # For admins alone.
    "admin": {
        "adopt": "--host --owner --project --leave-anonymous --back --done --wait-timeout",
        "db restore": "--replace",
        "doctor": "--net --isolation --image",
        "health watch": "--metrics",
        "host add": "--via --address --label --print --image",
        "host drain": "--wait-timeout --timeout",
        "host rm": "--lost --leave-volumes",
        "host upgrade": "--anyway --wait-timeout",
        "logs collect": "--once",
        "prune": "--keep --older-than --history",
        "rebalance": "--wait-timeout --timeout",
        "user offboard": "--to --stop --keep",
    },
    # For whoever holds the cluster's keys: the border isn't crossed, or before there is one.
    "the keys": {
        "backup create": "--key-file --container-logs",
        "backup restore": "--key-file --keep-files",
        "backup verify": "--key-file",
        "cluster certs renew": "--ca --restart",
        "cluster check": "--example",
        "cluster init": "--name --dir --ssh --user --restart",
        "cluster setup-control": "--undo",
    },
}
"""What judges a flag → command → its flags."""


def flags_of(command: click.Command) -> set[str]:
    """Its flags, without those that all commands have."""
    options = (each for each in command.params if isinstance(each, click.Option))
    return {max(each.opts, key=len) for each in options} - test_flags_judged.COMMON


def found(name: str) -> click.Command:
    command: click.Command | None = root()
    for word in name.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    if isinstance(command, VerbGroup):
        command = command.get_command(click.Context(command), "")
    assert command is not None
    return command


def judged_elsewhere(command: str) -> list[str]:
    """Flags that are tried one by one."""
    return [
        *test_flags_judged.JUDGED.get(command, ()),
        *test_flags_judged.FREE.get(command, ()),
    ]


EVERY = dict(commands(root()))
ALIKE = {*SHOWN.split(), *ASKED.split()}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_every_flag_has_a_judge_and_just_one(name: str) -> None:
    listed = [flag for table in FLAGS.values() for flag in table.get(name, "").split()]
    listed += judged_elsewhere(name)
    assert len(listed) == len(set(listed)), f"nap {name}: one flag stands twice"
    there = flags_of(found(name))
    assert there - ALIKE - set(listed) == set(), f"nap {name}: what judges these?"
    assert set(listed) - there == set(), f"nap {name} has no such flag"


def test_the_table_names_commands_that_there_are() -> None:
    named = {command for table in FLAGS.values() for command in table}
    assert named <= set(EVERY)


@pytest.mark.parametrize("name", sorted(FLAGS["admin"]))
def test_what_is_for_admins_asks_for_what_is_theirs_alone(name: str) -> None:
    assert Right.ADMIN in {CALLS[call] for call in _asked(EVERY[name], set())}


@pytest.mark.parametrize("name", sorted(FLAGS["the keys"]))
def test_what_is_for_who_holds_the_keys_asks_the_border_for_nothing_of_a_users(name: str) -> None:
    rights = {CALLS[call] for call in _asked(EVERY[name], set())}
    assert rights <= {Right.OPEN, Right.ADMIN}


WRITTEN = {
    "--why": ("--why=web",),
    "--wait-timeout": ("--wait-timeout=5",),
    "--timeout": ("--timeout=5",),
    "--pull": ("--pull=always",),
}
"""How a flag is written that says more than itself."""


@pytest.mark.parametrize(
    ("name", "flag"),
    [(name, flag) for name in ("up", "create", "plan") for flag in FLAGS["how"][name].split()],
)
def test_how_a_deployment_goes_is_nothing_of_its_model(shop: Path, name: str, flag: str) -> None:
    """What the file says is judged; such a flag puts nothing beside it."""
    assert asked(name, flag).app.document == asked(name).app.document


@pytest.mark.parametrize("name", ["up", "create", "plan"])
def test_how_many_there_are_is_counted_by_quotas(shop: Path, name: str) -> None:
    request = asked(name, "--scale=web=3")
    assert request.scale == {"web": 3}
    assert request.app.document == asked(name).app.document


def asked(name: str, flag: str = "") -> UpRequest:
    """What the command asks for at the border, with and without the flag."""
    words = WRITTEN.get(flag, (flag,)) if flag else ()
    if (name, flag) == ("up", "--why"):
        words += ("--dry-run",)
    control = Scripted()
    nap(name, *words, control=control)
    (request,) = (each for each in control.asked if isinstance(each, UpRequest))
    return request
