"""Progress: live lines on a terminal, plain lines in a pipe."""

from pathlib import Path

import pytest

from nap_compose.cli.output import live
from nap_compose.cli.output.live import LiveLines
from nap_compose.cli.output.progress import PlainLines, progress
from nap_compose.cli.output.terminal import Terminal
from nap_compose.orchestration.events import Phase
from tests.unit.cli.scripted import Scripted, Stream, event, nap


def terminal(
    *, columns: int = 80, lines: int = 24, encoding: str = "utf-8"
) -> tuple[Terminal, Stream]:
    err = Stream(terminal=True, encoding=encoding)
    env = {"TERM": "xterm", "COLUMNS": str(columns), "LINES": str(lines), "NO_COLOR": "1"}
    return Terminal(Stream(), err, env), err


@pytest.fixture(autouse=True)
def only_the_last_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, what is drawn in between depends on how fast the test runs."""
    monkeypatch.setattr(live, "INTERVAL", 60)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    return now


def last_block(err: Stream) -> list[str]:
    return err.getvalue().splitlines()


def test_plain_lines() -> None:
    term, err = terminal()
    lines = PlainLines(term)
    for each in (
        event("start:web.1", Phase.WAITING),
        event("create:web.1", Phase.RUNNING, "creating", host="h2"),
        event("create:web.1", Phase.RUNNING, "creating", host="h2"),
        event("create:web.1", Phase.RUNNING, "created", host="h2"),
        event("create:web.1", Phase.DONE, "created", host="h2"),
        event("image:x@h2", Phase.RUNNING, "pulling", subject="image x", bytes_total=3 << 20),
        event("image:x@h2", Phase.RUNNING, "pulling", subject="image x", bytes_done=1 << 20,
              bytes_total=3 << 20),
        event("start:web.1", Phase.FAILED, host="h2", error="port 80\x1b is taken"),
        event("wait:web.1", Phase.SKIPPED),
    ):  # fmt: skip
        lines.on_event(each)
    assert err.getvalue() == (
        "web.1 on h2: creating\n"
        "web.1 on h2: created\n"
        "image x on h1: pulling (3MiB)\n"
        "web.1 on h2: failed: port 80\\x1b is taken\n"
    )


def test_the_last_of_live_lines_stays(clock: list[float]) -> None:
    term, err = terminal()
    with LiveLines("shop", term) as lines:
        lines.on_event(event("network:default", Phase.DONE, "created", subject="network default"))
        lines.on_event(event("create:web.1", Phase.RUNNING, "creating", host="host2"))
        clock[0] += 3.25
        lines.on_event(event("create:web.1", Phase.DONE, "created", host="host2"))
        lines.on_event(event("start:db.1", Phase.RUNNING, "starting"))
        lines.on_event(event("start:db.1", Phase.FAILED, error="it is \x1b[31mbroken"))
    assert last_block(err) == [
        "shop 2/3",
        f"{' ✔ network default  h1     created':72}0.0s",
        f"{' ✔ web.1            host2  created':72}3.2s",
        " ✘ db.1             h1     it is \\x1b[31mbroken".ljust(72) + "0.0s",
    ]


def test_what_was_given_up_is_not_done(clock: list[float]) -> None:
    term, err = terminal()
    with LiveLines("shop", term) as lines:
        lines.on_event(event("start:db.1", Phase.DONE, "started"))
        lines.on_event(event("wait:db.1", Phase.RUNNING, "health: starting"))
        clock[0] += 2
        lines.on_event(event("wait:db.1", Phase.SKIPPED))
        lines.on_event(event("check", Phase.SKIPPED, subject="shop", host=""))
    assert last_block(err) == [
        "shop 0/1",
        " - db.1  h1  health: starting".ljust(72) + "2.0s",
    ]


def test_bytes_are_shown_while_they_move(clock: list[float]) -> None:
    term, err = terminal()
    with LiveLines("shop", term) as lines:
        lines.on_event(
            event("image:x", Phase.RUNNING, "pulling", bytes_done=1 << 20, bytes_total=3 << 20)
        )
    assert "pulling 1MiB of 3MiB" in err.getvalue()


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_live_lines_never_wrap(columns: int) -> None:
    term, err = terminal(columns=columns)
    with LiveLines("shop", term) as lines:
        for index in range(5):
            lines.on_event(
                event(
                    f"pull:{index}", Phase.RUNNING, "pulling it", subject=f"image 世界/{index}" * 3
                )
            )
    for line in last_block(err):
        assert live.shown_width(line) < columns


def test_more_subjects_than_lines_are_counted() -> None:
    term, _ = terminal(lines=6)
    lines = LiveLines("shop", term)
    for index in range(20):
        lines.on_event(event(f"create:web.{index}", Phase.DONE, "created"))
    lines.on_event(event("create:db.1", Phase.RUNNING, "creating"))
    block = lines._block(80, 5)
    assert len(block) == 5
    assert block[0] == "shop 20/21"
    assert any("db.1" in line for line in block)
    assert block[-1] == "   and 18 more"


def test_a_terminal_without_unicode() -> None:
    term, err = terminal(encoding="ascii")
    with LiveLines("shop", term) as lines:
        lines.on_event(event("create:web.1", Phase.DONE, "created"))
    assert err.getvalue().isascii()
    assert " + web.1" in err.getvalue()


def test_a_notice_stands_above_the_block() -> None:
    term, err = terminal()
    with LiveLines("shop", term) as lines:
        lines.on_event(event("create:web.1", Phase.RUNNING, "creating"))
        lines.notice("ending")
    assert last_block(err)[:2] == ["nap: ending", "shop 0/1"]


def test_a_drawing_takes_the_place_of_the_one_before() -> None:
    term, err = terminal()
    lines = LiveLines("shop", term)
    lines.on_event(event("create:web.1", Phase.RUNNING, "creating"))
    lines._draw()
    lines.on_event(event("create:db.1", Phase.RUNNING, "creating"))
    lines._draw()
    first, second = err.getvalue().split("\x1b[2F\x1b[J")
    assert len(first.splitlines()) == 2
    assert len(second.splitlines()) == 3


def test_the_mode_fits_where_it_goes(shop: Path) -> None:
    term, _ = terminal()
    assert isinstance(progress("auto", "shop", term), LiveLines)
    pipe = Terminal(Stream(), Stream(), {})
    assert isinstance(progress("auto", "shop", pipe), PlainLines)
    dumb = Terminal(Stream(), Stream(terminal=True), {"TERM": "dumb"})
    assert isinstance(progress("auto", "shop", dumb), PlainLines)


def test_modes_on_the_command_line(shop: Path) -> None:
    control = Scripted(events=[event("create:web.1", Phase.RUNNING, "creating")])
    assert nap("up", "-d", control=control).err == "web.1 on h1: creating\n"
    assert nap("up", "-d", "--progress", "quiet", control=control).err == ""
    assert nap("up", "-d", "-q", control=control).err == ""
    assert nap("up", "-d", control=control, env={"COMPOSE_PROGRESS": "quiet"}).err == ""
    assert nap("up", "-d", "--progress", "tty", control=control).err.startswith("shop 0/1\n")
