"""`images`, `volumes`, `port`, `top`, `stats`, `events` as the person sees them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    Chosen,
    EventRequest,
    EventRow,
    ImageRow,
    ProcessesRow,
    Target,
    UsageRow,
    VolumeRow,
    Whereabouts,
)
from tests.unit.cli.scripted import Scripted, nap, row


def of(service: str, replica: int = 1, *, owner: str = "ada", host: str = "h1") -> Whereabouts:
    name = f"{owner}_shop-{service}-{replica}"
    return Whereabouts(owner, "shop", service, replica, host, name, service.ljust(64, "0"))


def at_home(service: str, replica: int = 1) -> Whereabouts:
    name = f"shop-{service}-{replica}"
    return Whereabouts("", "shop", service, replica, "local", name, service.ljust(64, "0"))


def images(*places: Whereabouts) -> dict[str, list[Any]]:
    digest = "sha256:" + "ab" * 32
    return {
        "images": [
            ImageRow(place, digest, "registry:5000/web", "1", "linux/amd64", 1_984_132, "")
            for place in places
        ]
    }


TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
PROCESS = ("root", "4242", "1", "0", "12:00", "?", "00:00:00", "sleep 1000000 and a long line")
ROWS = [row("web", owner="ada"), row("db", owner="ada")]
SEEN = {
    **images(of("db"), of("web", 2, host="h2")),
    "volumes": [
        VolumeRow("ada", "shop", "data", "h1", "ada_shop_data", "local", "local", "/v", {"a": "b"})
    ],
    "processes": [ProcessesRow(of("db"), TITLES, (PROCESS,))],
    "usage": [
        UsageRow(of("db"), cpu=12.345, memory=3 << 20, limit=8 << 30, received=1040, processes=3),
        UsageRow(of("web", 2, host="h2"), running=False),
    ],
}


def cluster(**more: Any) -> Scripted:
    return Scripted(owner="ada", rows=ROWS, seen=SEEN, **more)


def test_images(shop: Path) -> None:
    home = Scripted(rows=[row("web")], seen=images(at_home("web")))
    assert nap("images", control=home).out == (
        "CONTAINER    REPOSITORY          TAG   PLATFORM      IMAGE ID       SIZE     CREATED\n"
        "shop-web-1   registry:5000/web   1     linux/amd64   abababababab   1.98MB   N/A\n"
    )
    assert home.asked == [Chosen(Target("shop"), stopped=True)]
    assert nap("images", "-q", control=cluster()).out == "ab" * 32 + "\n"
    out = nap("images", control=cluster()).out
    assert out.splitlines()[2].split()[:4] == ["shop", "web.2", "h2", "registry:5000/web"]
    found = json.loads(nap("images", "--format", "json", control=cluster()).out)
    assert [(each["ContainerName"], each["Host"]) for each in found] == [
        ("ada_shop-db-1", "h1"),
        ("ada_shop-web-2", "h2"),
    ]


def test_volumes(shop: Path) -> None:
    assert nap("volumes", control=cluster()).out == (
        "APP    VOLUME   HOST   DRIVER   NAME ON THE HOST\n"
        "shop   data     h1     local    ada_shop_data\n"
    )
    assert nap("volumes", "-q", control=cluster()).out == "ada_shop_data\n"
    out = nap("volumes", "--format", '{{.Name}} {{.Label "a"}} {{.Links}}', control=cluster()).out
    assert out == "ada_shop_data b N/A\n"
    control = cluster()
    nap("volumes", "db", control=control)
    assert control.asked[-1] == Chosen(Target("shop", "ada", "db"), ("db",), stopped=True)


def test_port(shop: Path) -> None:
    control = cluster()
    words = ("port", "web", "80", "--index", "2", "--protocol", "udp")
    assert nap(*words, control=control).out == "10.0.0.11:8080\n"
    assert control.asked[-1] == (Target("shop", "ada", "web", 2), 80, "udp")
    assert nap("port", "web", "http", control=control).code == 2
    assert nap("port", "web", "70000", control=control).code == 2


def test_top(shop: Path) -> None:
    assert nap("top", control=cluster()).out == (
        "APP    SERVICE   #   HOST   UID    PID    PPID   C   STIME   TTY   TIME       CMD\n"
        "shop   db        1   h1     root   4242   1      0   12:00   ?     00:00:00   "
        "sleep 1000000 and a long line\n"
    )
    oneoff = {"processes": [ProcessesRow(of("db", 0), TITLES, (PROCESS,))]}
    alone = nap("top", control=Scripted(rows=[row("db")], seen=oneoff)).out
    assert alone.splitlines()[1].split()[:3] == ["db", "root", "4242"]
    narrow = nap("top", "--no-color", control=cluster(), width=40).out
    assert narrow.splitlines()[0] == "SERVICE   #   HOST   PID    CMD"
    assert nap("top", "--format", "{{.Host}} {{.PID}}", control=cluster()).out == "h1 4242\n"


def test_stats(shop: Path) -> None:
    assert nap("stats", "--no-stream", control=cluster()).out == (
        "APP    REPLICA   HOST   CPU %    MEM USAGE / LIMIT   MEM %   NET I/O       BLOCK I/O   "
        "PIDS\n"
        "shop   db.1      h1     12.35%   3MiB / 8GiB         0.04%   1.04kB / 0B   0B / 0B     "
        "3\n"
        "shop   web.2     h2     --       -- / --             --      -- / --       -- / --     "
        "--\n"
    )
    form = "{{.Name}} {{.CPUPerc}} {{.PIDs}}"
    assert nap("stats", "--no-stream", "--format", form, control=cluster()).out == (
        "ada_shop-db-1 12.35% 3\nada_shop-web-2 -- --\n"
    )


@pytest.mark.parametrize("verb", ["images", "volumes", "top", "stats --no-stream"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_table_fits_the_terminal(shop: Path, verb: str, width: int) -> None:
    out = nap(*verb.split(), "--no-color", control=cluster(), width=width).out
    assert max(map(len, out.splitlines())) <= width
    assert "h1" in out


class Ending(Scripted):
    """Looked at twice, then the person presses Ctrl-C."""

    def usage(self, chosen: Chosen) -> Any:
        looks = super().usage(chosen)
        yield next(looks)
        yield next(looks)
        raise KeyboardInterrupt


def test_stats_are_drawn_again_in_place(shop: Path) -> None:
    control = Ending(owner="ada", rows=ROWS, seen=SEEN, warnings=("host h3 was not seen",))
    live = nap("stats", control=control, width=80, env={"LINES": "24"})
    assert live.code == 130
    assert live.out.startswith("\x1b[2J\x1b[HAPP")
    assert live.out.count("\x1b[H") == 2
    assert live.err.count("host h3 was not seen") == 1
    low = nap("stats", control=control, width=80, env={"LINES": "3"})
    assert "and 2 more" in low.out
    piped = nap("stats", control=control)
    assert "\x1b" not in piped.out
    assert piped.out.count("db.1") == 2


def test_events(shop: Path) -> None:
    at = 1_700_000_000_123_456_789
    event = EventRow(of("db"), at, "health_status: healthy", {"name": "x", "image": "a\x1bb"})
    control = Scripted(owner="ada", rows=ROWS, seen={"events": [event]}, warnings=("h3 is away",))
    result = nap("events", "--since", "1700000000", "--until", "1700000009", control=control)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_700_000_000))
    assert result.out == (
        f"{when}.123456 container health_status: healthy {'db'.ljust(64, '0')} "
        "(host=h1, image=a\\x1bb, name=x)\n"
    )
    assert result.err == "nap: warning: h3 is away\n"
    assert control.asked == [
        EventRequest(Chosen(Target("shop", "ada"), stopped=True), 1_700_000_000, 1_700_000_009)
    ]
    found = json.loads(nap("events", "--json", "db", control=control).out)
    assert found["time"] == "2023-11-14T22:13:20.123456789Z"
    assert (found["service"], found["action"], found["type"], found["host"]) == (
        "db",
        "health_status: healthy",
        "container",
        "h1",
    )
    assert nap("events", "web", control=control).out == ""


@pytest.mark.parametrize("verb", ["images", "volumes", "top", "stats --no-stream", "events"])
def test_a_service_that_is_not_there(shop: Path, verb: str) -> None:
    result = nap(*verb.split(), "wbe", control=cluster())
    assert result.code == 2
    assert "did you mean 'web'?" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nosuch", "there is no app nosuch"),
        ("shop/db.7", "there is no replica shop/db.7"),
        ("--until 1m", "say from when on, too: --since 1h --until 1m"),
    ],
)
def test_events_that_never_come(empty: Path, words: str, said: str) -> None:
    """Rather than to wait for ever, or to ask engines for what has passed."""
    result = nap("events", *words.split(), control=cluster(recorded=("shop",)))
    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize("verb", ["images", "volumes", "top", "stats --no-stream"])
def test_nothing_seen_is_no_answer(shop: Path, verb: str) -> None:
    away = Scripted(owner="ada", warnings=("host h1 was not seen: timeout",))
    result = nap(*verb.split(), control=away)
    assert result.code == 5
    assert result.err == "nap: warning: host h1 was not seen: timeout\n"
