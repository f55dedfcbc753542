"""HostConfig: what of the host a container gets, from ports and volumes to limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.mounts import binds, mounts, tmpfs
from nap_compose.orchestration.bodies.networking import links, network_mode
from nap_compose.orchestration.bodies.resources import resources
from nap_compose.orchestration.bodies.values import size, tidy

_PLAIN = {
    "annotations": "Annotations",
    "cgroup": "CgroupnsMode",
    "dns": "Dns",
    "dns_opt": "DnsOptions",
    "dns_search": "DnsSearch",
    "init": "Init",
    "isolation": "Isolation",
    "oom_score_adj": "OomScoreAdj",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "runtime": "Runtime",
    "storage_opt": "StorageOpt",
    "userns_mode": "UsernsMode",
    "uts": "UTSMode",
}
"""Keys of a service that the engine takes as they are."""


NEVER = {"Name": "no"}
"""The restart policy of what the watcher starts again."""


def host_config(making: Making) -> dict[str, Any]:
    """The body's HostConfig."""
    spec = making.spec
    config: dict[str, Any] = {there: spec.get(here) for here, there in _PLAIN.items()}
    config.update(
        {
            "Binds": binds(making),
            "Mounts": mounts(making),
            "Tmpfs": tmpfs(spec),
            "NetworkMode": network_mode(making),
            "IpcMode": _namespace(making, "ipc"),
            "PidMode": _namespace(making, "pid"),
            "VolumesFrom": _volumes_from(making),
            "Links": links(making),
            "PortBindings": port_bindings(making),
            "RestartPolicy": NEVER if making.watched else restart_policy(spec),
            "ExtraHosts": extra_hosts(spec),
            "GroupAdd": [str(group) for group in spec.get("group_add") or ()],
            "LogConfig": _log_config(spec),
            "CapAdd": _capabilities(spec.get("cap_add")),
            "CapDrop": _capabilities(spec.get("cap_drop")),
            "ShmSize": size(spec.get("shm_size")),
            "Sysctls": {key: str(value) for key, value in (spec.get("sysctls") or {}).items()},
        }
    )
    found = {**tidy(config), **resources(spec), **_security(spec.get("security_opt") or ())}
    if spec.get("init") is False:
        found["Init"] = False  # said on purpose: it overrules the engine's --init
    return found


_ALL_PATHS = "systempaths=unconfined"
"""What hides no part of /proc and /sys: the engine knows it as two empty lists."""


def _security(options: Sequence[str]) -> dict[str, list[str]]:
    others = [option for option in options if option != _ALL_PATHS]
    paths: dict[str, list[str]] = {"MaskedPaths": [], "ReadonlyPaths": []}
    return {
        **({"SecurityOpt": others} if others else {}),
        **(paths if _ALL_PATHS in options else {}),
    }


def port_bindings(making: Making) -> dict[str, list[dict[str, str]]]:
    """Where the host publishes what: on its `publish_ip` unless the file names an address."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in making.service.ports:
        binding = {
            "HostIp": port.host_ip or making.publish_ip,
            "HostPort": port.published,
        }
        bindings.setdefault(f"{port.target}/{port.protocol}", []).append(binding)
    return bindings


def restart_policy(spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """`deploy.restart_policy`, which wins, or `restart`.

    A job that ended well is done: it is started again only when it failed.
    """
    deploy = spec.get("deploy") or {}
    job = str(deploy.get("mode")).endswith("-job")
    policy = deploy.get("restart_policy")
    if policy:
        # Swarm's words, as Compose translates them; without a condition it is the engine's default.
        given = policy.get("condition") or ("any" if job else "")
        name = {"none": "no", "any": "always"}.get(given, given)
        count = policy.get("max_attempts")
    elif spec.get("restart"):
        name, _, count = str(spec["restart"]).partition(":")
    else:
        return None
    if job and name in ("always", "unless-stopped"):
        name = "on-failure"
    return tidy({"Name": name, "MaximumRetryCount": int(count or 0)})


def extra_hosts(spec: Mapping[str, Any]) -> list[str]:
    """`name:address` for each; the canonical form is `name=address` or a mapping."""
    entries = spec.get("extra_hosts") or ()
    if isinstance(entries, Mapping):
        pairs = [
            (name, address)
            for name, addresses in entries.items()
            for address in ([addresses] if isinstance(addresses, str) else addresses)
        ]
    else:
        pairs = [_host_pair(entry) for entry in entries]
    return [f"{name}:{address}" for name, address in pairs]


def _capabilities(names: Any) -> list[str]:
    """With the prefix that the kernel's names have: engines before 20.10 want them alike."""
    upper = [str(name).upper() for name in names or ()]
    return [name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}" for name in upper]


def _host_pair(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=" if "=" in entry else ":")
    return name, address.removeprefix("[").removesuffix("]")


def _namespace(making: Making, key: str) -> str:
    value = str(making.spec.get(key) or "")
    if value.startswith("service:"):
        return f"container:{making.containers[value.split(':', 1)[1]]}"
    return value


def _volumes_from(making: Making) -> list[str]:
    sources = []
    for entry in making.spec.get("volumes_from") or ():
        if entry.startswith("container:"):
            sources.append(entry.removeprefix("container:"))
        else:
            service, _, mode = entry.partition(":")
            sources.append(making.containers[service] + (f":{mode}" if mode else ""))
    return sources


def _log_config(spec: Mapping[str, Any]) -> dict[str, Any] | None:
    logging = spec.get("logging")
    if not logging:
        return None
    options = {key: str(value) for key, value in (logging.get("options") or {}).items()}
    return {"Type": logging.get("driver") or "", "Config": options}
