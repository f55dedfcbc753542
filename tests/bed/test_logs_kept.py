"""What containers print is kept, whatever dies: against the engines' own files, line by line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, docker_api, hosts, namespaces
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.logs.kept.series import Series, series_of
from tests.support.apps import Apps, on_zone
from tests.support.collecting import (
    collecting,
    engine_s_own,
    folder_of_logs,
    kept_lines,
    log_file,
    series_by_container,
)
from tests.support.figures import Figure
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.small_disk import small_disk

pytestmark = pytest.mark.bed

MINUTE = 60.0
"""Seconds for which all of them print."""

SMALL = "512m"
"""The file system that the logs lie on."""

CPUS = 0.01
"""The processor that each may use, and uses to print: so all of them print what one machine with
all its hosts, the collector and a reader can take in."""

PRINTS = r"""
read life < /proc/sys/kernel/random/uuid
life=${life%%-*}
n=0
while n=$((n + 1)); do
    echo "$life $n"
    [ $((n % 1000)) = 0 ] && echo "$life burst $((n / 1000))" >&2
done
"""
JSON_FILE = {"driver": "json-file", "options": {"max-size": "4g"}}


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("logs2", only=("hosts", "consul")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture(scope="module")
def nap(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Nap:
    return Nap(tmp_path_factory.mktemp("logs"), bed.cluster_file)


@pytest.fixture(scope="module")
def logs(bed: Bed) -> Iterator[Path]:
    """The folder of the logs, on a small file system of its own."""
    with small_disk(folder_of_logs(bed.cluster_file), SMALL) as disk:
        yield disk.folder


@pytest.fixture
def apps(nap: Nap, bed: Bed) -> Iterator[Apps]:
    made = Apps(nap, bed, nap.home)
    yield made
    made.gone()


def service(script: str, **more: Any) -> dict[str, Any]:
    return {
        "image": "busybox:1",
        "init": True,
        "command": ["sh", "-c", script.replace("$", "$$")],
        "network_mode": "none",
        "logging": JSON_FILE,
        **more,
    }


@contextmanager
def following(nap: Nap, app: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """`nap logs -f` into a file."""
    out = nap.home / f"{app}.txt"
    with out.open("w") as file:
        words = [PROGRAM, "logs", app, "-f", "--containers"]
        process = subprocess.Popen(words, env=nap.env, stdout=file, stderr=subprocess.DEVNULL)
    try:
        yield out, process
    finally:
        process.kill()
        process.wait()


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No room is left in the folder's file system."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 65536)
        yield
    finally:
        ballast.unlink()


def by_slot(shown: Path) -> dict[str, list[bytes]]:
    """What `nap logs` printed, by the slot that stands in front."""
    found: dict[str, list[bytes]] = {}
    with shown.open("rb") as lines:
        for line in lines:
            subject, _, text = line.partition(b"| ")
            found.setdefault(subject.decode().strip(), []).append(text.removesuffix(b"\n"))
    return found


def by_life(lines: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """The lines of each process that printed them, which names itself in each."""
    lives: dict[bytes, list[bytes]] = {}
    for line in lines:
        lives.setdefault(line.partition(b" ")[0], []).append(line)
    return lives


def same(found: Iterable[Any], wanted: Iterable[Any], what: str) -> int:
    """Line by line the same; how many there are. Says the first that isn't."""
    count = 0
    for count, (ours, theirs) in enumerate(zip_longest(found, wanted), 1):
        assert ours == theirs, f"{what}: line {count}"
    return count


