"""Signals, pipes and terminals, with a process of its own."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def start(*words: str, cwd: Path, **streams: object) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "tests.unit.cli.slow", *words],
        cwd=cwd,
        env=env,
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came, but: {seen}")


def test_one_ctrl_c_ends_it_in_order(shop: Path) -> None:
    process = start("-f", "compose.yaml", "up", "-d", cwd=shop)
    wait_for_line(process, "web.2 on h1: creating")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err == (
        "nap: ending: what runs is being finished; press Ctrl-C again to end at once\n"
        "nap: interrupted after 1 of 2 steps\n"
        "     to go on:  nap -f compose.yaml up -d\n"
        "     to undo:   nap -p shop down\n"
    )


def test_a_second_ctrl_c_ends_it_at_once(shop: Path) -> None:
    process = start("up", "-d", "patient", cwd=shop)
    wait_for_line(process, "web.2 on h1: creating")
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "press Ctrl-C again")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130, err
    assert err.startswith("nap: ending at once\nnap: interrupted after 1 of 2 steps\n")


def test_a_third_ctrl_c_ends_what_does_not_listen(shop: Path) -> None:
    process = start("up", "-d", "deaf", cwd=shop)
    wait_for_line(process, "web.2 on h1: creating")
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "press Ctrl-C again")
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "ending at once")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_a_service_managers_signal_counts_too(shop: Path) -> None:
    process = start("up", "-d", cwd=shop)
    wait_for_line(process, "web.2 on h1: creating")
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted after 1 of 2 steps" in err


def test_a_reader_that_goes_away(shop: Path) -> None:
    process = start("ps", cwd=shop)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("NAME")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141


def test_a_full_disk_is_an_error(shop: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = start("ps", cwd=shop, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "nap: can't write to standard output: No space left on device\n"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def read_until(terminal: int, text: str) -> str:
    seen = ""
    deadline = time.monotonic() + 60
    while text not in seen and time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if ready:
            try:
                seen += os.read(terminal, 65536).decode()
            except OSError:  # the other side has ended
                break
    assert text in seen, seen
    return seen


def test_live_lines_and_ctrl_c_on_a_terminal(shop: Path, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    process = start("up", "-d", cwd=shop, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = read_until(ours, "web.2")
    process.send_signal(signal.SIGINT)
    seen += read_until(ours, "to undo:")
    assert process.wait(timeout=60) == 130
    assert "shop 1/2" in seen
    assert "\x1b[32m✔\x1b[0m web.1  h1  created" in seen
    assert re.search(r"\x1b\[3F\x1b\[J", seen), "the block is redrawn in place"
    assert "nap: ending: what runs is being finished" in seen
    assert "interrupted after 1 of 2 steps" in seen
