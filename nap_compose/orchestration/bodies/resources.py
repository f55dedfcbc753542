"""Limits and reservations: `deploy.resources` and the older keys of the service itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nap_compose.orchestration.bodies.values import size, tidy

_NUMBERS = {
    "cpu_count": "CpuCount",
    "cpu_period": "CpuPeriod",
    "cpu_quota": "CpuQuota",
    "cpu_rt_period": "CpuRealtimePeriod",
    "cpu_rt_runtime": "CpuRealtimeRuntime",
    "cpu_shares": "CpuShares",
    "cpuset": "CpusetCpus",
    "cgroup_parent": "CgroupParent",
    "device_cgroup_rules": "DeviceCgroupRules",
    "oom_kill_disable": "OomKillDisable",
}


def resources(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The part of HostConfig that limits the container."""
    deploy = (spec.get("deploy") or {}).get("resources") or {}
    limits = deploy.get("limits") or {}
    reservations = deploy.get("reservations") or {}
    cpus = limits.get("cpus", spec.get("cpus"))
    found: dict[str, Any] = {there: spec.get(here) for here, there in _NUMBERS.items()}
    found.update(
        {
            "CpuPercent": _hundredths(spec.get("cpu_percent")),
            "MemorySwappiness": size(spec.get("mem_swappiness")),
            "NanoCpus": round(float(cpus) * 1e9) if cpus else None,
            "Memory": size(limits.get("memory", spec.get("mem_limit"))),
            "MemoryReservation": size(reservations.get("memory", spec.get("mem_reservation"))),
            "MemorySwap": size(spec.get("memswap_limit")),
            "PidsLimit": limits.get("pids", spec.get("pids_limit")),
            "Ulimits": ulimits(spec),
            "Devices": _devices(spec),
            "DeviceRequests": _device_requests(spec, reservations),
        }
    )
    return {**tidy(found), **_block_io(spec.get("blkio_config") or {})}


def _hundredths(percent: Any) -> int | None:
    """Windows' share of the processor, in hundredths of a percent."""
    return None if percent is None else int(float(percent) * 100)


def ulimits(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The limits of a container's processes, or of a build's."""
    limits = []
    for name, value in sorted((spec.get("ulimits") or {}).items()):
        soft, hard = (
            (value.get("soft", 0), value.get("hard", 0))
            if isinstance(value, Mapping)
            else (value, value)
        )
        limits.append({"Name": name, "Soft": int(soft), "Hard": int(hard)})
    return limits


_VENDORS_DEVICE = re.compile(r"[A-Za-z][\w.-]*/[A-Za-z][\w-]*=\w[\w.:-]*", re.ASCII)
"""A device by the name that its vendor gives it (CDI): `nvidia.com/gpu=all`."""


def _devices(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        tidy(
            {
                "PathOnHost": device["source"],
                "PathInContainer": device.get("target"),
                "CgroupPermissions": device.get("permissions"),
            }
        )
        for device in spec.get("devices") or ()
        if not _is_vendors(device)
    ]


def _is_vendors(device: Mapping[str, Any]) -> bool:
    source = device["source"]
    return device.get("target") == source and bool(_VENDORS_DEVICE.fullmatch(source))


def _device_requests(
    spec: Mapping[str, Any], reservations: Mapping[str, Any]
) -> list[dict[str, Any]]:
    reserved = [_device_request(entry) for entry in reservations.get("devices") or ()]
    vendors = [device["source"] for device in spec.get("devices") or () if _is_vendors(device)]
    named = [{"Driver": "cdi", "DeviceIDs": vendors}] if vendors else []
    gpus = [_device_request(entry, "gpu") for entry in spec.get("gpus") or ()]
    return [*reserved, *named, *gpus]


def _device_request(entry: Mapping[str, Any], *more: str) -> dict[str, Any]:
    capabilities = [*(entry.get("capabilities") or ()), *more]
    count = entry.get("count")
    if count is None and not entry.get("device_ids"):
        count = -1
    return tidy(
        {
            "Driver": entry.get("driver"),
            "Count": -1 if count == "all" else count,
            "DeviceIDs": entry.get("device_ids"),
            "Capabilities": [capabilities],
            "Options": entry.get("options"),
        }
    )


def _block_io(spec: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "BlkioWeight": spec.get("weight"),
        "BlkioWeightDevice": [
            {"Path": device["path"], "Weight": device["weight"]}
            for device in spec.get("weight_device") or ()
        ],
    }
    for here, there in (
        ("device_read_bps", "BlkioDeviceReadBps"),
        ("device_read_iops", "BlkioDeviceReadIOps"),
        ("device_write_bps", "BlkioDeviceWriteBps"),
        ("device_write_iops", "BlkioDeviceWriteIOps"),
    ):
        found[there] = [
            {"Path": device["path"], "Rate": size(device["rate"])}
            for device in spec.get(here) or ()
        ]
    return tidy(found)
