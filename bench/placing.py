"""python -m bench.placing [--only-look]: place 5,000 replicas on 1,000 hosts, within limits.

It ends with 1 where placing took more processor time or the process more memory than it may; with
`--only-look` it makes the same cluster and app and places nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from bench.memory import peak
from nap_compose.cluster.view import HostView, ImageView, View
from nap_compose.compose.model import App
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import select

HOSTS = 1000
SERVICES = 50
REPLICAS = 100
SECONDS = 5.0
MEBIBYTES = 300


def main() -> int:
    app, view = an_app(), a_view()
    if "--only-look" in sys.argv:
        return 0
    began = time.process_time()
    placement = place(app, select(app, ()), Situation(view, "", app.name))
    took = time.process_time() - began
    memory = peak() / (1 << 20)
    print(f"{len(placement.choices)} replicas on {HOSTS} hosts: {took:.2f} s, {memory:.0f} MiB")
    if took > SECONDS or memory > MEBIBYTES:
        print(
            f"placing took {took:.1f} s and {memory:.0f} MiB; "
            f"{SECONDS:g} s and {MEBIBYTES} MiB are the limits",
            file=sys.stderr,
        )
        return 1
    return 0


def a_view() -> View:
    """Hosts in three zones, half of them with fast disks, each with some of the images."""
    hosts = {}
    for number in range(HOSTS):
        name = f"h{number:04}"
        hosts[name] = HostView(
            name,
            f"10.0.{number // 250}.{number % 250 + 1}",
            labels={"zone": "abc"[number % 3], "disk": "ssd" if number % 2 else "hdd"},
            cpus=16.0,
            cores=16,
            memory=64 << 30,
            images=tuple(
                ImageView(f"sha256:{n}", (f"image{n}:1",)) for n in range(number % 7, SERVICES, 7)
            ),
        )
    return View(datetime(2026, 1, 1, tzinfo=timezone.utc), hosts)


def an_app() -> App:
    """Services that reserve, spread over zones, and each something else besides."""
    services = {f"service{n}": _service(n) for n in range(SERVICES)}
    return App.of({"name": "large", "services": services})


def _service(number: int) -> Mapping[str, Any]:
    constraints = ["node.labels.disk == ssd"] if number % 5 == 0 else []
    port = {"target": 80, "published": str(8000 + number), "protocol": "tcp"}
    near = {"affinity": [{"service": "service0", "required": False}]}
    return {
        "image": f"image{number}:1",
        "ports": [port] if number % 4 == 0 else [],
        "deploy": {
            "replicas": REPLICAS,
            "placement": {
                "constraints": constraints,
                "preferences": [{"spread": "node.labels.zone"}],
            },
            "resources": {"reservations": {"cpus": 0.5, "memory": "512m"}},
        },
        "x-nap": near if number % 10 == 3 else {},
    }


if __name__ == "__main__":
    sys.exit(main())
