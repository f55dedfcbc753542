"""What a container holds of its host: CPUs, memory and counted devices. Pure.

Engines keep nothing free, and their lists don't tell what a container was promised. So it stands
on each container that nap makes, in the label `io.nap.holds`, and one look at a host's list tells
what is left there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field

from nap_compose.plaindata import dataclass

NANO = 1_000_000_000
"""Billionths of a CPU in one: CPUs are counted in whole numbers, so that sums come out even."""
ALL = -1
"""A number of devices: every one that the host has."""


@dataclass(frozen=True)
class Holding:
    """`cpus` in billionths, `memory` in bytes, `devices` by kind (a number, or ALL)."""

    cpus: int = 0
    memory: int = 0
    devices: Mapping[str, int] = field(default_factory=dict)

    def label(self, most: Most | None = None, publishes: Sequence[object] = ()) -> str:
        """The label's text; empty where nothing is held. `most` is what it may use besides,
        `publishes` which ports (`cluster/published.py`)."""
        told: dict[str, object] = {
            "cpus": self.cpus / NANO,
            "memory": self.memory,
            "devices": dict(sorted(self.devices.items())),
            "most": most.told() if most else {},
            "publishes": list(publishes),
        }
        told = {key: value for key, value in told.items() if value}
        return json.dumps(told, separators=(",", ":")) if told else ""

    @classmethod
    def read(cls, label: str) -> Holding:
        """What a label says; nothing where it can't be read."""
        if not label:
            return NOTHING
        try:
            told = json.loads(label)
            return cls(
                cpus=nano(told.get("cpus", 0)),
                memory=int(told.get("memory", 0)),
                devices={str(kind): int(n) for kind, n in (told.get("devices") or {}).items()},
            )
        except (ValueError, TypeError, AttributeError, OverflowError):
            return NOTHING


NOTHING = Holding()


@dataclass(frozen=True)
class Most:
    """What a container may use at most, as quotas count it: `cpus` in billionths and `memory` in
    bytes are its limits, or what is kept free for it where that is more (`limits_…` says whether
    there are limits); `ports` is how many it publishes."""

    cpus: int = 0
    memory: int = 0
    ports: int = 0
    limits_cpus: bool = True
    limits_memory: bool = True

    def told(self) -> dict[str, float]:
        """As it stands in the label."""
        told = {"cpus": self.cpus / NANO, "memory": self.memory, "ports": self.ports}
        return {key: value for key, value in told.items() if value}

    @classmethod
    def read(cls, label: str) -> Most:
        """What a label says; a container of an older nap may use what is kept free for it."""
        held = Holding.read(label)
        try:
            told = json.loads(label).get("most") if label else None
            if told is None:
                return cls(held.cpus, held.memory)
            return cls(
                nano(told.get("cpus", 0)), int(told.get("memory", 0)), int(told.get("ports", 0))
            )
        except (ValueError, TypeError, AttributeError, OverflowError):
            return cls(held.cpus, held.memory)


NO_MOST = Most()


def nano(cpus: float | str) -> int:
    """A number of CPUs in billionths."""
    return round(float(cpus) * NANO)


def kind(name: str) -> str:
    """The kind of a device as it is counted: lower case, and any maker's GPU is a `gpu`."""
    low = name.lower()
    return "gpu" if low.rpartition("/")[2] == "gpu" or low.endswith("-gpu") else low
