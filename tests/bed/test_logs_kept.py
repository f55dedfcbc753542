"""What containers print is kept, whatever dies: against the engines' own files, line by line."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, docker_api, hosts, namespaces
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.logs.kept.series import Series, series_of
from tests.support.apps import Apps, on_zone
from tests.support.nap import PROGRAM, Nap, eventually

pytestmark = pytest.mark.bed

BURSTS, BURST = 45, 1_000
"""Each container prints so many bursts of so many numbers, each as fast as it can."""

SMALL = 160 << 20
"""Bytes of the file system that the logs lie on."""

PRINTS = f"""
life=$(cat /proc/sys/kernel/random/uuid)
n=0
while [ $n -lt {BURSTS} ]; do
    seq $((n * {BURST} + 1)) $((n * {BURST} + {BURST})) | sed "s/^/$life /"
    echo "$life burst $n" >&2
    n=$((n + 1)); sleep 0.5
done
sleep 1000000
"""
JSON_FILE = {"driver": "json-file", "options": {"max-size": "1g"}}


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
    folder = bed.cluster_file.parent / "nap" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "logs", str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


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


class Collecting:
    """`nap logs collect`, which can be killed and begun anew."""

    def __init__(self, nap: Nap) -> None:
        self._nap = nap
        self.said = nap.home / "collect.txt"
        self._begin()

    def _begin(self) -> None:
        with self.said.open("a") as said:
            self._process = subprocess.Popen(
                [PROGRAM, "logs", "collect"], env=self._nap.env, stdout=said, stderr=said
            )

    def again(self) -> None:
        """SIGKILL, and a new one at once."""
        self._process.kill()
        self._process.wait()
        self._begin()

    def has_no_room(self) -> bool:
        return "No space left on device" in self.said.read_text()

    def end(self) -> None:
        self._process.terminate()
        assert self._process.wait(timeout=30) == 0
        assert "Traceback" not in self.said.read_text()


@contextmanager
def collecting(nap: Nap) -> Iterator[Collecting]:
    service = Collecting(nap)
    try:
        yield service
    finally:
        if service._process.poll() is None:
            service.end()


@contextmanager
def following(nap: Nap, app: str) -> Iterator[Path]:
    """`nap logs -f` into a file."""
    out = nap.home / f"{app}.txt"
    with out.open("w") as file:
        words = [PROGRAM, "logs", app, "-f", "--containers"]
        process = subprocess.Popen(words, env=nap.env, stdout=file, stderr=subprocess.DEVNULL)
    try:
        yield out
    finally:
        process.kill()
        process.wait()


def log_file(bed: Bed, host: str, container: str) -> Path:
    return bed.host(host).data_root / "containers" / container / f"{container}-json.log"


def has_printed_all(bed: Bed, host: str, container: str) -> bool:
    with log_file(bed, host, container).open("rb") as file:
        file.seek(-min(500_000, file.seek(0, 2)), 2)
        end = file.read()
    return b"burst %d\\n" % (BURSTS - 1) in end and b" %d\\n" % (BURSTS * BURST) in end


def engine_s_own(bed: Bed, host: str, container: str) -> list[tuple[str, str]]:
    """What the engine's own log file holds: stream and text of each line."""
    lines = log_file(bed, host, container).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [(record["stream"], record["log"].removesuffix("\n")) for record in records]


def kept(series: Series) -> list[tuple[str, str]]:
    streams = {b"o": "stdout", b"e": "stderr"}
    return [(streams[line[:1]], line[33:].decode()) for line in series.lines() if line[:1] != b"#"]


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


