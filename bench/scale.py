"""python -m bench.scale JOB [--hosts N]: what a job takes on many simulated hosts, within limits.

The hosts speak mutual TLS, take 20 ms for each answer, and one in a hundred is dead. A cold nap
does the job; the program ends with 1 where that takes more time, memory or requests than it may,
or where a dead host isn't named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.measure import environment
from bench.programs import nap
from bench.simulator import Scale, simulated

CONTAINERS = 10
LATENCY = 0.02
DEAD_OF = 100


@dataclass(frozen=True)
class Limit:
    """What a job may take on 1,000 hosts, and how it is asked for: seconds by the clock, of
    processor time (nap's own, as much as a slow and busy machine needs for it), MiB, and requests
    to each host."""

    seconds: float
    cpu: float
    mebibytes: int
    requests: int
    words: tuple[str, ...]


JOBS: Mapping[str, Limit] = {
    "ps": Limit(8.0, 10.0, 300, 1, ("ps",)),
    "plan": Limit(10.0, 14.0, 400, 4, ("plan", "-f", "app.yml")),
}


def app_for(hosts: int) -> Mapping[str, object]:
    """An app with twice as many replicas as there are hosts; half of them cost what is reserved,
    half only what spreading takes."""
    little = {"cpus": "0.25", "memory": "64m"}
    deploys: Mapping[str, Mapping[str, object]] = {
        "web": {"replicas": hosts},
        "api": {"replicas": hosts * 3 // 5, "resources": {"reservations": little}},
        "db": {"replicas": hosts * 2 // 5},
    }
    return {
        "name": "large",
        "services": {name: {"image": "web:1", "deploy": each} for name, each in deploys.items()},
    }


MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
"""Runs a command from a small process, whose own size would count as its child's otherwise."""


@dataclass(frozen=True)
class Took:
    """What a job took: seconds by the clock and of processor time, MiB, and what nap warned of."""

    seconds: float
    cpu: float
    mebibytes: float
    warnings: str


@dataclass(frozen=True)
class Ran:
    """A job on so many hosts, `dead` of them dead: what it took, the processor time that the hosts
    took themselves, and how many requests each of them got."""

    hosts: int
    dead: int
    took: Took
    hosts_cpu: float
    requests: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--cpu", action="store_true", help="don't look at the clock")
    options = parser.parse_args()
    ran, limit = run(options.job, options.hosts), JOBS[options.job]
    took, dead = ran.took, ran.dead
    print(
        f"nap {options.job} on {ran.hosts} hosts, {dead} of them dead: {took.seconds:.1f} s, "
        f"{took.cpu:.1f} s of processor time (the hosts' own: {ran.hosts_cpu:.1f} s), "
        f"{took.mebibytes:.0f} MiB, {ran.requests:g} requests a host"
    )
    named = sum(f"host h{number * DEAD_OF} " in took.warnings for number in range(dead))
    if named != dead:
        return _failed(f"{named} of {dead} dead hosts are named")
    if took.seconds > limit.seconds and not options.cpu:
        return _failed(f"{limit.seconds:g} s are the limit")
    if took.cpu > limit.cpu:
        return _failed(f"{limit.cpu:g} s of processor time are the limit")
    if ran.requests > limit.requests:
        return _failed(f"{limit.requests} requests a host are the limit")
    if took.mebibytes > limit.mebibytes:
        return _failed(f"{limit.mebibytes} MiB are the limit")
    return 0


def run(job: str, hosts: int) -> Ran:
    """Do the job on so many simulated hosts."""
    dead = hosts // DEAD_OF
    with tempfile.TemporaryDirectory(prefix="nap-scale-") as name:
        folder = Path(name)
        (folder / "app.yml").write_text(yaml.safe_dump(app_for(hosts)))
        scale = Scale(hosts, CONTAINERS, LATENCY, dead, tls=True)
        with simulated(folder, scale) as simulator:
            before = simulator.used()
            took = measured(JOBS[job].words, folder, simulator.cluster_file)
            after = simulator.used()
    requests = (after.requests - before.requests) / (hosts - dead)
    return Ran(hosts, dead, took, after.cpu - before.cpu, requests)


def measured(words: tuple[str, ...], folder: Path, cluster_file: Path) -> Took:
    """Run nap with these words to its end, which must be a good one."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, nap(), *words],
        cwd=folder,
        env=environment({"NAP_CLUSTER": str(cluster_file), "HOME": str(folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"nap {' '.join(words)} failed: {done.stderr[-1000:]}")
    cpu, kibibytes = map(float, done.stdout.split())
    return Took(seconds, cpu, kibibytes / 1024, done.stderr)


def _failed(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
