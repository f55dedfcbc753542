"""python -m bench.spreading HOSTS: how much sooner an app is up on so many hosts than on one.

The hosts are the fake engines of the tests. Each takes 50 ms for whatever it is asked, and does
what changes something one after the other, as an engine does that has one disk and one network. A
cold nap brings up 60 services; what counts is the time from the first request that any host gets to
the last one's answer, so that starting Python is no part of it. The program ends with 1 where that
is a larger part of the time on one host than it may be.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import yaml

from bench.measure import environment
from bench.programs import nap
from nap_compose.cluster.keyring import make_key_file
from tests.engine.fake_engine import FakeCluster

SERVICES = 60
LATENCY = 0.05
RUNS = 3
BARS: Mapping[int, float] = {3: 0.45, 6: 0.27}
"""What part of the time on one host it may take on so many."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.spreading", description=__doc__)
    parser.add_argument("hosts", type=int, choices=[1, *BARS])
    hosts = parser.parse_args().hosts
    sizes = dict.fromkeys((1, hosts))
    took: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(RUNS):
        for size in sizes:
            took[size].append(deployed(size))
    alone, spread = median(took[1]), median(took[hosts])
    print(f"up of {SERVICES} services on {hosts}: {spread:.2f} s; on one: {alone:.2f} s", end="; ")
    print(f"T({hosts}) = {spread / alone:.2f} T(1)")
    if spread > BARS.get(hosts, 1.0) * alone:
        print(f"{BARS[hosts]:g} T(1) is the limit", file=sys.stderr)
        return 1
    return 0


def deployed(hosts: int) -> float:
    """Seconds that a deployment of all services takes on so many hosts."""
    with tempfile.TemporaryDirectory(prefix="nap-spread-") as name:
        folder = Path(name)
        with FakeCluster(hosts, None, state_dir=folder / "state") as fake:
            fake.add_image("web:1")
            for engine in fake:
                engine.latency, engine.one_at_a_time = LATENCY, True
            _bring_up(folder, fake)
            began, *_, ended = (call.at for call in fake.calls())
            made = len(fake.calls("POST", "/containers/create"))
        if made != SERVICES:
            sys.exit(f"{made} containers were made instead of {SERVICES}")
        return ended + LATENCY - began


def _bring_up(folder: Path, fake: FakeCluster) -> None:
    services = {f"s{number}": {"image": "web:1"} for number in range(SERVICES)}
    (folder / "app.yml").write_text(yaml.safe_dump({"name": "spread", "services": services}))
    make_key_file(folder / "secrets.key")
    document = {
        "name": "lab",
        "key_file": "secrets.key",
        "state_dir": "state",
        "logs": {"dir": "logs"},
        "network": {"driver": "bridge"},
        "hosts": {engine.name: {"endpoint": engine.endpoint} for engine in fake},
    }
    (folder / "cluster.yml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [nap(), "up", "-f", "app.yml", "-d"],
        cwd=folder,
        env=environment({"NAP_CLUSTER": str(folder / "cluster.yml"), "HOME": str(folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"nap up failed: {done.stderr[-1000:]}")


if __name__ == "__main__":
    sys.exit(main())