def test_each_number_once_and_in_order_whatever_dies(
    nap: Nap, bed: Bed, logs: Path, apps: Apps, figure: Figure
) -> None:
    def file(mark: str) -> Path:
        last = service(PRINTS, cpus=CPUS, environment={"MARK": mark})
        many = service(PRINTS, cpus=CPUS, deploy={"replicas": 9})
        return apps("noisy", {"many": many, "last": last})

    def all_kept() -> list[Series]:
        return series_of(logs, nap.owner, "noisy")

    with collecting(nap) as collector:
        nap("up", "-f", file("one"))
        began = time.monotonic()
        with following(nap, "noisy") as (followed, follower):
            eventually(all_kept, "something is kept")
            collector.again()
            time.sleep(2)
            with full(logs):
                # They print all the time, so that the disk is full while they do.
                eventually(
                    lambda: "No space left on device" in collector.said,
                    "the collector has no room",
                    within=60,
                )
                time.sleep(2)
            collector.again()
            h3 = bed.host("h3")
            there = [row for row in nap.rows("noisy").values() if row["Host"] == "h3"]
            hosts.kill(bed, h3)
            time.sleep(3)
            hosts.restart(bed, h3)
            for row in there:
                docker_api.call(h3, "POST", f"/containers/{row['ID']}/start")
            last = nap.rows("noisy")["last.1"]
            old = last["ID"]
            removed = bed.host(last["Host"]).directory / "removed.log"
            os.link(log_file(bed, last["Host"], old), removed)
            nap("up", "-f", file("two"), "-y")
            collector.again()
            rows = nap.rows("noisy")
            assert len(rows) == 10
            assert rows["last.1"]["ID"] != old
            time.sleep(max(0.0, began + MINUTE - time.monotonic()))
            nap("stop", "noisy", "-t", "1")
            printed = time.monotonic() - began
            ended = time.monotonic()

            files = {slot: log_file(bed, row["Host"], row["ID"]) for slot, row in rows.items()}
            counts = {
                rows[slot]["ID"]: sum(1 for _ in file.open("rb")) for slot, file in files.items()
            }
            count = sum(counts.values())

            def caught_up() -> bool:
                found = series_by_container(all_kept())
                return all(
                    container in found and found[container].reached.lines >= count
                    for container, count in counts.items()
                )

            eventually(caught_up, "the collector has caught up", within=240)
            kept_after = time.monotonic() - ended
            assert follower.wait(timeout=240) == 0, "it ends when nothing runs any more"
            shown_after = time.monotonic() - ended
    kept = series_by_container(all_kept())
    for slot, row in rows.items():
        same(kept_lines(kept[row["ID"]]), engine_s_own(files[slot]), f"kept of {slot}")

    # An engine forgets what a container printed that it removes: what was kept by then is what it
    # had, up to there, and nobody is shown less.
    whole = [text.encode() for _, text in engine_s_own(removed)]
    before = [text.encode() for _, text in kept_lines(kept[old])]
    assert before
    same(before, whole[: len(before)], "kept of the container that was made anew")

    shown = by_slot(followed)
    for slot in rows:
        wanted = by_life(text.encode() for _, text in engine_s_own(files[slot]))
        found = by_life(shown[slot])
        if slot == "last.1":
            lives = by_life(whole)  # two where its host was the one that was restarted
            of_old = [line for line in shown[slot] if line.partition(b" ")[0] in lives]
            found = {life: lines for life, lines in found.items() if life not in lives}
            assert len(of_old) >= len(before)
            same(of_old, whole[: len(of_old)], "shown of the container that was made anew")
        # A reader that is far behind doesn't keep the next container of a slot waiting for more
        # than a while: then the lines of the two are mixed, each's in their order.
        assert found.keys() == wanted.keys(), slot
        for life, lines in wanted.items():
            same(found[life], lines, f"shown of {slot}")

    # And so in `nap logs` afterwards, with both containers of that slot as one.
    now = nap("logs", "noisy/last", "--no-log-prefix").out.encode().splitlines()
    same(now, [*before, *(text.encode() for _, text in engine_s_own(files["last.1"]))], "both")
    figure(
        f"ten containers printed {count + len(whole):,} lines in {printed:.0f} s; all kept "
        f"{kept_after:.1f} s and all shown {shown_after:.1f} s after; of the {len(whole):,} of the "
        f"one that was removed {len(before):,} were kept and {len(of_old):,} shown"
    )


ODD = r"""
    head -c 1000000 /dev/zero | tr '\0' x; echo
    printf 'bytes \377\376 and \033[31mred\033[0m \033[2J\n'
    echo; echo '  spaces  '
    printf 'nul \000 bell \007 back \010 cr \r.\n'
    seq 1 100000
    printf 'no end'
"""


TAME = "head -c 40000 /dev/zero | tr '\\0' y; echo; seq 1 1000"


@pytest.fixture
def journal(bed: Bed) -> None:
    """The system's journal runs on host h1."""
    program = "/lib/systemd/systemd-journald"
    if not Path(program).exists():
        pytest.skip("systemd-journald isn't here")
    h1 = bed.host("h1")
    folders = ("/run/systemd/journal", "/run/log/journal")
    namespaces.run_in(bed, h1, "mkdir", "-p", *folders, check=True)
    namespaces.start_in(bed, h1, "journald", program)


