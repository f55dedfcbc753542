"""A fake engine's calls about what runs in a container and what it uses."""

from __future__ import annotations

import time

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.routes import Answer, Call, route

TITLES = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]


@route("GET", "/containers/{}/top")
def top(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if not found.running:
        raise EngineFault(409, f"container {found.id} is not running")
    command = " ".join([*(found.body.get("Entrypoint") or ()), *(found.body.get("Cmd") or ())])
    process = ["root", "4242", "1", "0", "12:00", "?", "00:00:00", command or "init"]
    return Answer(body={"Titles": TITLES, "Processes": [process]})


@route("GET", "/containers/{}/stats")
def stats(call: Call, name: str) -> Answer:
    """Of its four CPUs half a one is busy; everything else never changes."""
    found = call.world.container(name)
    if not found.running:
        return Answer(body={"id": found.id, "name": f"/{found.name}", "cpu_stats": {}})
    nanoseconds = int(time.time() * 1e9)
    body = {
        "id": found.id,
        "name": f"/{found.name}",
        "cpu_stats": {
            "cpu_usage": {"total_usage": nanoseconds // 2},
            "system_cpu_usage": nanoseconds * call.engine.cpus,
            "online_cpus": call.engine.cpus,
        },
        "memory_stats": {
            "usage": 3 << 20,
            "limit": call.engine.memory,
            "stats": {"total_inactive_file": 1 << 20},
        },
        "networks": {
            "eth0": {"rx_bytes": 1000, "tx_bytes": 40},
            "eth1": {"rx_bytes": 234, "tx_bytes": 2},
        },
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"op": "Read", "value": 5000},
                {"op": "Write", "value": 7},
                {"op": "Total", "value": 5007},
            ]
        },
        "pids_stats": {"current": 5},
    }
    return Answer(body=body)
