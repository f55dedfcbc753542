"""`up` that stays: what it shows, what ends it, and what becomes of the app then."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nap_compose.border import ActRequest, AttendRequest, Checked, Ended, LogLine, UpRequest
from nap_compose.cli import bringing
from nap_compose.compose.rows import Site
from nap_compose.orchestration.plan import Verb
from tests.unit.cli.scripted import UNCHANGED, Scripted, nap

CLUSTER = Checked(Site("lab", 3))


def line(service: str, text: str, source: str = "stdout") -> LogLine:
    return LogLine(1_700_000_000.25, f"{service}.1", "local", source, text)


def ended(service: str, code: int, **more: bool) -> Ended:
    return Ended(f"{service}.1", "local", code, **more)


def of(kind: type, control: Scripted) -> list[object]:
    return [each for each in control.asked if isinstance(each, kind)]


def until(control: Scripted, verb: Verb) -> Callable[[], None]:
    """Wait until the app was told to do this."""

    def wait() -> None:
        deadline = time.monotonic() + 10
        while not any(each.verb is verb for each in of(ActRequest, control)):  # type: ignore[attr-defined]
            assert time.monotonic() < deadline, f"nobody was told to {verb.value}"
            time.sleep(0.01)

    return wait


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_on_one_engine_it_shows_what_is_printed_until_all_have_ended(shop: Path) -> None:
    said = [line("db", "ready"), line("web", "oops", "stderr"), ended("web", 3), ended("db", 0)]
    control = Scripted(attended=said)
    result = nap("up", control=control)
    assert (result.code, result.err) == (0, "web-1  | oops\n")
    assert result.out == (
        "Attaching to db-1, web-1\n"
        "db-1  | ready\n"
        "web-1 exited with code 3\n"
        "db-1 exited with code 0\n"
    )
    (request,) = of(UpRequest, control)
    assert request == UpRequest(app=request.app, wait=False)  # type: ignore[attr-defined]
    assert not of(ActRequest, control)


def test_how_lines_look(shop: Path) -> None:
    said = [line("db", "ready"), ended("db", 1, restarts=True)]
    result = nap("up", "--no-log-prefix", "--timestamps", control=Scripted(attended=said))
    assert result.out.splitlines()[1:] == [
        "2023-11-14T22:13:20.250Z ready",
        "db-1 exited with code 1 (restarting)",
    ]
    coloured = nap("--ansi", "always", "up", control=Scripted(attended=said)).out
    assert "\x1b[36mdb-1  | \x1b[0mready" in coloured
    plain = nap("--ansi", "always", "up", "--no-color", "--ansi", "never",
                control=Scripted(attended=said)).out  # fmt: skip
    assert "\x1b" not in plain


@pytest.mark.parametrize(
    ("words", "shown", "awaited"),
    [
        ((), ("db", "web"), ("db", "web")),
        (("web",), ("web",), ("web",)),
        (("--attach-dependencies", "web"), ("db", "web"), ("web",)),
        (("--attach=db",), ("db",), ("db",)),
        (("--attach=db", "web"), ("db",), ("web",)),
        (("--no-attach", "db"), ("web",), ("web",)),
        (("--attach", "--no-attach", "db"), ("web",), ("web",)),
        (("--attach=web", "--exit-code-from", "db"), ("web",), ("db", "web")),
    ],
)
def test_whose_output_is_shown_and_whose_end_is_awaited(
    shop: Path, words: tuple[str, ...], shown: tuple[str, ...], awaited: tuple[str, ...]
) -> None:
    (shop / "more.yml").write_text("services: {web: {depends_on: [db]}}\n")
    control = Scripted()
    nap("-f", "compose.yaml", "-f", "more.yml", "up", *words, control=control)
    (request,) = of(AttendRequest, control)
    assert (request.shown, request.awaited) == (shown, awaited)  # type: ignore[attr-defined]


def test_a_service_may_say_itself_that_it_is_not_to_be_shown(shop: Path) -> None:
    (shop / "more.yml").write_text("services: {db: {attach: false}}\n")
    control = Scripted()
    nap("-f", "compose.yaml", "-f", "more.yml", "up", control=control)
    assert of(AttendRequest, control)[0].shown == ("web",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-d --attach web", "--detach returns, and --attach stays"),
        ("--wait --abort-on-container-exit", "--wait returns, and --abort-on-container-exit stays"),
        ("-d --exit-code-from web", "--detach returns, and --exit-code-from stays"),
        ("-d --foreground", "--detach returns, and --foreground stays"),
        ("--attach=web --attach-dependencies", "can't be combined"),
        ("--abort-on-container-exit --abort-on-container-failure", "are two ways"),
        ("--attach=wbe", "there is no service 'wbe' among what is brought up"),
        ("--exit-code-from web db", "there is no service 'web' among what is brought up"),
    ],
)
def test_what_contradicts_itself_is_refused(shop: Path, words: str, said: str) -> None:
    control = Scripted()
    result = nap("up", *words.split(), control=control)
    assert result.code == 2
    assert said in result.err
    assert not of(UpRequest, control)


def test_the_end_of_a_container_may_end_the_app(shop: Path) -> None:
    control = Scripted()
    control.attended = [ended("db", 7), until(control, Verb.STOP), ended("web", 143)]
    result = nap("up", "--abort-on-container-exit", "-t", "3", "db", "web", control=control)
    assert result.code == 7
    assert "nap: a container has ended, so the app is stopped\n" in result.err
    assert result.out.endswith("web-1 exited with code 143\n")
    (stop,) = of(ActRequest, control)
    assert (stop.app, stop.grace) == ("shop", 3.0)  # type: ignore[attr-defined]
    assert [each.service for each in stop.targets] == ["db", "web"]  # type: ignore[attr-defined]


def test_an_end_that_is_no_failure_may_be_let_pass(shop: Path) -> None:
    control = Scripted()
    control.attended = [ended("db", 0), ended("web", 4), until(control, Verb.STOP)]
    assert nap("up", "--abort-on-container-failure", control=control).code == 4
    quiet = Scripted(attended=[ended("db", 0), ended("web", 0)])
    assert nap("up", "--abort-on-container-failure", control=quiet).code == 0
    assert not of(ActRequest, quiet)


def test_the_code_of_one_service_may_count(shop: Path) -> None:
    control = Scripted()
    control.attended = [ended("db", 7), until(control, Verb.STOP), ended("web", 0)]
    assert nap("up", "--exit-code-from", "web", control=control).code == 0
    assert [each.targets for each in of(ActRequest, control)] == [()]  # type: ignore[attr-defined]


def test_ctrl_c_stops_the_app(shop: Path) -> None:
    control = Scripted()
    control.attended = [line("db", "ready"), ctrl_c, until(control, Verb.STOP), ended("db", 0)]
    result = nap("up", control=control)
    assert result.code == 130
    assert [each.verb for each in of(ActRequest, control)] == [Verb.STOP]  # type: ignore[attr-defined]
    assert result.out.endswith("db-1 exited with code 0\n")


def test_a_second_ctrl_c_kills_it(shop: Path) -> None:
    control = Scripted()

    class Slow(Scripted):
        def act(self, request, on_event, cancel):  # type: ignore[no-untyped-def]
            self.asked.append(request)
            deadline = time.monotonic() + 10
            while request.verb is Verb.STOP and not cancel.level:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            return replace(UNCHANGED, state="interrupted" if cancel.level else "done")

    control = Slow()
    control.attended = [ctrl_c, until(control, Verb.STOP), ctrl_c, until(control, Verb.KILL)]
    assert nap("up", control=control).code == 130
    verbs = [each.verb for each in of(ActRequest, control)]  # type: ignore[attr-defined]
    assert verbs == [Verb.STOP, Verb.KILL]


def test_on_a_cluster_it_waits_and_returns(shop: Path) -> None:
    control = Scripted(owner="ada", checked=CLUSTER)
    assert nap("up", control=control).code == 0
    (request,) = of(UpRequest, control)
    assert request.wait  # type: ignore[attr-defined]
    assert not of(AttendRequest, control)


@pytest.mark.parametrize("words", [("--attach",), ("--attach=web",), ("--attach-dependencies",)])
def test_on_a_cluster_attaching_leaves_the_app_alone(shop: Path, words: tuple[str, ...]) -> None:
    control = Scripted(owner="ada", checked=CLUSTER)
    asleep = [line("web", "ready"), ctrl_c, lambda: time.sleep(0.5)]
    control.attended = asleep
    result = nap("up", *words, control=control)
    assert result.code == 130
    assert "web.1 | ready\n" in result.out
    assert result.err.endswith("nap: shop goes on; nap logs -f shop shows its output\n")
    assert not of(ActRequest, control)


@pytest.mark.parametrize("word", ["--foreground", "--abort-on-container-exit"])
def test_on_a_cluster_the_foreground_is_asked_for(shop: Path, word: str) -> None:
    control = Scripted(owner="ada", checked=CLUSTER)
    control.attended = [ctrl_c, until(control, Verb.STOP)]
    assert nap("up", word, control=control).code == 130
    assert of(UpRequest, control)[0].wait  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [("--dry-run",), ("--no-start",)])
def test_where_nothing_is_started_nobody_stays(shop: Path, words: tuple[str, ...]) -> None:
    control = Scripted()
    assert nap("up", *words, control=control).code == 0
    assert not of(AttendRequest, control)


def test_nobody_stays_with_what_failed(shop: Path) -> None:
    control = Scripted(
        outcome=replace(UNCHANGED, state="rolled back", error="no such image", exit_code=1),
        attended=[lambda: time.sleep(30)],
    )
    result = nap("up", control=control)
    assert result.code == 1
    assert result.err == "nap: shop was put back as it was before: no such image\n"


def test_what_was_not_seen_is_told_by_the_code_at_the_end(shop: Path) -> None:
    control = Scripted(owner="ada", checked=CLUSTER, outcome=replace(UNCHANGED, exit_code=5))
    control.attended = [line("web", "ready")]
    assert nap("up", "--attach", control=control).code == 5


def test_ctrl_c_at_a_question_ends_it(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        raise AssertionError("the question went on")

    monkeypatch.setattr(bringing, "may_go_on", asked)
    control = Scripted(outcome=replace(UNCHANGED, state="asks", exit_code=8))
    assert nap("up", control=control).code == 130
    assert len(of(UpRequest, control)) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
