"""Into containers and out of them, on an app that is spread over three hosts: exec, attach, run,
cp, export, commit."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed import busybox, docker_api
from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.apps import Apps, sleeper
from tests.support.forwarding import all_of, answers, connected, echoed, forwarded
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.terminal import OnTerminal

pytestmark = pytest.mark.bed

PROMPT = "# "
BIG = 200 << 20
LITTLE = 100 << 20
"""Of memory: nap itself takes a third of it, and the 200 MiB that it copies would not fit in."""

RESIZED = "while [ \"$(stty size)\" != '44 99' ]; do sleep 0.1; done; echo so-$((4*11))\r"
COUNTS = "trap 'echo heard; exit 9' INT; while :; do echo tick; sleep 0.2; done"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("streams") as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.fixture(scope="module")
def nap(bed: Bed, home: Path) -> Nap:
    return Nap(home, bed.cluster_file)


@pytest.fixture(scope="module")
def file(nap: Nap, bed: Bed, home: Path) -> Iterator[Path]:
    """The file of an app that runs: three of web, and a shell, a counter and a database."""
    apps = Apps(nap, bed, home)
    healthy = {"test": ["CMD", "true"], "interval": "1s", "retries": 60}
    needs = {"db": {"condition": "service_healthy"}}
    shell = {"image": "busybox:1", "command": "sh", "tty": True, "stdin_open": True}
    file = apps(
        "shop",
        {
            "web": sleeper(deploy={"replicas": 3}, depends_on=needs),
            "db": sleeper(healthcheck=healthy),
            "shell": shell,
            "counter": {"image": "busybox:1", "command": ["sh", "-c", COUNTS], "restart": "no"},
        },
    )
    nap("up", "-f", file)
    assert len({row["Host"] for slot, row in nap.rows("shop").items() if "web" in slot}) == 3
    yield file
    apps.gone()


def terminal(nap: Nap, *words: str | Path, rows: int = 24, columns: int = 80) -> OnTerminal:
    words = tuple(map(str, words))
    return OnTerminal([str(PROGRAM), *words], env=nap.env, cwd=nap.home, rows=rows, columns=columns)


def piped(nap: Nap, line: str) -> subprocess.CompletedProcess[str]:
    """A line of shell, with nap in the path."""
    path = f"{PROGRAM.parent}:{nap.env['PATH']}"
    env = {**nap.env, "PATH": path}
    return subprocess.run(
        line,
        check=False,
        shell=True,
        env=env,
        cwd=nap.home,
        capture_output=True,
        text=True,
        timeout=120,
    )


# -- exec ---------------------------------------------------------------------------------------


def test_a_terminal_on_any_host(nap: Nap, file: Path) -> None:
    """Its size at the start and later, Ctrl-C for the process alone, and the code at the end."""
    for replica in ("web.1", "web.2", "web.3"):
        with terminal(nap, "exec", f"shop/{replica}", "sh", rows=33, columns=101) as screen:
            screen.until(PROMPT)
            assert screen.is_raw()
            screen.type("stty size\r")
            screen.until("33 101")
            screen.resize(44, 99)
            screen.type(RESIZED)
            screen.until("so-44\r")
            screen.type("sh -c 'echo go-$((20+2)); exec sleep 1000'\r")
            screen.until("go-22\r")  # said by the process that Ctrl-C is for: it has the terminal
            screen.type(b"\x03")
            screen.until("^C")
            screen.until(PROMPT)
            screen.type("exit 7\r")
            assert screen.ended() == 7
            assert screen.is_as_before()


def test_leaving_and_being_ended(nap: Nap, file: Path) -> None:
    with terminal(nap, "exec", "shop/web.2", "sh") as screen:
        screen.until(PROMPT)
        screen.type(b"\x10\x11")
        assert screen.ended() == 0
        assert screen.is_as_before()
        screen.until("left web.2")
    with terminal(nap, "exec", "--detach-keys", "ctrl-x,d", "shop/web.2", "sh") as screen:
        screen.until(PROMPT)
        screen.type(b"\x10\x11echo still-$((40+2))\r")
        screen.until("still-42")
        screen.type(b"\x18d")
        assert screen.ended() == 0
    with terminal(nap, "exec", "shop/web.2", "sh") as screen:
        screen.until(PROMPT)
        screen.signal(signal.SIGTERM)
        assert screen.ended() == 128 + signal.SIGTERM
        assert screen.is_as_before()
    with terminal(nap, "exec", "-T", "shop/web.2", "sh", "-c", "echo begun; sleep 1000") as screen:
        screen.until("begun")
        assert not screen.is_raw()
        screen.type(b"\x03")
        assert screen.ended() == 130


def test_exec_in_a_pipe(nap: Nap, file: Path) -> None:
    said = piped(nap, "seq 100000 | nap exec shop/web.3 wc -l")
    assert (said.returncode, said.stdout.strip(), said.stderr) == (0, "100000", "")
    words = "exec --index 2 -e A=7 -w /tmp web sh -c 'echo $A $PWD; exit 3'"
    said = piped(nap, f"nap -f {file} {words}")
    assert (said.returncode, said.stdout) == (3, "7 /tmp\n")
    said = piped(nap, "nap exec shop/web.1 sh -c 'echo out; echo bad >&2' 2>/dev/null")
    assert said.stdout == "out\n"
    # An engine lets the process go on that nobody reads any more.
    assert piped(nap, "nap exec shop/web.1 timeout 5 yes | head -1").stdout == "y\n"
    assert nap("exec", "-d", "shop/web.1", "touch", "/tmp/made").out == ""
    eventually(lambda: "made" in nap("exec", "shop/web.1", "ls", "/tmp").out, "the file is made")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("exec", "shop/wep", "true"), "no service 'wep'"),
        (("exec", "shop/web.9", "true"), "no replica shop/web.9"),
        (("exec", "nope/web", "true"), "no app nope"),
        (("exec", "shop", "true"), "one service of it is meant"),
        (("exec", "--index", "1", "shop/web.2", "true"), "two different replicas"),
        (("exec", "--detach-keys", "ctrl-1", "shop/web", "true"), "is no key"),
        (("attach", "shop/wep"), "no service 'wep'"),
    ],
)
def test_whom_there_isn_t(nap: Nap, file: Path, words: tuple[str, ...], said: str) -> None:
    ended = nap(*words, code=125)
    assert said in ended.err
    assert ended.out == ""


def test_a_command_that_can_t_be_started(nap: Nap, file: Path) -> None:
    done = piped(nap, "nap exec shop/web.1 no-such-command")
    assert done.returncode in (126, 127)
    assert "no-such-command" in done.stdout


# -- attach -------------------------------------------------------------------------------------


def test_attaching_to_a_shell(nap: Nap, file: Path) -> None:
    with terminal(nap, "attach", "shop/shell", rows=31, columns=99) as screen:
        screen.type("stty size\r")
        screen.until("31 99")
        assert screen.is_raw()
        screen.resize(44, 99)
        screen.type(RESIZED)
        screen.until("so-44\r")
        screen.type(b"\x10\x11")
        assert screen.ended() == 0
        assert screen.is_as_before()
    assert nap.rows("shop")["shell.1"]["State"] == "running"
    with terminal(nap, "attach", "shop/shell") as screen:
        screen.type("exit 7\r")
        assert screen.ended() == 7


def test_a_signal_is_passed_on(nap: Nap, file: Path) -> None:
    with terminal(nap, "attach", "--no-stdin", "shop/counter") as screen:
        screen.until("tick")
        screen.type(b"\x03")
        screen.until("heard")
        assert screen.ended() == 9
    assert "doesn't run" in nap("attach", "shop/counter", code=125).err


# -- run ----------------------------------------------------------------------------------------


def oneoffs(nap: Nap) -> list[str]:
    listed = nap("ps", "shop", "-a", "--format", "json").out
    return [line for line in listed.splitlines() if json.loads(line)["Replica"] == 0]


def test_run_in_a_pipe(nap: Nap, file: Path) -> None:
    said = piped(nap, f"echo x | nap -f {file} run --rm web cat | wc -c")
    assert said.stdout.strip() == "2"
    said = piped(nap, f"nap -f {file} run --rm -q -e A=5 web sh -c 'echo $A; ping -c 1 db; exit 7'")
    assert said.returncode == 7
    assert said.stdout.startswith("5\nPING db")
    assert "1 packets received" in said.stdout
    eventually(lambda: not oneoffs(nap), "what was run with --rm is gone")


def test_run_on_a_terminal(nap: Nap, file: Path) -> None:
    with terminal(nap, "-f", file, "run", "--rm", "-q", "web", "sh", rows=30, columns=90) as screen:
        screen.until(PROMPT)
        screen.type("stty size\r")
        screen.until("30 90")
        screen.type("exit 5\r")
        assert screen.ended() == 5
        assert screen.is_as_before()
    eventually(lambda: not oneoffs(nap), "it is gone")


def test_ctrl_c_reaches_what_is_run_and_a_second_one_ends_it(nap: Nap, file: Path) -> None:
    deaf = "trap 'echo heard' INT; echo begun; while :; do sleep 0.1; done"
    with terminal(nap, "-f", file, "run", "--rm", "-q", "-T", "web", "sh", "-c", deaf) as screen:
        screen.until("begun")
        screen.type(b"\x03")
        screen.until("heard")
        screen.type(b"\x03")
        assert screen.ended() == 137
    eventually(lambda: not oneoffs(nap), "it is gone")


def test_what_a_killed_nap_leaves_is_known(nap: Nap, file: Path, bed: Bed) -> None:
    words = ("run", "-q", "-T", "--name", "left", "web", "sh", "-c", "echo begun; sleep 1000")
    with terminal(nap, "-f", file, *words) as screen:
        screen.until("begun")
        screen.signal(signal.SIGKILL)
        screen.ended()
    (row,) = map(json.loads, oneoffs(nap))
    assert (row["Name"], row["State"]) == (f"{nap.owner}_left", "running")
    assert "is taken" in piped(nap, f"nap -f {file} run --name left web true").stderr
    nap("up", "-f", file)
    assert len(oneoffs(nap)) == 1
    for host in bed.hosts:
        for each in docker_api.call(host, "GET", "/containers/json"):
            if each["Names"] == [f"/{nap.owner}_left"]:
                docker_api.call(host, "DELETE", f"/containers/{each['Id']}?force=1")
    assert oneoffs(nap) == []


# -- cp, export, commit -------------------------------------------------------------------------


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=sys.stderr, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def memory_of(nap: Nap, *words: str | Path) -> int:
    """How many bytes of memory a call takes at most.

    A small process begins it: what a process held before it became another program counts too,
    and this one may be large by now.
    """
    command = [sys.executable, "-c", MEASURE, PROGRAM, *words]
    said = subprocess.run(command, env=nap.env, cwd=nap.home, check=True, stdout=subprocess.PIPE)
    return int(said.stdout) * 1024


def test_200_mib_in_and_out_byte_for_byte(nap: Nap, file: Path, home: Path) -> None:
    piece = random.Random(3).randbytes(1 << 20)
    with (home / "big").open("wb") as big:
        for number in range(BIG >> 20):
            big.write(piece[number:] + piece[:number])
    assert memory_of(nap, "cp", "big", "shop/web.2:/tmp/big") < LITTLE
    assert memory_of(nap, "cp", "shop/web.2:/tmp/big", "back") < LITTLE
    wanted = digest(home / "big")
    assert digest(home / "back") == wanted
    nap("cp", "shop/web.2:/tmp/big", "shop/web.3:/tmp/other")
    assert nap("exec", "shop/web.3", "sha256sum", "/tmp/other").out.split()[0] == wanted
    nap("exec", "shop/web.2", "rm", "/tmp/big")
    nap("exec", "shop/web.3", "rm", "/tmp/other")
    (home / "big").unlink()
    (home / "back").unlink()


def test_files_and_folders_as_docker_cp_has_them(nap: Nap, file: Path, home: Path) -> None:
    tree = home / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a").write_text("a\n")
    (tree / "sub" / "b").write_text("b\n")
    (tree / "link").symlink_to("a")

    def inside(replica: str, path: str) -> set[str]:
        found = nap("exec", f"shop/{replica}", "find", path).out.split()
        return {each.removeprefix(path).strip("/") for each in found} - {""}

    whole = {"a", "sub", "sub/b", "link"}
    nap("cp", "tree", "shop/web:/tmp/new")  # into each replica, under a new name
    for replica in ("web.1", "web.2", "web.3"):
        assert inside(replica, "/tmp/new") == whole
    nap("cp", "tree", "shop/web.1:/tmp/new")  # into the folder
    assert inside("web.1", "/tmp/new") == {*whole, "tree", *(f"tree/{each}" for each in whole)}
    nap("exec", "shop/web.2", "mkdir", "/tmp/box")
    nap("cp", "tree/.", "shop/web.2:/tmp/box")  # what is in it alone
    assert inside("web.2", "/tmp/box") == whole
    nap("cp", "tree/link", "shop/web.2:/tmp/l")
    nap("cp", "-L", "tree/link", "shop/web.2:/tmp/f")
    assert nap("exec", "shop/web.2", "readlink", "/tmp/l").out == "a\n"
    assert nap("exec", "shop/web.2", "cat", "/tmp/f").out == "a\n"
    (home / "into").mkdir()
    nap("cp", "shop/web.2:/tmp/new", "into")
    nap("cp", "shop/web.2:/tmp/new/.", "contents")
    nap("cp", "shop/web.2:/tmp/new/a", "into/renamed")
    for folder in (home / "into" / "new", home / "contents"):
        assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == whole
    assert (home / "into" / "renamed").read_text() == "a\n"
    nap("exec", "shop/web.2", "ln", "-s", "/etc/passwd", "/tmp/new/out")
    left = nap("cp", "shop/web.2:/tmp/new", "third", code=1)
    assert "leads out" in left.err
    assert "out" not in {path.name for path in (home / "third").iterdir()}
    piped(nap, "tar -c tree | nap cp - shop/web.3:/root")
    said = piped(nap, "nap cp shop/web.3:/root/tree - | tar -t")
    listed = {name.rstrip("/") for name in said.stdout.split()}
    assert listed == {"tree", *(f"tree/{each}" for each in whole)}


@pytest.mark.parametrize(
    ("source", "destination", "said"),
    [
        ("none", "shop/web.1:/tmp", "there is no none here"),
        ("shop/web.1:/none", "x", "there is no /none in web.1"),
        ("shop/web.1:/etc", "/none/x", "there is no folder /none"),
        ("shop/web.1:/bin/sh/", "x", "is no folder"),
        (".", "shop/web.1:/bin/busybox", "is no folder"),
    ],
)
def test_what_can_t_be_copied(
    nap: Nap, file: Path, source: str, destination: str, said: str
) -> None:
    assert said in nap("cp", source, destination, code=1).err


def test_a_whole_container(nap: Nap, file: Path, home: Path, bed: Bed) -> None:
    nap("exec", "shop/web.1", "touch", "/tmp/mark")
    nap("export", "shop/web.1", "-o", "whole.tar")
    with tarfile.open(home / "whole.tar") as archive:
        assert "tmp/mark" in archive.getnames()
    assert "tmp/mark" in piped(nap, "nap export shop/web.1 | tar -t").stdout
    made = nap("commit", "shop/web.1", "me/web:2", "-m", "why", "-c", "CMD marked")
    where = nap.rows("shop")["web.1"]["Host"]
    assert made.err.strip() == f"web.1: the image me/web:2 is on {where}"
    image = docker_api.call(bed.host(where), "GET", "/images/me/web:2/json")
    assert (image["Id"], image["Config"]["Cmd"][-1]) == (made.out.strip(), "marked")


ECHO = "nc -ll -p 9000 -e cat"
"""Hands back what it gets, and ends when the other side has ended."""


def reaching(bed: Bed) -> list[str]:
    """The containers that nap reaches into networks with."""
    return [
        name
        for host in bed.hosts
        for each in docker_api.call(host, "GET", "/containers/json", query={"all": "1"})
        for name in each["Names"]
        if name.startswith("/nap-reach-")
    ]


def test_ports_are_reached_wherever_the_container_goes(bed: Bed, nap: Nap, apps: Apps) -> None:
    nap("up", "-f", apps("echo", {"web": sleeper(command=ECHO)}))
    words = ("port-forward", "echo/web", ":9000", ":9001", "--address", "127.0.0.1")
    with forwarded(nap.start(*words).process) as (port, nobody):
        assert echoed(port, 5 << 20) > 0
        many = [connected(port) for _ in range(60)]
        for number, each in enumerate(many):
            each.sendall(b"%d" % number)
        for number, each in enumerate(many):
            each.shutdown(socket.SHUT_WR)
            assert all_of(each) == b"%d" % number
        with pytest.raises(ConnectionError):
            assert connected(nobody).recv(1)
            raise ConnectionResetError
        nap("restart", "echo")
        eventually(lambda: answers(port), "the one that was started again answers")
        before = nap.rows("echo")["web.1"]["Host"]
        nap("host", "drain", before)
        assert nap.rows("echo")["web.1"]["Host"] != before
        eventually(lambda: answers(port), "the one on another host answers")
        nap("host", "activate", before)
    assert reaching(bed) == []


def test_what_reaches_into_a_network_ends_with_a_nap_that_is_killed(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    nap("up", "-f", apps("echo", {"web": sleeper(command=ECHO)}))
    with nap.start("port-forward", "echo/web", ":9000") as running:
        assert running.process.stdout is not None
        assert "-> echo/web:9000" in running.process.stdout.readline()
        assert len(reaching(bed)) == 1
        running.signal(signal.SIGKILL)
    eventually(lambda: reaching(bed) == [], "it ends by itself")


def test_ports_that_can_not_be_had(nap: Nap, file: Path) -> None:
    assert "names no ports" in nap("port-forward", "shop/web", "a:b", code=2).err
    assert "names no ports" in nap("port-forward", "shop/web", "70000", code=2).err
    assert "no IP address" in nap("port-forward", "shop/web", "80", "--address", "x", code=2).err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        there = taken.getsockname()[1]
        assert "can't listen" in nap("port-forward", "shop/web", f"{there}:80", code=1).err
    assert "no service 'wep'" in nap("port-forward", "shop/wep", ":80", code=2).err