def _lines_in(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def by_life(lines: list[str]) -> dict[str, list[str]]:
    """The lines of each process that printed them, which names itself in each."""
    lives: dict[str, list[str]] = {}
    for line in lines:
        lives.setdefault(line.partition(" ")[0], []).append(line)
    return lives


def wait_for_none(left: Callable[[], list[str]], what: str, *, within: float) -> None:
    """Until nothing is left; fails after `within` seconds with what is."""
    deadline = time.monotonic() + within
    while names := left():
        assert time.monotonic() < deadline, f"{what} after {within:g} s: {names}"
        time.sleep(0.3)


def test_each_number_once_and_in_order_whatever_dies(
    nap: Nap, bed: Bed, logs: Path, apps: Apps
) -> None:
    def file(mark: str) -> Path:
        last = service(PRINTS, environment={"MARK": mark}, stop_grace_period="1s")
        many = service(PRINTS, deploy={"replicas": 9})
        return apps("noisy", {"many": many, "last": last})

    with collecting(nap) as collector:
        nap("up", "-f", file("one"))
        with following(nap, "noisy") as followed:
            eventually(lambda: series_of(logs, nap.owner, "noisy"), "something is kept")
            collector.again()
            time.sleep(2)
            with full(logs):
                # They print for half a minute, so that the disk is full while they do.
                eventually(collector.has_no_room, "the collector has no room", within=60)
                time.sleep(2)
            collector.again()
            time.sleep(1)
            h3 = bed.host("h3")
            there = [row for row in nap.rows("noisy").values() if row["Host"] == "h3"]
            hosts.kill(bed, h3)
            time.sleep(3)
            hosts.restart(bed, h3)
            for row in there:
                docker_api.call(h3, "POST", f"/containers/{row['ID']}/start")
            old = nap.ids("noisy")["last.1"]
            nap("up", "-f", file("two"), "-y")
            new = nap.ids("noisy")["last.1"]
            assert new != old
            collector.again()

            rows = nap.rows("noisy")
            assert len(rows) == 10

            def still_print() -> list[str]:
                return [
                    f"{slot} on {row['Host']}"
                    for slot, row in rows.items()
                    if not has_printed_all(bed, row["Host"], row["ID"])
                ]

            # Ten of them, the collector and a reader share what processors there are.
            wait_for_none(still_print, "prints on", within=240)
            truth = {slot: engine_s_own(bed, row["Host"], row["ID"]) for slot, row in rows.items()}
            count = sum(map(len, truth.values()))

            def caught_up() -> bool:
                there = {each.whose.container: each for each in all_kept()}
                return (
                    all(
                        there[row["ID"]].reached.lines >= len(truth[slot])
                        for slot, row in rows.items()
                        if row["ID"] in there
                    )
                    and len(there) == len(rows) + 1
                )

            def all_kept() -> list[Series]:
                return series_of(logs, nap.owner, "noisy")

            eventually(caught_up, "the collector has caught up", within=150)
            old_lines = len(kept(next(s for s in all_kept() if s.whose.container == old)))
            eventually(
                lambda: _lines_in(followed) >= count + old_lines,
                "the reader has shown all",
                within=60,
            )
            time.sleep(1)
            shown = followed.read_text(errors="replace").splitlines()
        by_container = {each.whose.container: kept(each) for each in all_kept()}

    for slot, row in rows.items():
        assert by_container[row["ID"]] == truth[slot], slot
    assert count > 9 * BURSTS * BURST

    # Of the container that is gone nobody else has anything: it is in order, and none is missing.
    before = by_container[old]
    numbers = [int(text.split()[1]) for stream, text in before if stream == "stdout"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers

    # And so in `nap logs -f`, which saw it all, and in `nap logs` afterwards.
    now = nap("logs", "noisy", "--containers").out.splitlines()
    for lines in (shown, now):
        of: dict[str, list[str]] = {}
        for line in lines:
            subject, _, text = line.partition("| ")
            of.setdefault(subject.strip(), []).append(text)
        for slot, row in rows.items():
            first = before if row["ID"] == new else []
            wanted = [text for _, text in [*first, *truth[slot]]]
            assert len(of[slot]) == len(wanted), slot
            # A reader that is far behind doesn't keep the next container of a slot waiting for
            # more than a while: then the lines of the two are mixed, each's in their order.
            assert by_life(of[slot]) == by_life(wanted), slot


ODD = r"""
    head -c 1000000 /dev/zero | tr '\0' x; echo
    printf 'bytes \377\376 and \033[31mred\033[0m \033[2J\n'
    echo; echo '  spaces  '
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
    long, end = ["x" * 1_000_000, "bytes", "", "  spaces  "], "no end"
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
    assert "red\x1b[0m \\x1b[2J" in nap("logs", "odd/local", "--no-log-prefix").out
    assert "\x1b[2J" in nap("logs", "odd/local", "--raw", "--no-log-prefix").out

    nap("down", "odd", "-t", "1")
    check_gone = nap("logs", "odd/json", "--tail", "2", "--no-log-prefix").out.splitlines()
    assert check_gone == ["100000", "no end"]
    assert nap("logs", "search", "odd", "-F", "  spaces", "-c").out == "2\n"
    shutil.rmtree(logs / nap.owner / "odd" / "services")


def test_two_collectors_share_the_hosts(nap: Nap, bed: Bed, logs: Path, apps: Apps) -> None:
    script = "n=0; while sleep 0.1; do n=$((n + 1)); echo $n; done"
    nap("up", "-f", apps("pair", {"web": service(script, deploy={"replicas": 3})}))
    with collecting(nap) as one, collecting(nap) as two:
        pids = {str(each._process.pid) for each in (one, two)}

        def each_host_has_one() -> bool:
            # It ends with 5 until each host's collector has reported.
            out = nap.start("logs", "status", "--format", "json").ended().out
            found = [json.loads(line)["collector"] for line in out.splitlines()]
            return len(found) == 3 and {name.rpartition(":")[2] for name in found} <= pids

        eventually(lambda: len(list(series_of(logs, nap.owner, "pair"))) == 3, "all are collected")
        eventually(each_host_has_one, "a collector to report each host", within=60)
        one._process.kill()
        one._process.wait()
        time.sleep(4)
        at = {each.whose.host: each.reached.lines for each in series_of(logs, nap.owner, "pair")}

        def all_go_on() -> bool:
            now = series_of(logs, nap.owner, "pair")
            return all(each.reached.lines > at[each.whose.host] + 10 for each in now)

        eventually(all_go_on, "the other collects them all")
    for series in series_of(logs, nap.owner, "pair"):
        assert [int(text) for _, text in kept(series)] == list(range(1, series.reached.lines + 1))
