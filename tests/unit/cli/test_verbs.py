"""start, stop, restart, kill, rm, pause, unpause, wait, create, scale: what the words ask for."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from nap_compose.border import ActRequest, Ended, Outcome, Target, UpRequest
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step, Verb
from tests.unit.cli.scripted import EMPTY_PLAN, Result, Scripted, nap, row

STEP = Step("stop:1", Kind.STOP, "h1", "1", "web.1")
STOPPED = Plan("", "shop", "shop", 0, "d1", (STEP,), (Line(Change.STOP, "web.1", "h1"),))
REMOVED = replace(STOPPED, summary=(Line(Change.REMOVE, "web.1", "h1"),))
ROWS = (row("web"), row("web", 2), row("db"))


def acted(*words: str, **scripted: object) -> tuple[Result, ActRequest]:
    control = Scripted(rows=ROWS, outcome=Outcome("done", STOPPED, 0), **scripted)  # type: ignore[arg-type]
    result = nap(*words, control=control)
    (request,) = [asked for asked in control.asked if isinstance(asked, ActRequest)]
    return result, request


@pytest.mark.parametrize("verb", list(Verb))
def test_a_service_and_a_replica_are_named_as_everywhere(verb: Verb, shop: Path) -> None:
    force = ["-f"] if verb is Verb.REMOVE else []
    _, request = acted(verb.value, *force, "web.2", "db")
    assert (request.verb, request.app) == (verb, "shop")
    assert request.targets == (Target("shop", "", "web", 2), Target("shop", "", "db"))
    _, request = acted(verb.value, *force)
    assert request.targets == ()


@pytest.mark.parametrize("verb", list(Verb))
def test_they_need_no_file(verb: Verb, empty: Path) -> None:
    force = ["-f"] if verb is Verb.REMOVE else []
    _, request = acted(verb.value, *force, "shop/web.2")
    assert request.targets == (Target("shop", "", "web", 2),)
    result = nap(verb.value, control=Scripted())
    assert result.code == Exit.WRONG_USE
    assert "which app?" in result.err


def test_the_flags_ask_for_what_they_say(shop: Path) -> None:
    assert acted("stop", "-t", "3")[1].grace == 3
    request = acted("restart", "--no-deps", "-t", "1m")[1]
    assert (request.alone, request.grace) == (True, 60)
    assert acted("kill")[1].signal == "SIGKILL"
    assert acted("kill", "-s", "HUP", "--remove-orphans")[1].signal == "HUP"
    request = acted("rm", "-fsv")[1]
    assert (request.stop_first, request.volumes) == (True, True)
    request = acted("start", "--wait", "--wait-timeout", "5")[1]
    assert (request.wait, request.timeout) == (True, 5)
    assert acted("pause", "--dry-run")[1].dry_run


@pytest.mark.parametrize(
    ("signal", "hint"),
    [
        ("HUPP", "did you mean 'HUP'?"),
        ("sigtrem", "did you mean 'TERM'?"),
        ("0", "write it like HUP, SIGHUP or 1"),
        ("65", "write it like HUP, SIGHUP or 1"),
        ("", "write it like HUP, SIGHUP or 1"),
        ("nonsense", "write it like HUP, SIGHUP or 1"),
        ("RTMIN+16", "did you mean 'RTMIN+6'?"),
    ],
)
def test_a_signal_that_nobody_knows_is_refused_before_anybody_is_asked(
    shop: Path, signal: str, hint: str
) -> None:
    control = Scripted(rows=[row("web")])
    result = nap("kill", "-s", signal, control=control)
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    assert result.err == f"nap: there is no signal '{signal}'\n     {hint}\n"
    assert control.asked == []


@pytest.mark.parametrize("signal", ["HUP", "sighup", "1", "64", "RTMIN+3", "SIGRTMAX-14"])
def test_a_signal_goes_by_its_name_or_number(shop: Path, signal: str) -> None:
    assert acted("kill", "-s", signal)[1].signal == signal


def test_what_was_done_is_said_on_standard_output(shop: Path) -> None:
    result, _ = acted("stop")
    assert result.out == "stopped 1 container of shop\n  web  stopped on h1\n"
    assert acted("stop", "-q")[0].out == ""
    nothing = nap("stop", control=Scripted(rows=ROWS))
    assert (nothing.code, nothing.out) == (0, "nothing to do: nothing of shop is to be stopped\n")


def test_a_word_that_is_no_service_is_refused_with_the_nearest(shop: Path) -> None:
    result = nap("stop", "wbe", control=Scripted(rows=ROWS))
    assert result.code == Exit.WRONG_USE
    assert result.err == (
        "nap: there is no service 'wbe' in the app shop\n     did you mean 'web'?\n"
    )


def test_a_service_of_the_file_without_a_container_is_known(shop: Path) -> None:
    control = Scripted(rows=[row("web")])
    assert nap("stop", "debug", control=control).code == 0
    assert control.asked[-1].known_services == ("db", "web", "debug")


def test_how_to_go_on_after_ctrl_c(shop: Path) -> None:
    control = Scripted(rows=ROWS, outcome=Outcome("interrupted", STOPPED, Exit.INTERRUPTED))
    result = nap("stop", control=control)
    assert result.code == Exit.INTERRUPTED
    assert "to go on:  nap stop" in result.err


class TestRemoving:
    control = Scripted(rows=ROWS, outcome=Outcome("done", REMOVED, 0))

    def test_nobody_to_ask_means_nothing_is_done(self, shop: Path) -> None:
        control = replace(self.control, asked=[])
        result = nap("rm", control=control)
        assert result.code == Exit.UNANSWERED
        assert result.err == (
            "nap: web.1 on h1 would be removed, and nobody is there to say that it may\n"
            "     nothing was done. With -f it is removed without a question\n"
        )
        assert [each.dry_run for each in control.asked if isinstance(each, ActRequest)] == [True]

    @pytest.mark.parametrize(("answer", "runs"), [("y", 2), ("n", 1), ("", 1)])
    def test_on_a_terminal_a_person_is_asked(
        self, shop: Path, monkeypatch: pytest.MonkeyPatch, answer: str, runs: int
    ) -> None:
        typed = io.StringIO(f"{answer}\n")
        monkeypatch.setattr(typed, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", typed)
        control = replace(self.control, asked=[])
        result = nap("rm", control=control, width=80)
        assert result.code == 0
        assert "Going to remove web.1 on h1. Are you sure? [y/N]" in result.err
        assert len([each for each in control.asked if isinstance(each, ActRequest)]) == runs

    def test_where_nothing_would_go_nobody_is_asked(self, shop: Path) -> None:
        result = nap("rm", control=Scripted(rows=ROWS))
        assert (result.code, result.out) == (0, "nothing to do: nothing of shop is to be removed\n")

    def test_what_still_runs_is_named_with_the_way_to_remove_it(self, shop: Path) -> None:
        plan = replace(EMPTY_PLAN, summary=(Line(Change.KEEP, "web.1", "h1", "is running"),))
        control = Scripted(rows=ROWS, outcome=Outcome("unchanged", plan, 0))
        result = nap("rm", control=control)
        assert result.out == "nothing to do: nothing of shop is to be removed\n"
        assert result.err == "  still running: web.1; with -s it is stopped first\n"

    def test_a_file_is_named_in_full(self, shop: Path) -> None:
        assert nap("rm", "--file", "compose.yaml", "-f", control=replace(self.control)).code == 0


class TestWaiting:
    def test_each_end_is_told_and_the_last_is_the_code(self, shop: Path) -> None:
        ends = (Ended("web.1", "h1", 0), Ended("db.1", "h2", 7))
        control = Scripted(rows=ROWS, ends=ends)
        result = nap("wait", "web", "db", control=control)
        assert result.code == 7
        assert result.out == "web.1 exited with status code 0\ndb.1 exited with status code 7\n"
        assert result.err == "waiting for web, db\n"
        assert nap("wait", "web", "--progress", "quiet", control=control).err == ""

    def test_the_app_goes_down_afterwards(self, shop: Path) -> None:
        control = Scripted(
            rows=ROWS, ends=[Ended("db.1", "h2", 7)], outcome=Outcome("done", EMPTY_PLAN, 0)
        )
        assert nap("wait", "db", "--down-project", control=control).code == 7
        assert (control.asked[-1].app, control.asked[-1].remove_orphans) == ("shop", True)

    def test_a_failure_of_naps_own_is_no_code_of_a_container(self, shop: Path) -> None:
        assert nap("wait", "nosuch", control=Scripted(rows=ROWS)).code == Exit.NO_ANSWER


class TestFromTheFile:
    def up(self, *words: str) -> tuple[Result, UpRequest]:
        control = Scripted(outcome=Outcome("done", EMPTY_PLAN, 0))
        result = nap(*words, control=control)
        (request,) = [each for each in control.asked if isinstance(each, UpRequest)]
        return result, request

    def test_create_starts_nothing(self, shop: Path) -> None:
        result, request = self.up("create", "web", "--scale", "web=2", "--force-recreate")
        assert (request.no_start, request.services) == (True, ("web",))
        assert (request.scale, request.force_recreate) == ({"web": 2}, True)
        assert result.out == "shop is created\n"

    def test_scale_is_about_those_services(self, shop: Path) -> None:
        result, request = self.up("scale", "web=3", "db=0", "--no-deps")
        assert (request.services, request.scale) == (("web", "db"), {"web": 3, "db": 0})
        assert request.no_deps
        assert not request.no_start
        assert result.out == "shop is scaled\n"

    @pytest.mark.parametrize("word", ["web", "web=", "web=three", "web=-1", "=3", "=", ""])
    @pytest.mark.parametrize("words", [("scale",), ("up", "-d", "--scale")])
    def test_a_scale_that_says_nothing_is_refused_with_how_to_write_it(
        self, shop: Path, words: tuple[str, ...], word: str
    ) -> None:
        result = nap(*words, word, control=Scripted())
        assert (result.code, result.out) == (Exit.WRONG_USE, "")
        assert result.err == (
            f"nap: '{word}' doesn't say how many replicas of which service\n"
            "     write it like web=3\n"
        )

    def test_a_service_that_nobody_knows_is_not_scaled(self, shop: Path) -> None:
        assert nap("scale", "nosuch=1", control=Scripted()).code == Exit.WRONG_USE