@pytest.mark.usefixtures("journal")
def test_lines_that_are_odd_with_each_driver(nap: Nap, logs: Path, apps: Apps) -> None:
    local, none, journald = ({"driver": name} for name in ("local", "none", "journald"))
    file = apps(
        "odd",
        {
            "json": service(ODD, restart="no"),
            "local": service(
                ODD.replace("seq 1 100000", "seq 1 2000"), restart="no", logging=local
            ),
            "journal": service(TAME, restart="no", logging=journald, **on_zone("a")),
            "tty": service("echo one; printf 'two\\n'; stty size; sleep 1000", tty=True),
            "dumb": service("echo nobody hears; sleep 1000", logging=none),
        },
    )
    nap("up", "-f", file, "-d")
    controls = "nul \0 bell \a back \b cr \r."
    long, end = ["x" * 1_000_000, "bytes", "", "  spaces  ", controls], "no end"
    wanted = {
        "json": [*long, *map(str, range(1, 100_001)), end],
        "local": [*long, *map(str, range(1, 2_001)), end],
    }

    def texts(service: str) -> list[str]:
        out = nap("logs", f"odd/{service}", "--format", "json").out
        return [json.loads(line)["text"] for line in out.splitlines()]

    def check() -> None:
        for service, marks in (("json", "\ufffd\ufffd"), ("local", "\\xff\\xfe")):
            all_of_it = wanted[service]

            def there(service: str = service, count: int = len(all_of_it)) -> list[str] | None:
                return found if len(found := texts(service)) >= count else None

            found = eventually(there, f"{service} has printed all")
            assert found[1] == f"bytes {marks} and \x1b[31mred\x1b[0m \x1b[2J"
            assert [*found[:1], "bytes", *found[2:]] == all_of_it
        assert texts("tty")[:2] == ["one", "two"]
        assert texts("journal") == ["y" * 40_000, *map(str, range(1, 1001))]

    check()
    ended = nap("logs", "collect", "--once")
    assert "odd/dumb.1" in ended.err
    check()  # from the files, and nothing twice
    ids = nap.ids("odd")
    found = {each.whose.container: each for each in series_of(logs, nap.owner, "odd")}
    assert found[ids["local.1"]].reached.lines == len(wanted["local"])
    nap("logs", "collect", "--once")
    check()
    nap("logs", "status", "odd", code=5)
    # On a terminal nothing of a container moves the cursor.
    plain = nap("logs", "odd/local", "--no-log-prefix").out
    assert "red\x1b[0m \\x1b[2J" in plain
    assert "nul \\x00 bell \\x07 back \\x08 cr \\x0d.\n" in plain
    assert "\x1b[2J" in nap("logs", "odd/local", "--raw", "--no-log-prefix").out

    nap("down", "odd", "-t", "1")
    check_gone = nap("logs", "odd/json", "--tail", "2", "--no-log-prefix").out.splitlines()
    assert check_gone == ["100000", "no end"]
    assert nap("logs", "search", "odd", "-F", "  spaces", "-c").out == "2\n"
    shutil.rmtree(logs / nap.owner / "odd" / "services")


def test_what_the_engine_let_go_leaves_a_gap(nap: Nap, logs: Path, apps: Apps) -> None:
    script = "seq 1 100; while [ ! -e /go ]; do sleep 0.1; done; seq 101 5000; sleep 1000000"
    small = {"driver": "json-file", "options": {"max-size": "20k"}}
    nap("up", "-f", apps("gap", {"web": service(script, logging=small)}))

    def shown(*options: str) -> list[str]:
        return nap("logs", "gap/web", "--no-log-prefix", *options).out.splitlines()

    eventually(lambda: shown("--tail", "1") == ["100"], "the first lines")
    nap("logs", "collect", "--once")
    nap("exec", "gap/web", "touch", "/go")
    eventually(lambda: shown("--tail", "1") == ["5000"], "the last lines")
    nap("logs", "collect", "--once")
    first, (gap, *rest) = (lines := shown())[:100], lines[100:]
    assert first == [str(number) for number in range(1, 101)]
    assert gap.startswith("lines may be missing here, after ")
    assert rest == [str(number) for number in range(5001 - len(rest), 5001)]
    (series,) = series_of(logs, nap.owner, "gap")
    assert [text for _, text in kept_lines(series)] == first + rest


def test_two_collectors_share_the_hosts(nap: Nap, logs: Path, apps: Apps) -> None:
    script = "n=0; while sleep 0.1; do n=$((n + 1)); echo $n; done"
    nap("up", "-f", apps("pair", {"web": service(script, deploy={"replicas": 3})}))
    with collecting(nap, "one") as one, collecting(nap, "two") as two:
        pids = {str(each.pid) for each in (one, two)}

        def each_host_has_one() -> bool:
            # It ends with 5 until each host's collector has reported.
            out = nap.start("logs", "status", "--format", "json").ended().out
            found = [json.loads(line)["collector"] for line in out.splitlines()]
            return len(found) == 3 and {name.rpartition(":")[2] for name in found} <= pids

        eventually(lambda: len(series_of(logs, nap.owner, "pair")) == 3, "all are collected")
        eventually(each_host_has_one, "a collector to report each host", within=60)
        one.kill()
        time.sleep(4)
        at = {each.whose.host: each.reached.lines for each in series_of(logs, nap.owner, "pair")}

        def all_go_on() -> bool:
            now = series_of(logs, nap.owner, "pair")
            return all(each.reached.lines > at[each.whose.host] + 10 for each in now)

        eventually(all_go_on, "the other collects them all")
    for series in series_of(logs, nap.owner, "pair"):
        numbers = [int(text) for _, text in kept_lines(series)]
        assert numbers == list(range(1, series.reached.lines + 1))
