"""Apps for tests on real hosts: their Compose files, and nothing left of them at the end."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bed.layout import Bed
from tests.support import hosts
from tests.support.nap import Ended, Nap

EXAMPLES = Path(__file__).parents[2] / "examples"
_HELD = "has active endpoints"
_NOBODY = "no container is on it, so its engine has lost count"


@dataclass
class Apps:
    """Writes Compose files, and takes their apps away at the end, with all they had."""

    nap: Nap
    bed: Bed
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    def __call__(self, name: str, services: Mapping[str, Any], **top: Any) -> Path:
        """The file of an app; written anew where the app is known."""
        self.files[name] = write_app(self.folder / f"{name}.yml", services, name=name, **top)
        return self.files[name]

    def example(self, name: str) -> Path:
        """An example's file."""
        self.files[name] = EXAMPLES / name / "app.yml"
        return self.files[name]

    def gone(self, at_once: int = 1) -> None:
        """Take all of them away, and see that no host has anything of them."""
        with ThreadPoolExecutor(at_once) as pool:
            left = dict(zip(self.files, pool.map(self._gone, self.files), strict=True))
        assert not any(left.values()), left
        self.files.clear()

    def _gone(self, name: str) -> list[str]:
        """Take one away; what is left of it that can go."""
        with self.nap.start("down", name, "-v", "-t", "1") as running:
            ended = running.ended()
        if ended.code == 0:
            return self.left(name)
        assert self.bed.network == "consul", ended.err
        assert _only_lost_count(ended), ended.err
        return [left for left in self.left(name) if left.split()[1] != "network"]

    def left(self, name: str) -> list[str]:
        """What the hosts have of an app."""
        return hosts.of_project(self.bed, self.nap.project(name))


def _only_lost_count(ended: Ended) -> bool:
    """Whether nothing failed but networks that their store takes for used, though no container is
    on them: an engine that can't reach the store for a moment doesn't say that one has gone, and
    docs/cluster-file.md tells of it."""
    *failed, _what_of = ended.errors
    return (
        bool(failed)
        and all(each.startswith("nap: network ") and _HELD in each for each in failed)
        and any(_NOBODY in line for line in ended.said)
    )


def write_app(path: Path, services: Mapping[str, Any], **top: Any) -> Path:
    """A Compose file of these services."""
    path.write_text(yaml.safe_dump({**top, "services": dict(services)}, sort_keys=False))
    return path


def sleeper(**more: Any) -> dict[str, Any]:
    """A service that is there, costs nothing and ends at once when it is told to.

    Its successors are watched for a second, where swarm's own default is five.
    """
    deploy = {"update_config": {"monitor": "1s"}, **more.pop("deploy", {})}
    return {
        "image": "busybox:1",
        "init": True,
        "command": "sleep 1000000",
        "deploy": deploy,
        **more,
    }


def on_zone(zone: str) -> dict[str, Any]:
    """Where a service is to run: the bed's first host is in zone a, the next in b, then c."""
    return {"deploy": {"placement": {"constraints": [f"node.labels.zone == {zone}"]}}}
