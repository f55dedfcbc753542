"""A thousand hosts with ten containers each, over mutual TLS, one in a hundred of them dead.

What is limited is nap's own processor time, its memory and what it asks of each host, with figures
that a machine keeps which is slow and has much else to do; `make bench` looks at the clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.scale import JOBS
from bench.simulator import Scale, simulated
from tests.support import sweeping
from tests.support.figures import Figure

ROOT = Path(__file__).parents[2]
HOSTS, CONTAINERS = 1000, 10
SECONDS, MIB = 10.0, 300


@pytest.mark.parametrize("job", JOBS)
def test_a_thousand_hosts(job: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.scale", job, "--cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_sweep_of_a_thousand_hosts(tmp_path: Path, figure: Figure) -> None:
    with simulated(tmp_path, Scale(HOSTS, CONTAINERS)) as simulator:
        done = subprocess.run(
            [sys.executable, sweeping.__file__, str(simulator.cluster_file), "2"],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    for sweep in (first, second):
        took = f"{sweep['seconds']} s, {sweep['cpu']} s of CPU, {sweep['MiB']} MiB"
        figure(f"a sweep: {took}, {sweep['written']} keys written")
        assert (sweep["hosts"], sweep["containers"]) == (HOSTS, HOSTS * CONTAINERS)
        assert sweep["cpu"] < SECONDS, sweep
        assert sweep["MiB"] < MIB, sweep
    assert first["written"] >= HOSTS * (CONTAINERS + 1)
    assert second["written"] == 0
