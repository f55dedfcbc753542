"""The harness: who is measured, what comes out, and when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import __main__ as program
from bench.case import CASES, CannotRun, Case, Command, Sides, case
from bench.measure import NOT_OURS, Broken, Times, environment, measure, seconds
from bench.report import Result, beyond_the_start, table

SECONDS = st.lists(st.tuples(st.floats(0.01, 9), st.floats(0.01, 9)), min_size=1, max_size=20)


def python(text: str) -> Command:
    return Command((sys.executable, "-S", "-c", text))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cases but those that the test registers."""
    monkeypatch.setattr(program.pkgutil, "iter_modules", lambda _: [])
    for name in list(CASES):
        monkeypatch.delitem(CASES, name)


def test_what_slows_python_down_is_kept_from_what_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NOT_OURS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HOME", "/root")
    found = environment({"HOME": "/elsewhere"})
    assert found["HOME"] == "/elsewhere"
    assert "PATH" in found
    assert not set(NOT_OURS) & set(found)


def register(name: str, nap: str, peer: str, bar: float | None) -> None:
    @case(name, what="a job", peer="peer", bar=bar, runs=3)
    @contextmanager
    def prepare(_: Path) -> Iterator[Sides]:
        yield Sides(python(nap), python(peer))


@settings(deadline=None)  # the draws of a busy machine may take a while
@given(SECONDS)
def test_the_ratio_lies_in_its_interval(pairs: list[tuple[float, float]]) -> None:
    times = Times(tuple(nap for nap, _ in pairs), tuple(peer for _, peer in pairs))
    low, high = times.interval()
    assert low <= high
    assert min(times.nap) / max(times.peer) <= low
    assert high <= max(times.nap) / min(times.peer)
    assert times.interval() == (low, high)


def test_equal_runs_leave_no_doubt() -> None:
    times = Times((2.0,) * 9, (4.0,) * 9)
    assert times.ratio == 0.5
    assert times.interval() == (0.5, 0.5)


def test_the_sides_take_turns(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    sides = Sides(*(python(f"open({str(seen)!r}, 'a').write({side!r})") for side in "np"))
    times = measure(sides, 4)
    assert seen.read_text() == "np" + "np" + "pn" + "np" + "pn"
    assert (len(times.nap), len(times.peer)) == (4, 4)


def test_what_goes_before_and_after_is_not_timed(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def note(word: str) -> str:
        return f"import time; open({str(seen)!r}, 'a').write({word!r})"

    slow = python(note("b") + "; time.sleep(3)").argv
    command = replace(python(note("n")), before=slow, after=python(note("a")).argv)
    assert seconds(command) < 2.5
    assert seen.read_text() == "bna"
    with pytest.raises(Broken, match="ended with 4"):
        seconds(replace(command, after=python("raise SystemExit(4)").argv))


def test_a_run_that_fails_has_no_time() -> None:
    with pytest.raises(Broken, match=r"ended with 3: no such file"):
        seconds(python("import sys; sys.stderr.write('no such file'); sys.exit(3)"))


@pytest.mark.usefixtures("only")
class TestProgram:
    def test_a_bar_that_is_met(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        register("quick", "pass", "import time; time.sleep(0.2)", bar=1.0)
        register("shown", "pass", "pass", bar=None)
        out = tmp_path / "out.json"
        assert program.main(["--json", str(out)]) == 0
        shown = capsys.readouterr().out.splitlines()
        assert shown[1].split()[0] == "quick"
        assert shown[1].endswith("ok")
        quick, _ = json.loads(out.read_text())["results"]
        assert quick["ratio"] < 1
        assert len(quick["runs_s"]["nap"]) == 3

    def test_a_bar_that_is_missed(self, tmp_path: Path) -> None:
        register("slow", "import time; time.sleep(0.2)", "pass", bar=1.0)
        assert program.main(["--json", str(tmp_path / "out.json")]) == 1
        assert json.loads((tmp_path / "out.json").read_text())["results"][0]["verdict"] == "missed"

    def test_a_side_that_fails(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        register("broken", "raise SystemExit(2)", "pass", bar=None)
        assert program.main(["--json", str(tmp_path / "out.json")]) == 1
        assert "ended with 2" in capsys.readouterr().out

    def test_what_cannot_run_fails_too(self, tmp_path: Path) -> None:
        @case("nowhere", what="", peer="", bar=1.0)
        @contextmanager
        def prepare(_: Path) -> Iterator[Sides]:
            raise CannotRun("no engine here")
            yield

        assert program.main(["--json", str(tmp_path / "out.json")]) == 1

    def test_patterns_choose(self, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("config-10", "config-100", "help"):
            register(name, "pass", "pass", bar=None)
        assert program.main(["--list", "config-*"]) == 0
        listed = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in listed] == ["config-10", "config-100"]
        with pytest.raises(SystemExit, match="no case nothing"):
            program.main(["nothing"])


def test_the_table_lines_up() -> None:
    @contextmanager
    def prepare(_: Path) -> Iterator[Sides]:
        yield Sides(python(""), python(""))

    from bench.case import Case

    good = Result(Case("a", "", "Compose", 1.0, prepare), Times((0.08,), (0.1,)))
    bad = Result(Case("much-longer", "", "Compose", None, prepare), problem="no engine here")
    head, first, second, problem = table([good, bad]).splitlines()
    assert first.split() == [
        "a",
        "Compose",
        "80",
        "ms",
        "100",
        "ms",
        "0.80",
        "0.80..0.80",
        *first.split()[8:],
    ]
    assert first.split()[8:] == ["1.00", "ok"]
    assert head.index("PEER") == first.index("Compose") == second.index("Compose")
    assert problem == "much-longer: no engine here"


def test_what_a_case_takes_beyond_its_start() -> None:
    start = Case("start", "", "peer", None, lambda _: nullcontext(Sides(python(""), python(""))))
    more = replace(start, name="more", start="start")
    lone = replace(start, name="lone", start="elsewhere")
    results = [
        Result(start, Times((1.0, 1.0), (3.0, 3.0))),
        Result(more, Times((1.5, 1.5), (4.0, 4.0))),
        Result(lone, Times((9.0,), (9.0,))),
    ]
    assert beyond_the_start(results) == {"more": (0.5, 1.0)}
    assert table(results).endswith("start-up taken away:\n  more: 500 ms, peer 1000 ms  0.50")
    assert "start-up" not in table(results[2:])


def test_five_thousand_replicas_are_placed_within_the_limits() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.placing"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("5000 replicas on 1000 hosts"), ended.stderr
    assert ended.returncode == 0, ended.stderr
