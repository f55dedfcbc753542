"""What is mounted where: named volumes, paths on the host, tmpfs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.compose.model import Mount
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.values import size, tidy
from nap_compose.orchestration.shipping import grants_of, target_of


def binds(making: Making) -> list[str]:
    """Named volumes and paths that the short form can say: `SOURCE:TARGET:OPTIONS`."""
    return [_bind(making, mount) for mount in making.service.mounts if _short(mount)]


def mounts(making: Making) -> list[dict[str, Any]]:
    """What only the long form can say, and the anonymous volumes that are inherited."""
    found = [_mount(making, mount) for mount in making.service.mounts if not _short(mount)]
    found += _granted(making)
    named = {entry["Target"] for entry in found} | {
        mount.target for mount in making.service.mounts if _short(mount)
    }
    found += [
        {"Type": "volume", "Source": volume, "Target": target}
        for target, volume in making.inherit.items()
        if target not in named
    ]
    return found


def _granted(making: Making) -> list[dict[str, Any]]:
    """The configs and secrets that are files where the engine is."""
    files = (
        (getattr(making.app, kind).get(grant["source"], {}).get("file"), target_of(kind, grant))
        for kind, grant in grants_of(making.service)
    )
    return [
        {"Type": "bind", "Source": file, "Target": target, "ReadOnly": True}
        for file, target in files
        if file
    ]


def tmpfs(spec: Mapping[str, Any]) -> dict[str, str]:
    """The `tmpfs` key: `path` or `path:options`."""
    entries = spec.get("tmpfs") or ()
    pairs = (str(entry).partition(":") for entry in entries)
    return {path: options for path, _, options in pairs}


def _short(mount: Mount) -> bool:
    """Whether a bind string says all of it. A path that shall not be made must be a long one:
    the short form makes what is missing, and so it goes where nothing is said of the bind."""
    if not mount.source:
        return False
    if mount.type == "bind":
        bind = mount.spec.get("bind")
        return bind is None or (
            bool(bind.get("create_host_path")) and not any(map(bind.get, _LONG_BIND))
        )
    volume = mount.spec.get("volume") or {}
    return mount.type == "volume" and not any(map(volume.get, ("nocopy", "subpath", "labels")))


_LONG_BIND = ("propagation", "recursive")
"""Options of a bind for which Compose uses the long form."""


def _bind(making: Making, mount: Mount) -> str:
    source = making.volume(mount.source) if mount.type == "volume" else mount.source
    bind = mount.spec.get("bind") or {}
    options = ["ro" if mount.read_only else "rw"]
    options += [bind[key] for key in ("propagation", "selinux") if bind.get(key)]
    return f"{source}:{mount.target}:{','.join(options)}"


def _mount(making: Making, mount: Mount) -> dict[str, Any]:
    spec = mount.spec
    source = mount.source
    if mount.type == "volume":
        # An anonymous volume stays with its replica: the one of the container replaced is taken.
        source = making.volume(source) if source else making.inherit.get(mount.target, "")
    found = {
        "Type": mount.type,
        "Source": source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "Consistency": spec.get("consistency"),
        "BindOptions": _bind_options(spec.get("bind") or {}),
        "VolumeOptions": _volume_options(spec.get("volume") or {}),
        "TmpfsOptions": _tmpfs_options(spec.get("tmpfs") or {}),
        "ImageOptions": tidy({"Subpath": (spec.get("image") or {}).get("subpath")}),
    }
    return tidy(found)


def _bind_options(bind: Mapping[str, Any]) -> dict[str, Any]:
    recursive = bind.get("recursive")
    return tidy(
        {
            "Propagation": bind.get("propagation"),
            "CreateMountpoint": bind.get("create_host_path"),
            "NonRecursive": recursive == "disabled",
            "ReadOnlyNonRecursive": recursive == "writable",
            "ReadOnlyForceRecursive": recursive == "readonly",
        }
    )


def _volume_options(volume: Mapping[str, Any]) -> dict[str, Any]:
    return tidy(
        {
            "NoCopy": volume.get("nocopy"),
            "Subpath": volume.get("subpath"),
            "Labels": volume.get("labels"),
        }
    )


def _tmpfs_options(tmpfs_: Mapping[str, Any]) -> dict[str, Any]:
    mode = tmpfs_.get("mode")
    return tidy({"SizeBytes": size(tmpfs_.get("size")), "Mode": None if not mode else int(mode)})
