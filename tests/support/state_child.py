"""A process of its own that works on a state store, for tests that need several.

Called as `python -m tests.support.state_child SPEC VERB ARGS…`; the spec says in JSON which store.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import Cluster, Consul, Logs
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.cluster.stores import open_store


@dataclass(frozen=True)
class Spec:
    """Which store: a state directory (SQLite), or Consul's section of a cluster file."""

    state_dir: str
    consul: dict[str, Any] | None = None

    def open(self) -> StateStore:
        return open_store(self.cluster())

    def cluster(self) -> Cluster:
        consul = None
        if self.consul is not None:
            files = {key: Path(self.consul[key]) for key in ("ca", "token_file")}
            consul = Consul(
                url=self.consul["url"],
                also=tuple(self.consul.get("also", ())),
                prefix=self.consul["prefix"],
                **files,
            )
        return Cluster(
            name="test" if consul else "",
            hosts={},
            state_dir=Path(self.state_dir),
            logs=Logs(Path(self.state_dir) / "logs"),
            consul=consul,
        )

    def argv(self, verb: str, *args: str) -> list[str]:
        spec = json.dumps({"state_dir": self.state_dir, "consul": self.consul})
        return [sys.executable, "-m", "tests.support.state_child", spec, verb, *args]


def say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


def hold(store: StateStore, key: str, ttl: str) -> None:
    """Take a lease, say so, say when it is lost; let go of it when the input ends."""
    lease = store.lease(key, {"who": "child"}, float(ttl))
    say(fence=lease.fence)
    while not lease.lost:
        time.sleep(0.02)
    say(lost=True)
    sys.stdin.read()


def increment(store: StateStore, key: str, times: str) -> None:
    """Count up by compare-and-set, trying again when somebody else was first."""
    for _ in range(int(times)):
        while True:
            entry = store.get(key)
            try:
                store.put(key, (entry.value if entry else 0) + 1, entry.version if entry else 0)
                break
            except Lost:
                continue


def move(store: StateStore, source: str, target: str, times: str) -> None:
    """Move one from a number to another in one batch, many times."""
    from nap_compose.cluster.state import Put

    for _ in range(int(times)):
        while True:
            a, b = store.get(source), store.get(target)
            assert a and b
            try:
                store.batch(
                    [Put(source, a.value - 1, a.version), Put(target, b.value + 1, b.version)]
                )
                break
            except Lost:
                continue


if __name__ == "__main__":
    found = Spec(**json.loads(sys.argv[1]))
    verbs = {"hold": hold, "increment": increment, "move": move}
    verbs[sys.argv[2]](found.open(), *sys.argv[3:])
