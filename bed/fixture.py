"""For tests: a bed for as long as a with block lasts, and the reason where there can be none."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from bed import engines, lifecycle
from bed.layout import Bed


def why_not() -> str | None:
    """Why no bed can be brought up here; None where it can."""
    if not sys.platform.startswith("linux"):
        return f"the test bed needs Linux, and this is {sys.platform}"
    if os.geteuid() != 0:
        return "the test bed makes namespaces and mounts: run it as root (sudo -E make test)"
    if shutil.which("apt-get") is None:
        return "the test bed takes its software from Debian's archive: it needs apt-get (Debian 12)"
    return None


def own_name(name: str) -> str:
    """The name of a bed for this checkout: tests of two checkouts run beside each other."""
    checkout = Path(__file__).resolve().parent.parent
    return f"{name}-{crc32(bytes(checkout)) & 0xFFFF:04x}"


@contextmanager
def bring_up(
    name: str,
    hosts: int = 3,
    network: str = "swarm",
    engine: str = "20",
    only: Iterable[str] = ("hosts",),
) -> Iterator[Bed]:
    """A fresh bed, taken down at the end whatever happens; its name is this checkout's own.

    What is left of an engine that crashed is told as a warning: its log goes with the bed.
    """
    name = own_name(name)
    lifecycle.down(name)
    try:
        bed = lifecycle.up(name, size=hosts, network=network, engine=engine, parts=only)
        yield bed
        for crash in engines.crashes(bed):
            warnings.warn(crash, stacklevel=2)
    finally:
        lifecycle.down(name)
