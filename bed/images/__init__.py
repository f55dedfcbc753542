"""Images of real software, made from Debian packages: no public registry is needed.

As a service of the bed it loads them on the first host only, and into the registry when the bed
has one: bringing them to the other hosts is nap's work.
"""

from __future__ import annotations

from typing import Any

from bed.images.build import build_all, tar
from bed.images.catalogue import NAMES
from bed.images.delivery import load, missing, push
from bed.layout import Bed

__all__ = [
    "NAMES",
    "build_all",
    "load",
    "missing",
    "prepare",
    "push",
    "section",
    "start",
    "status",
    "stop",
    "tar",
]


def prepare() -> None:
    build_all()


def start(bed: Bed) -> None:
    first = bed.hosts[0]
    load(first, NAMES)
    if "registry" in bed.parts:
        push(bed, NAMES)


def stop(bed: Bed) -> None:
    """Images lie on the hosts, and go with them."""


def status(bed: Bed) -> str:
    first = bed.hosts[0]
    lacking = missing(first, NAMES)
    return f"{first.name} lacks {', '.join(lacking)}" if lacking else f"ready on {first.name}"


def section(bed: Bed) -> dict[str, Any]:  # noqa: ARG001 - as every service's
    return {}
