"""Every call of the border, and so every command, has a rule; what has none is refused."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

import nap_compose.cli
from nap_compose.auth.rights import CALLS, Right, check, needed
from nap_compose.border import Control, Who
from nap_compose.cli.calling import root
from nap_compose.cli.lazy import LazyGroup, VerbGroup
from nap_compose.control.guard import Guard
from nap_compose.control.handed import about
from nap_compose.errors import NotAllowed

CLI = Path(nap_compose.cli.__file__).parent


class Shared:
    """Apps of others by (owner, app)."""

    def __init__(self, **given: str) -> None:
        self.given = {("carol", app): access for app, access in given.items()}

    def shared(self, who: Who) -> Mapping[tuple[str, str], str]:
        return self.given


BOB, VIC, ADA = (
    Who("bob", "bob", "user"),
    Who("vic", "vic", "viewer"),
    Who("ada", "ada", "admin"),
)


def calls_of_the_border() -> set[str]:
    return {
        name
        for name, member in inspect.getmembers(Control)
        if inspect.isfunction(member) and not name.startswith("_")
    }


def commands(group: LazyGroup) -> Iterator[tuple[str, str]]:
    """Every command with the module that it stands in."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        inner = group.get_command(ctx, name)
        if isinstance(inner, VerbGroup):
            yield name, inner._usual.partition(":")[0]
        if isinstance(inner, LazyGroup):
            yield from ((f"{name} {each}", module) for each, module in commands(inner))
        else:
            yield name, group._table[name][0].partition(":")[0]


def test_every_call_of_the_border_has_a_rule_and_no_other() -> None:
    assert set(CALLS) == calls_of_the_border()


@pytest.mark.parametrize(("name", "module"), list(commands(root())))
def test_every_command_asks_only_for_what_has_a_rule(name: str, module: str) -> None:
    asked = set(_asked(module, set()))
    assert asked <= set(CALLS), f"nap {name}"


def test_the_walk_over_commands_finds_their_calls() -> None:
    found = {name: set(_asked(module, set())) for name, module in commands(root())}
    assert "up" in found["up"] and "execute" in found["exec"] and "drain" in found["host drain"]
    assert "logs" in found["logs"]
    every = {"notices", "close"}  # what opening and closing the border asks for
    without = {name for name, calls in found.items() if calls <= every}
    # Whoever makes or restores a backup holds the keys: no border is crossed for it.
    own = {f"backup {verb}" for verb in ("create", "verify", "ls", "restore")}
    own |= {"cluster certs ls", "cluster certs renew", "cluster check", "cluster setup-control"}
    assert without == {"completion", "help", "version"} | own


def _asked(module: str, seen: set[str]) -> Iterator[str]:
    """What a command's module, and those of the commands' room that it imports, call on the
    border: `control.NAME(…)`."""
    if module in seen:
        return
    seen.add(module)
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Attribute) and _is_control(node.value):
            yield node.attr
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nap_compose.cli."):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            inner = [each for each in names if importlib.util.find_spec(node.module or "")]
            for each in (node.module or "", *inner):
                if _is_module(each) and each not in _SHARED:
                    yield from _asked(each, seen)


_SHARED = ("nap_compose.cli.options", "nap_compose.cli.lazy", "nap_compose.cli.calling")
"""What every command imports; the group of all commands would lead to each."""


def _is_module(name: str) -> bool:
    return CLI.joinpath(*name.split(".")[2:]).with_suffix(".py").exists()


def _is_control(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in ("control", "_control")) or (
        isinstance(node, ast.Attribute) and node.attr in ("control", "_control")
    )


def test_what_has_no_rule_is_refused() -> None:
    with pytest.raises(NotAllowed):
        needed("format_the_disk")
    guard = Guard(inner=object(), gate=None, shares=Shared())  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        guard.parts  # noqa: B018 - what it works with is no call of the border's


@pytest.mark.parametrize("call", sorted(CALLS))
def test_each_call_for_each_role(call: str) -> None:
    right = CALLS[call]
    strangers = right in (Right.OPEN, Right.LOOK)

    def may(who: Who, app: str, **given: str) -> bool:
        try:
            check(who, right, "carol", app, Shared(**given))
        except NotAllowed:
            return False
        return True

    assert may(ADA, "web")
    assert may(BOB, "web") is strangers
    assert may(VIC, "web") is strangers
    assert may(BOB, "web", web="view") is (strangers or right is Right.VIEW)
    assert may(VIC, "web", web="view") is (strangers or right is Right.VIEW)
    operates = right not in (Right.ADMIN, Right.OWN)
    assert may(BOB, "web", web="operate") is (operates and right is not Right.TAKE)
    assert may(BOB, "web", web="take") is operates
    assert may(VIC, "web", web="take") is (strangers or right is Right.VIEW)
    assert may(BOB, "web", web="more than nap knows") is strangers
    assert may(VIC, "web", web="operate") is (strangers or right is Right.VIEW)
    assert may(BOB, "web", other="operate") is strangers


@pytest.mark.parametrize("call", sorted(CALLS))
def test_ones_own(call: str) -> None:
    right = CALLS[call]
    for owner in ("", "bob"):
        if right is Right.ADMIN:
            with pytest.raises(NotAllowed):
                check(BOB, right, owner, "web", Shared())
        else:
            check(BOB, right, owner, "web", Shared())


def test_what_a_call_is_about() -> None:
    from nap_compose import border as b
    from nap_compose.compose.model import App
    from nap_compose.orchestration.plan import Verb

    app = App.of({"name": "shop", "services": {}})
    carols = b.Target("web", "carol")
    of: list[tuple[Any, tuple[str, str]]] = [
        (b.UpRequest(app), ("", "shop")),
        (b.RunRequest(app, app, "web"), ("", "shop")),
        (b.DownRequest("web", "carol"), ("carol", "web")),
        (b.ActRequest(Verb.STOP, "web", "carol"), ("carol", "web")),
        (carols, ("carol", "web")),
        (b.Chosen(carols), ("carol", "web")),
        (b.EventRequest(b.Chosen(carols)), ("carol", "web")),
        (b.LogRequest(carols), ("carol", "web")),
        (b.ExecRequest(carols, ("sh",)), ("carol", "web")),
        (b.AttachRequest(carols), ("carol", "web")),
        (b.CommitRequest(carols), ("carol", "web")),
        (b.Made(carols, ()), ("carol", "web")),
        (b.DiffRequest(carols), ("carol", "web")),
        (b.RollbackRequest(carols), ("carol", "web")),
        (b.ShareRequest(carols, "bob"), ("carol", "web")),
        ("h1", ("", "")),
    ]
    for asked, expected in of:
        assert about(asked) == expected
