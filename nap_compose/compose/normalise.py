"""What Compose adds to a merged file: names, the default network, implied dependencies, defaults.

After this the document is what `nap config --format json` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.compose.keys import TOP
from nap_compose.compose.merge import mapping_of
from nap_compose.compose.scalars import Duration, Size
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table

NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
"""Keys that may say `service:NAME`."""
RESOURCES = ("networks", "volumes", "secrets", "configs")


def defaults(spec: dict[str, Any], folder: str) -> None:
    """Fill in, in place, what the parts of a service leave open.

    `folder` is the project's, which a build without a context is made from.
    """
    if isinstance(spec.get("build"), dict):
        spec["build"] = {"context": folder, **spec["build"]}
    for secret in spec.get("secrets") or ():
        secret.setdefault("target", f"/run/secrets/{secret.get('source')}")
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            port.setdefault("mode", "ingress")
            port.setdefault("protocol", "tcp")
    for entry in (spec.get("depends_on") or {}).values():
        if isinstance(entry, dict):
            entry.setdefault("required", True)


def replicas(spec: dict[str, Any]) -> None:
    """Say how many replicas there are where `deploy` says it, in place."""
    if isinstance(spec.get("deploy"), dict) and spec.get("scale") is not None:
        spec["deploy"] = {"replicas": spec["scale"], **spec["deploy"]}


def service(spec: dict[str, Any], env: Mapping[str, str]) -> None:
    """Add to a service, in place, what Compose takes for granted."""
    if not spec.get("networks") and "network_mode" not in spec and "provider" not in spec:
        spec["networks"] = {"default": None}
    if spec.get("pull_policy") == "if_not_present":
        spec["pull_policy"] = "missing"
    if isinstance(spec.get("build"), dict):
        spec["build"] = _build(spec["build"], env)
    _imply_dependencies(spec)


def _build(build: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    result = dict(build)
    if "dockerfile" not in result and "dockerfile_inline" not in result:
        result["dockerfile"] = "Dockerfile"
    if isinstance(result.get("args"), list):
        filled = (arg if "=" in arg else _pair(arg, env.get(arg)) for arg in result["args"])
        result["args"] = [arg for arg in filled if arg]
    elif "args" in result:
        found = {k: env.get(k) if v is None else v for k, v in (result["args"] or {}).items()}
        result["args"] = {key: value for key, value in found.items() if value is not None}
    return result


def _pair(name: str, value: str | None) -> str:
    return "" if value is None else f"{name}={value}"


def _imply_dependencies(spec: dict[str, Any]) -> None:
    wanted: dict[str, Any] = dict(spec.get("depends_on") or {})
    for link in spec.get("links") or ():
        wanted.setdefault(link.partition(":")[0], _implied(restart=True))
    for key in NAMESPACES:
        reference = spec.get(key)
        if isinstance(reference, str) and reference.startswith("service:"):
            wanted.setdefault(reference.removeprefix("service:"), _implied(restart=True))
    for other in spec.get("volumes_from") or ():
        if not other.startswith("container:"):
            wanted.setdefault(other.partition(":")[0], _implied(restart=False))
    if wanted:
        spec["depends_on"] = wanted


def _implied(restart: bool) -> dict[str, Any]:
    return {"condition": "service_started", "restart": restart, "required": True}


def default_network(document: dict[str, Any]) -> None:
    """Define the network `default`, in place, where a service is on it and the file doesn't."""
    specs = (document.get("services") or {}).values()
    if any("default" in (spec.get("networks") or ()) for spec in specs):
        document["networks"] = {"default": None, **(document.get("networks") or {})}


def names(document: dict[str, Any], project: str) -> None:
    """Name what the file doesn't name, in place: `PROJECT_KEY`, or the key of an external one."""
    for kind in RESOURCES:
        table = document.get(kind) or {}
        for key, given in table.items():
            entry = dict(given or {})
            if not entry.get("name"):
                external = entry.get("external") in (True, "true")
                entry["name"] = key if external else f"{project}_{key}"
            table[key] = entry


def used_only(document: dict[str, Any]) -> None:
    """Keep only the networks, volumes, secrets and configs that a service uses, in place."""
    for kind, used in _used(document.get("services") or {}).items():
        table = document.get(kind) or {}
        kept = {key: entry for key, entry in table.items() if key in used}
        document.pop(kind, None)
        if kept:
            document[kind] = kept


def _used(services: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {kind: set() for kind in RESOURCES}
    for spec in services.values():
        used["networks"].update(spec.get("networks") or ())
        for mount in spec.get("volumes") or ():
            if mount.get("type") == "volume" and mount.get("source"):
                used["volumes"].add(mount["source"])
        build = spec.get("build") or {}
        for secret in (*(spec.get("secrets") or ()), *(build.get("secrets") or ())):
            used["secrets"].add(secret.get("source"))
        used["configs"].update(entry.get("source") for entry in spec.get("configs") or ())
    return used


def drop_empty(value: Any, shape: Shape | None = TOP) -> Any:
    """`value` without keys that say nothing: no text, no entries, false, 0.

    The table of keys says where nothing differs from silence (`command: []`, `scale: 0`); an
    object that was written stays (`healthcheck: {}`), and so does what users name themselves.
    """
    if isinstance(value, list):
        items = items_of(shape)
        return [drop_empty(entry, items) for entry in value] if items else value
    if not isinstance(value, dict):
        return value
    inner = mapping_of(shape)
    if isinstance(inner, Table):
        return {key: drop_empty(entry, inner.entry) for key, entry in value.items()}
    return _drop_in_object(value, inner) if isinstance(inner, Object) else value


_ZERO_TEXTS: Mapping[type[Shape], tuple[str, ...]] = {Size: ("0",), Duration: ("0s",)}


def _drop_in_object(value: dict[str, Any], shape: Object) -> dict[str, Any]:
    result = {}
    for key, entry in value.items():
        row = shape.entries.get(key)
        if row is None:
            result[key] = entry
            continue
        kept = drop_empty(entry, row.shape) if isinstance(entry, (dict, list)) else entry
        if kept in _ZERO_TEXTS.get(type(row.shape), ()) and not row.zero:
            continue
        if (
            kept
            or row.zero
            or (isinstance(kept, dict) and isinstance(mapping_of(row.shape), Object))
        ):
            result[key] = kept
    return result


def items_of(shape: Shape | None) -> Shape | None:
    """The shape of the entries of a list of this shape, if it is one."""
    if isinstance(shape, Either):
        shape = shape.by_kind.get(list)
    return shape.item if isinstance(shape, Items) else None


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is printed: nothing empty, each service with its command, keys sorted."""
    result: dict[str, Any] = {"name": document["name"]}
    for key in sorted(document.keys() - {"name", "include", "version"}):
        value = document[key]
        if key in TABLES:
            shape = mapping_of(TOP.entries[key].shape)
            assert isinstance(shape, Table)
            value = {name: drop_empty(value[name] or {}, shape.entry) for name in sorted(value)}
            if not value and key != "services":
                continue
        result[key] = value
    for network in result.get("networks", {}).values():
        network.setdefault("ipam", {})
    result["services"] = {
        name: {"command": None, "entrypoint": None, **spec}
        for name, spec in result.get("services", {}).items()
    }
    for spec in result["services"].values():
        if isinstance(spec.get("deploy"), dict):
            spec["deploy"] = {"resources": {}, "placement": {}, **spec["deploy"]}
    return result


TABLES = (*RESOURCES, "services", "models")
