import time
from pathlib import Path

import pytest

from nap_compose.cli.logs import moment
from nap_compose.control.border import LogLine, LogRequest, Target
from nap_compose.errors import WrongUse
from tests.unit.cli.scripted import Scripted, nap, row

LINES = [
    LogLine(1_700_000_000.5, "deploy", "", "deploy", "up by ada"),
    LogLine(1_700_000_001, "web.1", "h1", "stdout", "ready"),
    LogLine(1_700_000_002, "database.1", "h2", "stderr", "\x1b[31mslow\x1b[0m\tquery\x1b[2J"),
    LogLine(1_700_000_003, "web.2", "h3", "stdout", "ready"),
]
ROWS = [row("web", 1), row("web", 2), row("database", 1)]


def script(**more: object) -> Scripted:
    return Scripted(lines=LINES, rows=ROWS, **more)  # type: ignore[arg-type]


def test_each_line_says_who_printed_it(shop: Path) -> None:
    control = script()
    result = nap("logs", control=control)
    assert result.out == (
        "deploy | up by ada\n"
        "web.1  | ready\n"
        "database.1 | \x1b[31mslow\x1b[0m\tquery\x1b[2J\n"
        "web.2      | ready\n"
    )
    assert control.asked == [LogRequest(Target("shop"))]


def test_every_flag_reaches_the_request(empty: Path) -> None:
    control = script()
    words = "logs shop web -n 10 -f --since 1700000000 --until 2023-11-14T22:13:30Z"
    nap(*words.split(), control=control)
    assert control.asked[-1] == LogRequest(
        Target("shop", service="web"),
        services=("web",),
        follow=True,
        tail=10,
        since=1_700_000_000,
        until=1_700_000_010,
        deploy=False,
    )


def test_one_replica(shop: Path) -> None:
    control = script()
    result = nap("logs", "web.2", "--no-log-prefix", control=control)
    assert control.asked[-1].target == Target("shop", service="web", replica=2)
    assert result.out == "up by ada\nready\n"


def test_timestamps(shop: Path) -> None:
    result = nap("logs", "-t", "--no-log-prefix", control=script())
    assert result.out.splitlines()[0] == "2023-11-14T22:13:20.500Z up by ada"


def test_on_a_terminal_subjects_have_colours_and_controls_are_shown(shop: Path) -> None:
    result = nap("logs", control=script(), width=80)
    assert result.out == (
        "\x1b[2mdeploy | \x1b[0mup by ada\n"
        "\x1b[36mweb.1  | \x1b[0mready\n"
        "\x1b[33mdatabase.1 | \x1b[0m\x1b[31mslow\x1b[0m\tquery\\x1b[2J\x1b[0m\n"
        "\x1b[32mweb.2      | \x1b[0mready\n"
    )


def test_without_colours_a_terminal_gets_none(shop: Path) -> None:
    out = nap("logs", "--no-color", control=script(), width=80).out
    assert "\x1b" not in out
    assert "slow\tquery\\x1b[2J" in out


def test_an_app_named_by_its_own_file(shop: Path) -> None:
    control = script()
    assert nap("logs", "shop", control=control).code == 0
    assert control.asked[-1] == LogRequest(Target("shop"))


def test_an_unknown_service(shop: Path) -> None:
    result = nap("logs", "webb", control=script())
    assert (result.code, result.out) == (2, "")
    assert "did you mean 'web'?" in result.err


def test_whose_logs(empty: Path) -> None:
    result = nap("logs", control=script())
    assert result.code == 2
    assert "name one: nap logs APP" in result.err


@pytest.mark.parametrize("words", [("--tail", "ten"), ("--since", "yesterday"), ("--until", "x")])
def test_what_is_no_number_or_time(shop: Path, words: tuple[str, str]) -> None:
    result = nap("logs", *words, control=script())
    assert (result.code, result.out) == (2, "")
    assert words[1] in result.err


def test_warnings_are_told_beside_the_lines(shop: Path) -> None:
    result = nap("logs", control=script(warnings=("host h3 was not seen",)))
    assert result.err == "nap: warning: host h3 was not seen\n"
    assert len(result.out.splitlines()) == 4


def test_moments() -> None:
    assert moment(None) is None
    assert moment("1700000000.5") == 1_700_000_000.5
    assert moment("2023-11-14T22:13:20Z") == 1_700_000_000
    assert moment("2023-11-14T22:13:20.123456789Z") == pytest.approx(1_700_000_000.123456)
    assert moment("2023-11-14T23:13:20+01:00") == 1_700_000_000
    ago = moment("42m")
    assert ago is not None
    assert time.time() - ago == pytest.approx(42 * 60, abs=5)
    with pytest.raises(WrongUse):
        moment("2023-13-01")
