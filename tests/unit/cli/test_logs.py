import io
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from nap_compose.border import LogLine, LogRequest, Target
from nap_compose.cli.moments import moment
from nap_compose.cli.output.terminal import AT_ONCE, Terminal
from nap_compose.errors import Away, WrongUse
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
        "web-1  | ready\n"
        "database-1  | \x1b[31mslow\x1b[0m\tquery\\x1b[2J\x1b[0m\n"
        "web-2       | ready\n"
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


def test_an_index_is_a_replica_of_the_one_service(shop: Path) -> None:
    control = script()
    assert nap("logs", "web", "--index", "2", control=control).code == 0
    assert control.asked[-1].target == Target("shop", service="web", replica=2)
    for words in (("--index", "2"), ("web", "db", "--index", "2"), ("web.1", "--index", "2")):
        result = nap("logs", *words, control=control)
        assert result.code == 2
        assert "--index is about one service" in result.err


def test_on_a_cluster_a_replica_goes_by_its_own_name(shop: Path) -> None:
    rows = [row("web", 1, owner="ada"), row("web", 2, owner="ada"), row("database", 1, owner="ada")]
    out = nap("logs", control=Scripted(owner="ada", lines=LINES, rows=rows)).out
    assert out.splitlines()[1:] == [
        "web.1  | ready",
        "database.1 | \x1b[31mslow\x1b[0m\tquery\\x1b[2J\x1b[0m",
        "web.2      | ready",
    ]


def test_timestamps(shop: Path) -> None:
    result = nap("logs", "-t", "--no-log-prefix", control=script())
    assert result.out.splitlines()[0] == "2023-11-14T22:13:20.500Z up by ada"


def test_on_a_terminal_subjects_have_colours_and_controls_are_shown(shop: Path) -> None:
    result = nap("logs", control=script(), width=80)
    assert result.out == (
        "\x1b[2mdeploy | \x1b[0mup by ada\n"
        "\x1b[36mweb-1  | \x1b[0mready\n"
        "\x1b[33mdatabase-1  | \x1b[0m\x1b[31mslow\x1b[0m\tquery\\x1b[2J\x1b[0m\n"
        "\x1b[32mweb-2       | \x1b[0mready\n"
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


def test_what_of_the_containers_is_wanted_reaches_the_request(shop: Path) -> None:
    control = script()
    nap("logs", "--host", "h1", "--host", "h2", "--stream", "stderr", control=control)
    assert control.asked[-1] == LogRequest(
        Target("shop"), hosts=("h1", "h2"), stream="stderr", deploy=False
    )
    nap("logs", "--service", "web", control=control)
    assert control.asked[-1] == LogRequest(
        Target("shop", service="web"), services=("web",), deploy=False
    )


@pytest.mark.parametrize(
    ("words", "deploy", "containers", "deployment"),
    [
        ((), True, True, ""),
        (("--deploy",), True, False, ""),
        (("--containers",), False, True, ""),
        (("--deploy", "--containers"), True, True, ""),
        (("--deployment", "3fa8"), True, False, "3fa8"),
        (("--deploy", "web"), True, False, ""),
    ],
)
def test_deployments_containers_or_both(
    shop: Path, words: tuple[str, ...], deploy: bool, containers: bool, deployment: str
) -> None:
    control = script()
    nap("logs", *words, control=control)
    asked = control.asked[-1]
    assert (asked.deploy, asked.containers, asked.deployment) == (deploy, containers, deployment)


def test_grep_shows_lines_in_which_it_is_found(shop: Path) -> None:
    assert nap("logs", "--grep", "^rea.y$", control=script()).out == (
        "web-1  | ready\nweb-2  | ready\n"
    )
    result = nap("logs", "--grep", "a(b", control=script())
    assert (result.code, result.out) == (2, "")
    assert "'a(b' is no regular expression" in result.err


JSON_LINES = [
    '{"level":"info","msg":"up"}',
    '{"severity":"WARNING"}',
    '{"level":50,"msg":"pino"}',
    '{"lvl":"fatal"}',
    "ERROR but no JSON",
    '{"level":"error","cut',
    '["level"]',
    '{"level":true}',
    '{"level":null}',
    "[" * 100_000,
]


@pytest.mark.parametrize(
    ("level", "shown"), [("trace", 4), ("info", 4), ("warn", 3), ("error", 2), ("critical", 1)]
)
def test_a_level_is_of_lines_that_are_json(shop: Path, level: str, shown: int) -> None:
    lines = [LogLine(1_700_000_000, "web.1", "h1", "stdout", text) for text in JSON_LINES]
    words = ("logs", "--no-log-prefix", "--level", level)
    out = nap(*words, control=Scripted(rows=ROWS, lines=lines)).out.splitlines()
    assert len(out) == shown
    assert level != "error" or out == ['{"level":50,"msg":"pino"}', '{"lvl":"fatal"}']


def test_json_is_a_line_each_with_everything(shop: Path) -> None:
    out = nap("logs", "--format", "json", control=script()).out
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[2] == {
        "at": "2023-11-14T22:13:22.000000Z",
        "owner": "",
        "app": "shop",
        "subject": "database.1",
        "service": "database",
        "replica": 1,
        "host": "h2",
        "source": "stderr",
        "text": "\x1b[31mslow\x1b[0m\tquery\x1b[2J",
    }
    assert (rows[0]["source"], rows[0]["service"], rows[0]["replica"]) == ("deploy", "", 0)


def test_raw_lets_escapes_through(shop: Path) -> None:
    out = nap("logs", "database", "--raw", control=script(), width=80).out
    assert "\x1b[31mslow\x1b[0m\tquery\x1b[2J\n" in out


FULL = AT_ONCE // 8
"""Lines of eight letters that are written together."""


@pytest.mark.parametrize("count", [0, 1, FULL - 1, FULL, FULL + 1, 3 * FULL])
@pytest.mark.parametrize("breaks", [False, True])
def test_what_came_is_told_also_where_no_more_comes(count: int, breaks: bool) -> None:
    def lines() -> Iterator[str]:
        yield from (f"{number:8}" for number in range(count))
        if breaks:
            raise Away("the host is gone")

    out = io.StringIO()
    with pytest.raises(Away) if breaks else nullcontext():
        Terminal(out, io.StringIO(), {}).say_all(lines())
    assert out.getvalue().splitlines() == [f"{number:8}" for number in range(count)]
