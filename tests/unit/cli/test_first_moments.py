"""The real program, from its first moment: Ctrl-C before nap listens, and places that can't be
written to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nap_compose.exits import Exit

ROOT = Path(__file__).parents[3]
ENV = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
NAP = f"exec {sys.executable} -m nap_compose.cli.main"
INTERRUPTED = """
import os, signal, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "nap_compose.cli.commands":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Watch())
from nap_compose.cli.main import main
main(["version"])
"""


def shell(words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", words], env=ENV, check=False, capture_output=True, text=True, timeout=120
    )


def test_ctrl_c_while_nap_is_still_read_ends_it_without_a_word() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], env=ENV, check=False, capture_output=True, timeout=120
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_is_nowhere(closed: str) -> None:
    ended = shell(f"{NAP} version --short {closed}")
    assert (ended.returncode, ended.stderr) == (Exit.DONE, "")
    assert bool(ended.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", ["version", "--help", "up --help"])
def test_a_full_disk_under_what_is_printed_is_no_bug(words: str) -> None:
    ended = shell(f"{NAP} {words} >/dev/full")
    assert ended.returncode == Exit.FAILED
    assert "No space left on device" in ended.stderr
    assert "bug" not in ended.stderr


@pytest.mark.parametrize(
    ("before", "printed"),
    [
        ("import atexit; atexit.register(print, 'bye')", "bye"),
        ("import threading, time\ndef late():\n  time.sleep(1); print('bye')\n"
         "threading.Thread(target=late).start()", "bye"),
        ("import threading, time\n"
         "threading.Thread(target=time.sleep, args=[600], daemon=True).start()", ""),
    ],
    ids=["at exit", "a thread", "a thread that nobody waits for"],
)  # fmt: skip
def test_what_is_to_be_done_at_the_end_is_done(before: str, printed: str) -> None:
    script = f"{before}\nfrom nap_compose.cli.main import main\nraise SystemExit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", script, "version", "--short"],
        env=ENV, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (Exit.DONE, "")
    assert ended.stdout.splitlines()[1:] == ([printed] if printed else [])
