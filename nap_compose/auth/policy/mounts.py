"""The judgement of what a container mounts: binds, volumes and file systems in memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nap_compose.auth.policy import rules as r
from nap_compose.auth.policy.owned import Owned
from nap_compose.auth.policy.rules import Bounds, Verdict, judged
from nap_compose.cluster.engine import Json

_OF_A_BIND = frozenset(
    ["ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "cached", "consistent", "delegated"]
)
"""The words that may stand behind a bind. Those of propagation that aren't here reach the host."""

_PRIVATE = (None, "", "private", "rprivate")
_OF_A_MOUNT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("Type", "Source", "Target", "ReadOnly", "Consistency"), frozenset()),
    "BindOptions": frozenset(
        (
            *("Propagation", "CreateMountpoint", "NonRecursive"),
            *("ReadOnlyNonRecursive", "ReadOnlyForceRecursive"),
        )
    ),
    "VolumeOptions": frozenset(("NoCopy", "Subpath", "Labels")),
    "TmpfsOptions": frozenset(("SizeBytes", "Mode")),
}
"""The fields of a mount, and what may stand in each that has fields of its own."""


def binds(value: Any, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with `Binds`."""
    for bind in value:
        source, _, rest = str(bind).partition(":")
        yield from _source(source, bounds, owned)
        options = rest.rpartition(":")[2].split(",") if ":" in rest else []
        strange = [option for option in options if option and option not in _OF_A_BIND]
        if strange:
            yield Verdict(f"the option {strange[0]} of the mount of {source} is for admins only")


def mounts(value: Any, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with `Mounts`."""
    for mount in value:
        kind, source = mount.get("Type"), mount.get("Source") or ""
        if kind not in ("bind", "volume", "tmpfs"):
            yield Verdict(f"a mount of type {kind} is for admins only")
        elif kind == "bind" or source:
            yield from _source(source, bounds, owned)
        if (mount.get("BindOptions") or {}).get("Propagation") not in _PRIVATE:
            yield Verdict(f"the propagation of {source} reaches the host: for admins only")
        yield from judged(r.TMPFS_SIZE, (mount.get("TmpfsOptions") or {}).get("SizeBytes"), bounds)
        yield from judged(r.LABELS, (mount.get("VolumeOptions") or {}).get("Labels"), bounds)
        for field in _strange_in(mount):
            yield Verdict(f"{field} of a mount is for admins only")


def _strange_in(mount: Json) -> Iterator[str]:
    for field, value in mount.items():
        if field not in _OF_A_MOUNT and value:
            yield field
        elif isinstance(value, Mapping):
            known = _OF_A_MOUNT.get(field, frozenset())
            strange = (key for key, inner in value.items() if key not in known and inner)
            yield from (f"{field}.{key}" for key in strange)


def tmpfs(value: Any, bounds: Bounds, _: Owned) -> Iterator[Verdict]:
    """What is wrong with `Tmpfs`."""
    for options in value.values():
        verdict = r.in_memory(str(options), bounds)
        if verdict is not None:
            yield verdict


def _source(source: object, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """A volume of the owner's, a path that users may mount, or what nap brought."""
    text = str(source)
    if not text.startswith("/"):
        if not owned.name(text) and not _is_anonymous(text) and not owned.in_place(text):
            yield Verdict(f"the volume {text} isn't {owned.owner}'s")
    elif not owned.brought(text) and not r.path_is_listed(text, bounds):
        yield Verdict(f"the host's {text} is not allowed", "binds")


def _is_anonymous(name: str) -> bool:
    """Whether an engine made the name up: nobody can guess another one's."""
    return len(name) == 64 and all(char in "0123456789abcdef" for char in name)


def with_ends(host: Json, size: int) -> dict[str, Any]:
    """The part of a body about the host, in which each file system in memory has an end: `size`
    where it says nothing of it."""
    found = dict(host)
    if host.get("Tmpfs"):
        found["Tmpfs"] = {
            path: options if _has_size(options) else f"{options},size={size}".lstrip(",")
            for path, options in host["Tmpfs"].items()
        }
    if host.get("Mounts"):
        found["Mounts"] = [_with_an_end(mount, size) for mount in host["Mounts"]]
    return found


def _with_an_end(mount: Json, size: int) -> Json:
    options = mount.get("TmpfsOptions") or {}
    if mount.get("Type") != "tmpfs" or options.get("SizeBytes"):
        return mount
    return {**mount, "TmpfsOptions": {**options, "SizeBytes": size}}


def _has_size(options: str) -> bool:
    return any(each.startswith("size=") for each in options.split(","))
