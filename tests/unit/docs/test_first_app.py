"""The page for those who begin: its file is good, and its commands take what it gives them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nap_compose.cli.calling import root

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "first-app.md").read_text()
COMMANDS = sorted(set(re.findall(r"(?:\$ |`)nap ([^`\n]+)", PAGE)))


def test_the_file_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "compose.yaml").write_text(re.sub(r"^ {3}", "", block, flags=re.M))
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("Hello\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAP_STATE_DIR", str(tmp_path / "state"))
    ended = CliRunner().invoke(root(), ["config"])
    assert ended.exit_code == 0, ended.output
    assert "nginx:1.27" in ended.output


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_what_the_page_gives_them(command: str) -> None:
    name, *words = shlex.split(command)
    with click.Context(root()) as ctx:
        found = root().get_command(ctx, name)
        assert found is not None, command
        read = found.make_context(name, words, parent=ctx)
        if isinstance(found, click.Group):
            # A group with a usual command takes other words than its commands' names for that one.
            named = words[0] in found.list_commands(ctx) if words else False
            _, inner, words = found.resolve_command(read, words if named else ["", *words])
            assert inner is not None, command
            inner.make_context(command, words, parent=read)
