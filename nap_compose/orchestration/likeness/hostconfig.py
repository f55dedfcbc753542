"""HostConfig as asked for beside HostConfig as the engine shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nap_compose.orchestration.likeness.mounted import mounts_of, same_mounts
from nap_compose.orchestration.likeness.values import Json, plain, same

_NOT_ASKED_FOR = (
    "AutoRemove",
    "CgroupParent",
    "ConsoleSize",
    "ContainerIDFile",
    "MaskedPaths",
    "ReadonlyPaths",
    "VolumeDriver",
)
"""What follows from the rest, or what an engine fills in for itself."""

_MOUNTS = ("Binds", "Mounts", "Tmpfs")

_MAY_BE_DROPPED = (
    "Annotations",
    "BlkioWeight",
    "BlkioWeightDevice",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "Links",
    "MemorySwap",
    "MemorySwappiness",
    "OomKillDisable",
)
"""What an engine forgets, with no more than a warning, where it or its kernel can't do it."""

_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "CgroupnsMode": ("host", "private"),
    "IpcMode": ("private", "shareable"),
    "Isolation": ("default",),
    "MemorySwappiness": (-1,),
    "PidsLimit": (-1,),
    "SecurityOpt": (["label=disable"],),
    "ShmSize": (64 << 20,),
}
"""What an engine shows where nothing was asked for."""


def host_differences(wanted: Json, container: Json, image: Json, info: Json) -> Iterator[str]:
    """The fields that differ, by name."""
    there: Json = container.get("HostConfig") or {}
    fields = {*wanted, *there} - {*_NOT_ASKED_FOR, *_MOUNTS}
    if wanted.get("CgroupParent"):
        fields.add("CgroupParent")
    for field in sorted(fields):
        if not _same_field(field, wanted, there.get(field), info):
            yield field
    if not same_mounts(mounts_of(wanted), mounts_of(there), image):
        yield "Mounts"


def _same_field(field: str, body: Json, there: Any, info: Json) -> bool:
    wanted = body.get(field)
    if field in _MAY_BE_DROPPED and plain(there) is None:
        return True
    if field in ("CapAdd", "CapDrop"):
        return _capabilities(wanted) == _capabilities(there)
    if field == "RestartPolicy":
        return _restart(wanted) == _restart(there)
    if field == "VolumesFrom":  # Compose drops the mode that the file says
        return _sources(wanted) == _sources(there)
    if field == "Links":  # shown in other words than asked for
        return len(wanted or ()) == len(there or ())
    if plain(wanted) is not None:
        return same(wanted, there)
    return plain(there) is None or there in _defaults(field, body, info)


def _defaults(field: str, body: Json, info: Json) -> tuple[Any, ...]:
    if field == "LogConfig":
        driver = info.get("LoggingDriver") or "json-file"
        return ({"Type": driver, "Config": {}}, {"Type": driver, "Config": None})
    if field == "Runtime":
        return (info.get("DefaultRuntime") or "runc",)
    if field == "MemorySwap":  # twice the memory, where only that has a limit
        return (2 * int(body.get("Memory") or 0), -1)
    if field == "MemoryReservation":
        return (body.get("Memory"),)
    return _DEFAULTS.get(field, ())


def _sources(entries: Any) -> list[str]:
    return sorted(str(entry).partition(":")[0] for entry in entries or ())


def _capabilities(names: Any) -> set[str]:
    return {str(name).upper().removeprefix("CAP_") for name in names or ()}


def _restart(policy: Json | None) -> tuple[str, int]:
    name = str((policy or {}).get("Name") or "no")
    return name, int((policy or {}).get("MaximumRetryCount") or 0)
