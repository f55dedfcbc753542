"""What a shell offers while one types; nobody waits for a host that hangs."""

import threading
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from nap_compose.border import AppRow, HostRow
from nap_compose.cli import completing
from nap_compose.cli.calling import root
from nap_compose.cli.session import Session
from nap_compose.errors import Away
from tests.unit.cli.scripted import Scripted, row

CONTROL = Scripted(
    owner="ada",
    rows=[row("web", owner="ada"), row("cache", owner="ada"), row("api", owner="bob", app="blog")],
    app_rows=[AppRow("ada", "shop", 2, 2, 2, 1), AppRow("bob", "blog", 1, 1, 1, 1)],
    host_rows=[HostRow("h1", "tcp://x", "active"), HostRow("h2", "tcp://y", "unreachable")],
)


def offered(line: str, control: Any = CONTROL) -> list[str]:
    """What is offered for the last word of `nap LINE`."""
    *words, last = line.split(" ")
    session = Session(env={}, connect=lambda _cluster, _env: control)
    complete = ShellComplete(root(), {"obj": session}, "nap", "_NAP_COMPLETE")
    return [item.value for item in complete.get_completions(words, last)]


def test_commands_and_options(empty: Path) -> None:
    assert offered("ev") == ["events"]
    assert "--since" in offered("events --s")
    assert offered("ps --status run") == ["running"]
    assert offered("help vol") == []


def test_a_target_is_an_app_and_then_a_service(empty: Path) -> None:
    assert offered("ps ") == ["bob/blog", "shop"]
    assert offered("logs sh") == ["shop"]
    assert offered("exec shop/") == ["shop/cache", "shop/web"]
    assert offered("top bob/blog/a") == ["bob/blog/api"]


def test_with_a_file_it_is_a_service(shop: Path) -> None:
    assert offered("ps ") == ["cache", "db", "debug", "web"]
    assert offered("up d") == ["db", "debug"]
    assert offered("-p blog logs ") == ["db", "debug", "web"]
    assert offered("stats shop/c") == ["shop/cache"]


def test_services_of_a_file_at_a_glance(empty: Path) -> None:
    (empty / "compose.yaml").write_text(
        "# an app\nname: shop\nx-a: {b: 1}\nservices:\n\n  # first\n  web-1.x:\n    image: nginx\n"
        '    ports:\n      - "80:80"\n  "db": {image: x}\n\nvolumes:\n  data:\n'
    )
    assert offered("config ") == ["db", "web-1.x"]
    (empty / "compose.yaml").write_text("services: {web: {image: x}}\n")
    assert offered("config ") == []


def test_hosts(empty: Path) -> None:
    assert offered("host inspect ") == ["h1", "h2"]


class Hanging(Scripted):
    """Its hosts never answer."""

    def apps(self) -> Any:
        threading.Event().wait()


class Broken(Scripted):
    """Its hosts are away."""

    def apps(self) -> Any:
        raise Away("no host answers")


def test_who_does_not_answer_is_not_waited_for(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completing, "MOMENT", 0.2)
    began = time.monotonic()
    assert offered("ps ", Hanging()) == []
    assert offered("ps ", Broken()) == []
    assert time.monotonic() - began < 10


def test_names_that_a_shell_could_not_take_are_not_offered(empty: Path) -> None:
    rows = [AppRow("ada", "a\x1b[2J", 1, 1, 1, 1), AppRow("ada", "ok", 1, 1, 1, 1)]
    assert offered("ps ", Scripted(owner="ada", app_rows=rows)) == ["ok"]


def test_every_target_of_every_command_is_completed() -> None:
    group = root()
    context = click.Context(group, resilient_parsing=True)
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    for command in filter(None, commands):
        for param in command.params:
            if isinstance(param, click.Argument) and "TARGET" in (param.metavar or ""):
                assert param.type is completing.TARGET, command.name
