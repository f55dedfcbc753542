"""Limits and reservations: `deploy.resources` and the older keys of the service itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.orchestration.bodies.values import size, tidy

_NUMBERS = {
    "cpu_count": "CpuCount",
    "cpu_percent": "CpuPercent",
    "cpu_period": "CpuPeriod",
    "cpu_quota": "CpuQuota",
    "cpu_rt_period": "CpuRealtimePeriod",
    "cpu_rt_runtime": "CpuRealtimeRuntime",
    "cpu_shares": "CpuShares",
    "cpuset": "CpusetCpus",
    "cgroup_parent": "CgroupParent",
    "device_cgroup_rules": "DeviceCgroupRules",
    "mem_swappiness": "MemorySwappiness",
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
            "NanoCpus": round(float(cpus) * 1e9) if cpus else None,
            "Memory": size(limits.get("memory", spec.get("mem_limit"))),
            "MemoryReservation": size(reservations.get("memory", spec.get("mem_reservation"))),
            "MemorySwap": size(spec.get("memswap_limit")),
            "PidsLimit": limits.get("pids", spec.get("pids_limit")),
            "Ulimits": _ulimits(spec),
            "Devices": _devices(spec),
            "DeviceRequests": _device_requests(spec, reservations),
        }
    )
    return {**tidy(found), **_block_io(spec.get("blkio_config") or {})}


def _ulimits(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    limits = []
    for name, value in sorted((spec.get("ulimits") or {}).items()):
        soft, hard = (
            (value["soft"], value["hard"]) if isinstance(value, Mapping) else (value, value)
        )
        limits.append({"Name": name, "Soft": int(soft), "Hard": int(hard)})
    return limits


def _devices(spec: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "PathOnHost": device["source"],
            "PathInContainer": device.get("target") or device["source"],
            "CgroupPermissions": device.get("permissions") or "rwm",
        }
        for device in spec.get("devices") or ()
    ]


def _device_requests(
    spec: Mapping[str, Any], reservations: Mapping[str, Any]
) -> list[dict[str, Any]]:
    requests = [(entry, False) for entry in reservations.get("devices") or ()]
    requests += [(entry, True) for entry in spec.get("gpus") or ()]
    return [_device_request(entry, gpu) for entry, gpu in requests]


def _device_request(entry: Mapping[str, Any], gpu: bool) -> dict[str, Any]:
    capabilities = list(entry.get("capabilities") or ())
    if gpu and "gpu" not in capabilities:
        capabilities.append("gpu")
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
