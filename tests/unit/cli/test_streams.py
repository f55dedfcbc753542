"""exec, attach, run and cp as they are typed: what crosses the border, and the exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Ended, ExecRequest, Made, RunRequest, Target
from nap_compose.cli.console import raw
from nap_compose.cli.cp import Place
from nap_compose.errors import Away, NapError
from tests.unit.cli.scripted import UNCHANGED, Scripted, nap

WELL = Ended("web.1", "h2")


@dataclass
class Talking(Scripted):
    """A Control whose processes end as told."""

    ended: Ended = WELL
    error: NapError | None = None

    def execute(self, request: ExecRequest, console: Any) -> Ended:
        return self._answer(request)

    def attach(self, request: Any, console: Any) -> Ended:
        return self._answer(request)

    def make_oneoff(self, request: RunRequest, on_event: Any, cancel: Any) -> Made:
        self.asked.append(request)
        return Made(Target("shop"), (UNCHANGED,), "h2", "shop-web-run-1", request.remove)

    def run_oneoff(self, made: Made, console: Any, *, detach_keys: str = "") -> Ended:
        return self._answer(made)

    def _answer(self, asked: Any) -> Ended:
        self.asked.append(asked)
        if self.error:
            raise self.error
        return self.ended


def exec_request(*words: str, env: dict[str, str] | None = None) -> ExecRequest:
    control = Talking()
    assert nap("exec", *words, control=control, env=env).code == 0
    (request,) = control.asked
    assert isinstance(request, ExecRequest)
    return request


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (("web", "sh"), Target("shop", "", "web")),
        (("web.2", "sh"), Target("shop", "", "web", 2)),
        (("--index", "3", "web", "sh"), Target("shop", "", "web", 3)),
        (("blog/api.1", "sh"), Target("blog", "", "api", 1)),
    ],
)
def test_which_replica_is_meant(shop: Path, words: tuple[str, ...], target: Target) -> None:
    assert exec_request(*words).target == target


def test_what_follows_the_target_is_the_command_s(shop: Path) -> None:
    assert exec_request("web", "ls", "-l", "--index", "-d").command == ("ls", "-l", "--index", "-d")
    request = exec_request("-u", "root", "--privileged=true", "-d=false", "web", "ls", "-d=true")
    assert (request.command, request.privileged, request.user) == (("ls", "-d=true"), True, "root")


def test_what_exec_is_told(shop: Path) -> None:
    words = ("-e", "A=1", "-e", "B", "-e", "NONE", "-u", "7", "-w", "/srv", "--privileged")
    request = exec_request(*words, "--detach-keys", "ctrl-x", "web", "sh", env={"B": "from here"})
    assert request.environment == ("A=1", "B=from here")
    assert (request.user, request.workdir, request.privileged) == ("7", "/srv", True)
    assert (request.detach_keys, request.tty, request.stdin) == ("ctrl-x", False, True)
    assert not exec_request("--no-interactive", "web", "sh").stdin


@pytest.mark.parametrize("verb", ["exec", "attach", "run"])
def test_the_code_is_the_process_s_own(shop: Path, verb: str) -> None:
    words = ("web",) if verb == "attach" else ("web", "sh")
    assert nap(verb, *words, control=Talking(ended=Ended("web.1", "h2", 7))).code == 7


@pytest.mark.parametrize("verb", ["exec", "attach", "run"])
@pytest.mark.parametrize("error", [NapError("no"), Away("gone", host="h2")])
def test_a_failure_of_nap_s_own_has_a_code_of_its_own(
    shop: Path, verb: str, error: NapError
) -> None:
    words = ("web",) if verb == "attach" else ("web", "sh")
    ended = nap(verb, *words, control=Talking(error=error))
    assert ended.code == 125
    assert error.message in ended.err


def test_one_that_was_left_is_said_to_go_on(shop: Path) -> None:
    control = Talking(ended=Ended("web.1", "h2", 0, detached=True))
    assert nap("exec", "web", "sh", control=control).err == "left web.1 on h2; it goes on\n"
    assert nap("exec", "-d", "web", "sh", control=control).err == ""


def run_request(*words: str, env: dict[str, str] | None = None) -> RunRequest:
    control = Talking()
    ended = nap("run", *words, control=control, env=env)
    assert ended.code == 0, ended.err
    request = control.asked[0]
    assert isinstance(request, RunRequest)
    return request


def test_what_run_is_told(shop: Path) -> None:
    (shop / "more.env").write_text("A=file\nC=3\n")
    request = run_request(
        *("--rm", "--name", "mine", "--no-deps", "--use-aliases", "--pull", "never"),
        *("--env-from-file", "more.env", "-e", "A=given", "-p", "9000:90", "web", "sh", "-p"),
    )
    assert (request.remove, request.name, request.no_deps) == (True, "mine", True)
    assert (request.use_aliases, request.pull) == (True, "never")
    spec = request.app.services["web"].spec
    assert spec["command"] == ["sh", "-p"]
    assert spec["environment"] == {"A": "given", "C": "3"}
    assert [port.published for port in request.app.services["web"].ports] == ["9000"]
    assert [port.published for port in request.whole.services["web"].ports] == ["8080"]


def test_one_that_is_left_alone_is_named(shop: Path) -> None:
    assert nap("run", "-d", "web", "sh", control=Talking()).out == "shop-web-run-1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-l", "io.nap.owner=bob", "web"), "io.nap.owner is set by nap itself"),
        (("-l", "com.docker.compose.project=x", "web"), "is set by nap itself"),
        (("-l", "=x", "web"), "'=x' is no label"),
        (("--env-from-file", "none.env", "web"), "none.env can't be read: No such file"),
        (("nope",), "no such service: nope"),
        (("-v", "none:/x", "web"), "has no volume 'none'"),
    ],
)
def test_what_run_refuses(shop: Path, words: tuple[str, ...], said: str) -> None:
    control = Talking()
    ended = nap("run", *words, control=control)
    assert (ended.code, control.asked) == (125, [])
    assert said in ended.err


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("web:/etc", Place("/etc", "web")),
        ("shop/web.2:etc", Place("etc", "shop/web.2")),
        ("web:", Place("/", "web")),
        ("-", Place("-")),
        ("file", Place("file")),
        ("./a:b", Place("./a:b")),
        ("/a:b", Place("/a:b")),
    ],
)
def test_which_end_of_a_copy_is_where(text: str, place: Place) -> None:
    assert Place.of(text) == place


def test_nothing_is_copied_between_here_and_here(shop: Path) -> None:
    ended = nap("cp", "a", "b", control=Talking())
    assert ended.code == 2
    assert "neither SRC nor DST is in a container" in ended.err


def test_a_raw_terminal_hands_every_key_on() -> None:
    import os
    import termios

    own, their = os.openpty()
    try:
        before = termios.tcgetattr(their)
        termios.tcsetattr(their, termios.TCSANOW, raw(before))
        os.write(own, b"\x03\x11\r")
        assert os.read(their, 10) == b"\x03\x11\r"
        os.write(their, b"a\nb")
        assert os.read(own, 10) == b"a\nb"
    finally:
        os.close(own)
        os.close(their)
