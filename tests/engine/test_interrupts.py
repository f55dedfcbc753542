"""Ctrl-C at the real program, while an engine hangs in the middle of what it was asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nap_compose.exits import Exit
from tests.engine.fake_engine import FakeEngine, Image

ROOT = Path(__file__).parents[2]
CALLS = {
    "pull": ("POST", "/images/create"),
    "network": ("POST", "/networks/create"),
    "create": ("POST", "/containers/create"),
    "start": ("POST", "/containers/.*/start"),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_second_ctrl_c_ends_at_once(call: str, fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.registry.add(Image("web:1"))
    if call != "pull":
        fake_engine.add_image("web:1")
    fake_engine.fault(*CALLS[call], hang=True)
    (tmp_path / "app.yml").write_text("services: {web: {image: 'web:1'}}\n")
    nap = subprocess.Popen(
        [sys.executable, "-m", "nap_compose.cli.main", "-p", "shop", "up", "-d", "-f", "app.yml"],
        cwd=tmp_path,
        env={
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path),
            "DOCKER_HOST": fake_engine.endpoint,
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until = time.monotonic() + 20
        while not fake_engine.calls(*CALLS[call]):
            assert nap.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        nap.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            nap.wait(0.5)  # the first lets running steps end, and this one doesn't
        nap.send_signal(signal.SIGINT)
        said, _ = nap.communicate(timeout=10)
    finally:
        nap.kill()
        nap.wait()
    assert nap.returncode == Exit.INTERRUPTED, said
    assert "to go on:" in said
