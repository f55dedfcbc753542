"""Sweeps many engines in a process of its own and says what it took: `sweeping.py CLUSTER_FILE N`.

Prints a line of JSON for each of N sweeps: seconds by the clock and of CPU time, keys written, and
the process's peak memory.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import nap_compose.cli  # noqa: F401 -- what sets how often nap looks for garbage
from bench.memory import peak
from nap_compose.cluster import config
from nap_compose.control.checkup import check
from nap_compose.control.parts import Parts


def main(cluster_file: Path, times: int) -> None:
    parts = Parts(config.read(cluster_file))
    for _ in range(times):
        began, worked = time.monotonic(), time.process_time()
        found = check(parts)
        print(
            json.dumps(
                {
                    "seconds": round(time.monotonic() - began, 2),
                    "cpu": round(time.process_time() - worked, 2),
                    "hosts": found.hosts,
                    "containers": found.containers,
                    "written": found.written,
                    "MiB": peak() >> 20,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
