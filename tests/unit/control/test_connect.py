"""How the cluster is reached that a command is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.cluster import chosen
from nap_compose.control import tokens
from nap_compose.control.connect import _way
from nap_compose.errors import WrongUse

SUDO = ("sudo", "-n", "-u", "nap", "/usr/local/lib/nap/broker")


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the usual cluster file and the broker are: nowhere, until a test makes them."""
    monkeypatch.setattr(chosen, "USUAL", tmp_path / "cluster.yml")
    monkeypatch.setattr(chosen, "BROKER", str(tmp_path / "broker"))
    return tmp_path


def program(path: Path) -> None:
    path.touch()
    path.chmod(0o755)


def test_without_a_cluster_it_is_the_local_engine(usual: Path) -> None:
    assert _way(None, {}) == ((), "")


def test_who_reads_the_usual_file_needs_no_broker(usual: Path) -> None:
    (usual / "cluster.yml").touch()
    program(usual / "broker")
    assert _way(None, {}) == ((), str(usual / "cluster.yml"))


def test_who_does_not_goes_through_it(usual: Path) -> None:
    program(usual / "broker")
    assert _way(None, {}) == (SUDO, "sudo:")


def test_a_file_that_is_named_is_read_by_oneself(usual: Path) -> None:
    program(usual / "broker")
    mine = usual / "mine.yml"
    mine.touch()
    assert _way(str(mine), {}) == ((), str(mine))
    assert _way(None, {"NAP_CLUSTER": str(mine)}) == ((), str(mine))
    with pytest.raises(WrongUse, match="no cluster file"):
        _way(str(usual / "none.yml"), {})


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("ssh://control", ("control",)),
        ("ssh://bob@control.example/", ("bob@control.example",)),
        ("ssh://bob@control:2222", ("-p", "2222", "--", "bob@control")),
    ],
)
def test_another_machine_over_ssh(named: str, words: tuple[str, ...]) -> None:
    argv, address = _way(named, {})
    assert argv[0] == "ssh"
    assert argv[-len(SUDO) :] == SUDO
    assert argv[-len(SUDO) - 2] == "--"
    assert argv[-len(SUDO) - len(words) : -len(SUDO)] == words
    assert address == named


@pytest.mark.parametrize(
    "named",
    [
        "ssh:",
        "ssh://",
        "ssh://-oProxyCommand=id",
        "ssh://a b",
        "ssh://a;id",
        "ssh:///etc",
        "ssh://a/b",
    ],
)
def test_what_is_no_machine(named: str) -> None:
    with pytest.raises(WrongUse, match="no machine"):
        _way(named, {})


def test_tokens_are_kept_for_each_cluster(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    assert tokens.token_of(env, "sudo:") == ""
    tokens.remember(env, "sudo:", "one")
    tokens.remember(env, "ssh://a", "two")
    assert (tokens.token_of(env, "sudo:"), tokens.token_of(env, "ssh://a")) == ("one", "two")
    tokens.remember(env, "sudo:", "")
    assert (tokens.token_of(env, "sudo:"), tokens.token_of(env, "ssh://a")) == ("", "two")
    file = tmp_path / "nap" / "session"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_session_that_others_may_read_or_that_is_a_link_counts_as_none(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    tokens.remember(env, "sudo:", "one")
    file = tmp_path / "nap" / "session"
    file.chmod(0o640)
    assert tokens.token_of(env, "sudo:") == ""
    file.chmod(0o600)
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")
    assert tokens.token_of(env, "sudo:") == ""
