"""python -m bench.growth FOLDER [--draw]: how what `ps` and `plan` cost grows with the hosts.

Both are run on 10 to 1,000 simulated hosts, several times; the medians go into FOLDER/growth.json
with the machine's kind, and are drawn from there. `--draw` only draws again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.plot import plot
from bench.scale import CONTAINERS, JOBS, LATENCY, Ran, run

SIZES = (10, 30, 100, 300, 1000)
RUNS = 3
COSTS: Mapping[str, Callable[[Ran], float]] = {
    "cpu": lambda ran: ran.took.cpu,
    "mebibytes": lambda ran: ran.took.mebibytes,
    "requests": lambda ran: ran.requests,
    "hosts_cpu": lambda ran: ran.hosts_cpu,
}
SHOWN = {"cpu": "processor time of nap, s", "mebibytes": "memory of nap, MiB"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", action="store_true", help="from the results that are there")
    options = parser.parse_args()
    results = options.folder / "growth.json"
    if not options.draw:
        results.write_text(json.dumps(_measured(), indent=1) + "\n")
    jobs = json.loads(results.read_text())["jobs"]
    for cost, words in SHOWN.items():
        series = {
            f"nap {job}": [(each["hosts"], each[cost]) for each in found]
            for job, found in jobs.items()
        }
        title = f"{CONTAINERS} containers a host, mutual TLS"
        drawing = plot(title, "hosts", words, series)
        (options.folder / f"growth-{cost}.svg").write_text(drawing)


def _measured() -> Mapping[str, Any]:
    return {
        "machine": {
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "latency": LATENCY,
        "containers": CONTAINERS,
        "jobs": {job: [_at(job, hosts) for hosts in SIZES] for job in JOBS},
    }


def _at(job: str, hosts: int) -> Mapping[str, float]:
    runs = [run(job, hosts) for _ in range(RUNS)]
    print(f"{job} on {hosts}: {median(each.took.cpu for each in runs):.2f} s", flush=True)
    costs = {cost: round(median(map(of, runs)), 3) for cost, of in COSTS.items()}
    return {"hosts": hosts, **costs}


if __name__ == "__main__":
    main()
