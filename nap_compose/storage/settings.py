"""What is set for a folder of the cluster storage: copies, trash time, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass
from nap_compose.storage.programs import run

_VALUE = re.compile(r"^(.*): (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """`goal` is how many copies each file has, `trash` for how many seconds what is removed can be
    brought back; `quota` the most bytes that all files together may hold, `files` the most files
    and folders (0: no limit); None: as it is, or for something new the cluster's own."""

    goal: int | None = None
    trash: int | None = None
    quota: int | None = None
    files: int | None = None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Settings:
        """As a step, or a record in JSON, has them."""
        return cls(args.get("goal"), args.get("trash"), args.get("quota"), args.get("files"))


@dataclass(frozen=True)
class Usage:
    """What a folder holds against its limits: bytes in files, files and folders."""

    length: int
    inodes: int


def read(moosefs: Moosefs, path: Path) -> tuple[Settings, Usage]:
    """What is set for the folder at `path`, and what it holds as far as a limit counts it."""
    goal = _number(run(moosefs, "mfsgetgoal", path), path)
    trash = _number(run(moosefs, "mfsgettrashtime", "-n", path), path)
    held, limits = _limits(run(moosefs, "mfsgetquota", "-n", path))
    settings = Settings(goal, trash, limits["length"], limits["inodes"])
    return settings, Usage(held["length"], held["inodes"])


def read_limit(moosefs: Moosefs, path: Path) -> int:
    """The most bytes that the folder at `path` may hold; 0: any number."""
    return _limits(run(moosefs, "mfsgetquota", "-n", path))[1]["length"]


def write(moosefs: Moosefs, path: Path, settings: Settings, *, everything: bool = False) -> None:
    """Set them for the folder, with `everything` also for all that is in it already. A limit holds
    for all that is in the folder anyway."""
    whole = ["-r"] if everything else []
    if settings.goal is not None:
        run(moosefs, "mfssetgoal", *whole, str(settings.goal), path, patience=600)
    if settings.trash is not None:
        run(moosefs, "mfssettrashtime", "-n", *whole, str(settings.trash), path, patience=600)
    for option, limit in (("L", settings.quota), ("I", settings.files)):
        if limit:
            run(moosefs, "mfssetquota", "-n", f"-{option}", str(limit), path)
        elif limit == 0:
            run(moosefs, "mfsdelquota", "-n", f"-{option}", path)


def _number(said: str, path: Path) -> int:
    for found in _VALUE.finditer(said):
        return int(found[2])
    raise NapError(f"MooseFS's answer about {path} can't be understood: {said[:200]}")


def _limits(said: str) -> tuple[dict[str, int], dict[str, int]]:
    """What is held and the hard limits, by kind, of `mfsgetquota -n`."""
    held = {"length": 0, "inodes": 0}
    limits = dict(held)
    for line in said.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) >= 4 and cells[0] in held:
            held[cells[0]] = _count(cells[1])
            limits[cells[0]] = _count(cells[3])
    return held, limits


def _count(cell: str) -> int:
    return int(cell) if cell.isdecimal() else 0
