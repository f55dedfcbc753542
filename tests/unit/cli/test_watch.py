"""`nap watch` and `up --watch`: real files that change, and what is asked of the other side."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nap_compose.border import ActRequest, AttendRequest, ExecRequest, UpRequest
from nap_compose.cli.watching import files
from nap_compose.orchestration.plan import Verb
from tests.unit.cli.scripted import Result, Scripted, Stream, nap, row

TEXT = """
services:
  web:
    image: nginx
    develop:
      watch:
        - {path: ./src, action: sync, target: /app, ignore: ["*.log"]}
        - {path: ./conf, action: sync+restart, target: /etc/conf}
        - {path: ./hook, action: sync+exec, target: /hook, exec: {command: reload now, user: u}}
"""


@pytest.fixture
def watched(empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "QUIET", 0.05)
    (empty / "compose.yaml").write_text(f"name: watched\n{TEXT}")
    for name in ("src", "conf"):
        (empty / name).mkdir()
    (empty / "hook").write_text("one")
    return empty


@pytest.fixture
def control() -> Scripted:
    return Scripted(rows=[row("web", 1), row("web", 2)])


def during(
    control: Scripted,
    change: Callable[[], None],
    *,
    asked: int,
    words: tuple[str, ...] = ("watch", "--no-up"),
) -> Result:
    """Once files are watched make the `change`, and when the other side was asked so many things
    press Ctrl-C."""
    ended = threading.Event()
    err = Stream()

    def meanwhile() -> None:
        if until(lambda: "Ctrl-C ends that" in err.getvalue()):
            change()
            until(lambda: len(control.asked) >= asked)
            ended.wait(0.2)  # nothing more comes
        if not ended.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    def until(there: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 60
        while not there() and not ended.is_set() and time.monotonic() < deadline:
            time.sleep(0.02)
        return there()

    helper = threading.Thread(target=meanwhile)
    helper.start()
    try:
        return nap(*words, control=control, err=err)
    finally:
        ended.set()
        helper.join()


def test_a_changed_file_is_brought_to_each_replica(watched: Path, control: Scripted) -> None:
    def change() -> None:
        (watched / "src" / "a.py").write_text("hello")
        (watched / "src" / "a.log").write_text("no")
        (watched / "src" / "deep").mkdir()
        (watched / "src" / "deep" / "b.py").write_text("below")

    result = during(control, change, asked=2)
    held = {"app/a.py": "hello", "app/deep/b.py": "below"}
    assert control.asked == [(1, "/", held, True), (2, "/", held, True)]
    assert result.code == 130
    assert result.out == ""
    assert result.err.startswith("nap: 3 paths are watched for watched; Ctrl-C ends that\n")
    assert "nap: web: 2 brought over, on 2 replicas\n" in result.err
    assert result.err.endswith(" goes on, and isn't watched any more\n")


def test_what_is_gone_goes_there_too(watched: Path, control: Scripted) -> None:
    (watched / "src" / "a.py").write_text("hello")
    during(control, (watched / "src" / "a.py").unlink, asked=2)
    commands = [each.command for each in control.asked if isinstance(each, ExecRequest)]
    assert commands == [("rm", "-rf", "--", "/app/a.py")] * 2


def test_a_service_may_be_restarted_then(watched: Path, control: Scripted) -> None:
    result = during(control, lambda: write(watched / "conf" / "x"), asked=3)
    (act,) = [each for each in control.asked if isinstance(each, ActRequest)]
    assert (act.verb, [each.service for each in act.targets]) == (Verb.RESTART, ["web"])
    assert isinstance(control.asked[-1], ActRequest)
    assert "nap: web: restarted\n" in result.err


def test_a_command_may_be_run_then_as_an_editor_saves(watched: Path, control: Scripted) -> None:
    def save() -> None:
        (watched / "hook.new").write_text("two")
        (watched / "hook.new").replace(watched / "hook")

    result = during(control, save, asked=4)
    runs = [each for each in control.asked if isinstance(each, ExecRequest)]
    assert [(each.command, each.user, each.target.replica) for each in runs] == [
        (("reload", "now"), "u", 1),
        (("reload", "now"), "u", 2),
    ]
    assert control.asked[0] == (1, "/", {"hook": "two"}, True)
    assert "done\n" in result.err


def test_what_fails_is_a_warning_and_the_watching_goes_on(watched: Path, control: Scripted) -> None:
    control.code = 3
    result = during(control, lambda: write(watched / "hook"), asked=3)
    assert (
        "nap: warning: web was not brought up to date: `reload` in web.1 ended with 3" in result.err
    )
    assert result.code == 130


def test_from_the_start_what_is_asked_for_is_there(watched: Path, control: Scripted) -> None:
    text = TEXT.replace('ignore: ["*.log"]', 'ignore: ["*.log"], initial_sync: true')
    (watched / "compose.yaml").write_text(f"name: watched\n{text}")
    write(watched / "src" / "a.py")
    write(watched / "src" / "a.log")
    during(control, lambda: None, asked=2)
    assert [each[2] for each in control.asked] == [{"app/a.py": "x"}] * 2


def test_first_it_is_brought_up(watched: Path, control: Scripted) -> None:
    assert during(control, lambda: None, asked=1, words=("watch",)).code == 130
    (up,) = [each for each in control.asked if isinstance(each, UpRequest)]
    assert not up.wait


def test_up_may_watch_in_the_foreground(watched: Path, control: Scripted) -> None:
    def change() -> None:
        deadline = time.monotonic() + 60
        while not any(isinstance(each, tuple) for each in control.asked):
            if time.monotonic() > deadline:
                break
            write(watched / "src" / "a.py")
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    helper = threading.Thread(target=change)
    helper.start()
    result = nap("up", "--watch", control=control)
    helper.join()
    assert result.code == 130
    assert any(isinstance(each, AttendRequest) for each in control.asked)
    assert (1, "/", {"app/a.py": "x"}, True) in control.asked
    assert nap("up", "-d", "--watch", control=control).code == 2


def test_where_nothing_is_to_be_watched_it_says_so(shop: Path) -> None:
    result = nap("watch", control=Scripted())
    assert (result.code, result.err.splitlines()[0]) == (
        1,
        "nap: nothing of shop is to be watched",
    )


def test_prune_says_that_it_removes_nothing(watched: Path) -> None:
    (watched / "compose.yaml").write_text("services: {web: {image: nginx}}\n")
    result = nap("watch", "--prune", control=Scripted())
    assert result.err.startswith("nap: warning: --prune removes nothing: ")


def test_what_is_not_there_is_told(watched: Path, control: Scripted) -> None:
    (watched / "conf").rmdir()
    result = during(control, lambda: None, asked=0)
    assert f"nap: warning: {watched}/conf isn't there, so it isn't watched\n" in result.err


def test_an_image_may_be_built_anew_then(watched: Path, control: Scripted) -> None:
    (watched / "compose.yaml").write_text(
        """
        name: watched
        services:
          web:
            build: .
            depends_on: [db]
            develop: {watch: [{path: ./src, action: rebuild}]}
          db: {image: mariadb}
        """
    )
    result = during(control, lambda: write(watched / "src" / "a.py"), asked=1)
    (request,) = control.asked
    assert (request.services, request.build, request.no_deps) == (("web",), "always", True)
    assert request.contexts is not None
    assert "nap: web: rebuilding\nnap: web: as it was\n" in result.err


def test_what_can_not_be_rebuilt_is_refused_where_it_stands(watched: Path) -> None:
    more = "        - {path: ./src, action: rebuild}\n"
    (watched / "compose.yaml").write_text(f"name: watched\n{TEXT}{more}")
    result = nap("watch", control=Scripted())
    assert result.code == 2
    assert "compose.yaml:7:7: web is to be rebuilt at a change, and has no `build`" in result.err


def test_a_pattern_that_is_none_is_told_with_its_place(watched: Path) -> None:
    (watched / "compose.yaml").write_text(f"name: watched\n{TEXT.replace('*.log', '[a')}")
    result = nap("watch", control=Scripted())
    assert result.code == 2
    assert result.err.startswith("nap: compose.yaml:8:11: a pattern in it is none")


def write(path: Path) -> None:
    path.write_text("x")
