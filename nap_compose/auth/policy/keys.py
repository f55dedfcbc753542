"""The class of each key of a Compose file, and the judgement of a model. Pure.

A pattern names a key: `*` stands for a name that the file chooses, `[]` for each entry of a list.
What stands nowhere here is refused to users who aren't admins; a test goes through the table of
Compose keys and fails when one has no class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nap_compose.auth.policy import rules as r
from nap_compose.auth.policy.rules import FREE, INSIDE, Bounds, Rule, Verdict, admins
from nap_compose.compose.beside import bind_key
from nap_compose.compose.faults import Path, dotted
from nap_compose.compose.model import App
from nap_compose.errors import BadFile
from nap_compose.exits import Exit
from nap_compose.units import show_size


class Forbidden(BadFile):
    """Something in a file that the caller's role may not ask for."""

    exit_code = Exit.NOT_ALLOWED


def _modes(*allowed: str) -> Rule:
    """A namespace: of its own, or that of another service of the app, which nap resolves."""
    return r.words("namespace", (*allowed, "service:*"), "the namespace")


_FREE_OF_A_SERVICE = (
    "attach command configs container_name cpu_count cpu_percent cpu_period cpu_quota "
    "cap_drop credential_spec depends_on develop dns dns_opt dns_search domainname entrypoint "
    "env_file environment expose extends external_links extra_hosts group_add healthcheck hostname "
    "image init label_file links mac_address mem_swappiness models "
    "platform pre_start profiles pull_policy pull_refresh_after read_only restart scale secrets "
    "stdin_open stop_grace_period stop_signal tty user working_dir x-nap"
)
"""They reach nothing of the host that isn't the container's own, or nap does nothing with them."""

_FREE_OF_A_BUILD = (
    "additional_contexts args cache_from context dockerfile dockerfile_inline extra_hosts "
    "no_cache no_cache_filter platforms provenance pull sbom secrets tags target"
)
"""They reach nothing but what the person gives, or nap does them for admins alone."""

_SERVICE: Mapping[str, Rule] = {
    **dict.fromkeys(_FREE_OF_A_SERVICE.split(), FREE),
    "annotations": admins("annotations, which the container's runtime acts on"),
    "blkio_config": admins("weights and rates of the host's disks"),
    "build": INSIDE,
    **{f"build.{key}": FREE for key in _FREE_OF_A_BUILD.split()},
    "build.cache_to": admins("layers kept where the build says"),
    "build.entitlements": admins("a build with rights beyond the usual"),
    "build.labels": r.LABELS,
    "build.isolation": admins("another isolation"),
    "build.network": r.BUILD_NETWORK,
    "build.privileged": admins("a build with all rights on the host"),
    "build.shm_size": r.SHM,
    "build.ulimits": r.ULIMITS,
    "build.ssh": admins("keys of the control host's"),
    "cap_add": r.CAPABILITIES,
    "cgroup": r.PRIVATE,
    "cgroup_parent": admins("a control group of the host's"),
    "cpu_rt_period": admins("real-time scheduling"),
    "cpu_rt_runtime": admins("real-time scheduling"),
    "cpu_shares": r.words("weight", (), "a weight against others' containers"),
    "cpus": r.CPUS,
    "cpuset": admins("a choice of the host's CPUs"),
    "deploy": INSIDE,
    "deploy.endpoint_mode": FREE,
    "deploy.labels": FREE,
    "deploy.mode": FREE,
    "deploy.placement": FREE,
    "deploy.replicas": FREE,
    "deploy.resources": INSIDE,
    "deploy.resources.limits": INSIDE,
    "deploy.resources.limits.cpus": r.CPUS,
    "deploy.resources.limits.memory": r.MEMORY,
    "deploy.resources.limits.pids": r.PIDS,
    "deploy.resources.reservations": INSIDE,
    "deploy.resources.reservations.cpus": r.RESERVED_CPUS,
    "deploy.resources.reservations.devices": r.GPUS,
    "deploy.resources.reservations.generic_resources": r.GENERIC,
    "deploy.resources.reservations.memory": r.RESERVED_MEMORY,
    "deploy.restart_policy": FREE,
    "deploy.rollback_config": FREE,
    "deploy.update_config": FREE,
    "device_cgroup_rules": admins("rules for devices of the host"),
    "devices": INSIDE,
    "devices[]": INSIDE,
    "devices[].permissions": FREE,
    "devices[].source": r.DEVICE,
    "devices[].target": FREE,
    "gpus": r.GPUS,
    "ipc": _modes("none", "private", "shareable"),
    "isolation": admins("another isolation"),
    "labels": r.LABELS,
    "logging": INSIDE,
    "logging.driver": r.LOG_DRIVER,
    "logging.options": r.LOG_OPTION,
    "mem_limit": r.MEMORY,
    "mem_reservation": r.RESERVED_MEMORY,
    "memswap_limit": r.SWAP,
    "network_mode": _modes("none"),
    "networks": INSIDE,
    "networks.*": INSIDE,
    "networks.*.aliases": FREE,
    "networks.*.driver_opts": admins("options of the network's driver"),
    "networks.*.gw_priority": FREE,
    "networks.*.interface_name": FREE,
    "networks.*.ipv4_address": FREE,
    "networks.*.ipv6_address": FREE,
    "networks.*.link_local_ips": FREE,
    "networks.*.mac_address": FREE,
    "networks.*.priority": FREE,
    "oom_kill_disable": admins("a container that the kernel may not end"),
    "oom_score_adj": r.OOM_SCORE,
    "pid": _modes(),
    "pids_limit": r.PIDS,
    "ports": INSIDE,
    "ports[]": INSIDE,
    "ports[].app_protocol": FREE,
    "ports[].host_ip": r.ADDRESS,
    "ports[].mode": FREE,
    "ports[].name": FREE,
    "ports[].protocol": FREE,
    "ports[].published": r.PUBLISHED,
    "ports[].target": FREE,
    "privileged": admins("all rights on the host"),
    "provider": admins("a program of the file's choosing on the control host"),
    "runtime": r.RUNTIME,
    "security_opt": r.SECURITY,
    "shm_size": r.SHM,
    "storage_opt": admins("options of the storage driver"),
    "sysctls": r.SYSCTLS,
    "tmpfs": r.TMPFS,
    "ulimits": r.ULIMITS,
    "use_api_socket": admins("the engine's socket"),
    "userns_mode": admins("the host's user namespace"),
    "uts": admins("the host's name as its own"),
    "volumes": INSIDE,
    "volumes[]": INSIDE,
    "volumes[].bind": INSIDE,
    "volumes[].bind.create_host_path": FREE,
    "volumes[].bind.propagation": r.words("propagation", ("private", "rprivate"), "propagation"),
    "volumes[].bind.recursive": FREE,
    "volumes[].bind.selinux": FREE,
    "volumes[].consistency": FREE,
    "volumes[].image": admins("another image's files"),
    "volumes[].read_only": FREE,
    "volumes[].source": FREE,
    "volumes[].target": FREE,
    "volumes[].tmpfs": INSIDE,
    "volumes[].tmpfs.mode": FREE,
    "volumes[].tmpfs.size": r.TMPFS_SIZE,
    "volumes[].type": r.words("mounts", ("bind", "tmpfs", "volume"), "a mount of type"),
    "volumes[].volume": FREE,
    "volumes_from": FREE,
    **{f"{hook}[].{key}": FREE for hook in ("post_start", "pre_stop")
       for key in ("command", "environment", "user", "working_dir")},
    **{f"{hook}[].privileged": admins("a command with all rights on the host")
       for hook in ("post_start", "pre_stop")},
    **{f"{hook}{entry}": INSIDE for hook in ("post_start", "pre_stop") for entry in ("", "[]")},
}  # fmt: skip

_NETWORK: Mapping[str, Rule] = {
    "attachable": FREE,
    "driver": r.NETWORK_DRIVER,
    "driver_opts": admins("options of the network's driver"),
    "enable_ipv4": FREE,
    "enable_ipv6": FREE,
    "external": FREE,
    "internal": FREE,
    "ipam": admins("addresses of one's own choosing"),
    "labels": r.LABELS,
    "name": FREE,
}

_VOLUME: Mapping[str, Rule] = {
    "driver": r.VOLUME_DRIVER,
    "driver_opts": r.VOLUME_OPTIONS,
    "external": FREE,
    "labels": r.LABELS,
    "name": FREE,
}

KEYS: Mapping[str, Rule] = {
    "configs": FREE,
    "include": FREE,
    "models": FREE,
    "name": FREE,
    "networks": INSIDE,
    "networks.*": INSIDE,
    **{f"networks.*.{key}": rule for key, rule in _NETWORK.items()},
    "secrets": FREE,
    "services": INSIDE,
    "services.*": INSIDE,
    **{f"services.*.{key}": rule for key, rule in _SERVICE.items()},
    "version": FREE,
    "volumes": INSIDE,
    "volumes.*": INSIDE,
    **{f"volumes.*.{key}": rule for key, rule in _VOLUME.items()},
    "x-nap": FREE,
}
"""Every key that users may give at all, by its pattern."""


LARGEST = 4 << 20
"""Bytes of a model, which is kept with each revision, in the state store and in the records."""


def judge(app: App, bounds: Bounds) -> Iterator[Forbidden]:
    """Everything in the model that a user who isn't an admin may not ask for, with its path."""
    if (size := _size(app)) > LARGEST:
        text = f"the model comes to {show_size(size)}, and {show_size(LARGEST)} is the most"
        yield Forbidden(text, hint="what is long stands better in a file beside the Compose file")
    for path, verdict in _in_value(app.document, "", (), bounds):
        yield _forbidden(path, verdict)
    for name, service in app.services.items():
        if isinstance(service.spec, Mapping):
            yield from _of_the_host(app, name, bounds)
            yield from _without_a_limit(name, service.spec, bounds)


def _size(app: App) -> int:
    """Bytes of all that is kept of a model."""
    parts = (app.document, app.working_dir, app.files, app.profiled_out, app.content)
    return sum(len(json.dumps(part)) for part in parts)


def _of_the_host(app: App, name: str, bounds: Bounds) -> Iterator[Forbidden]:
    """Paths of the hosts, and containers that aren't the app's."""
    service = app.services[name]
    for index, mount in enumerate(service.mounts):
        brought = bind_key(mount.source) in app.content
        if mount.type == "bind" and not brought and not r.path_is_listed(mount.source, bounds):
            path = ("services", name, "volumes", index)
            yield _forbidden(path, Verdict(f"the host's {mount.source} is not allowed", "binds"))
    for index, entry in enumerate(service.spec.get("volumes_from") or ()):
        if str(entry).startswith("container:"):
            path = ("services", name, "volumes_from", index)
            yield _forbidden(path, Verdict("mounts of a container that isn't the app's"))


def _without_a_limit(name: str, spec: Mapping[str, Any], bounds: Bounds) -> Iterator[Forbidden]:
    """Where the cluster file sets a most, a service says how much it may take."""
    limits = (spec.get("deploy") or {}).get("resources", {}).get("limits") or {}
    for most, key, older in (
        (bounds.policy.cpus, "cpus", "cpus"),
        (bounds.policy.memory, "memory", "mem_limit"),
    ):
        if most and not limits.get(key) and not spec.get(older):
            path = ("services", name)
            yield _forbidden(path, Verdict(f"it sets no limit with `{older}`, and must", key))


def _in_value(
    value: Any, pattern: str, path: Path, bounds: Bounds
) -> Iterator[tuple[Path, Verdict]]:
    rule = KEYS.get(pattern, INSIDE if not pattern else None)
    if rule is None:
        if value not in (None, False, "", [], {}):
            yield path, Verdict("nap has no rule for it: for admins only")
    elif rule.judge is not None:
        verdict = rule.judge(value, bounds)
        if verdict is not None:
            yield path, verdict
    elif rule is INSIDE and value is not None:
        yield from _within(value, pattern, path, bounds)


def _within(value: Any, pattern: str, path: Path, bounds: Bounds) -> Iterator[tuple[Path, Verdict]]:
    named = f"{pattern}.*" in KEYS
    if isinstance(value, Mapping) and f"{pattern}[]" not in KEYS:
        for key, inner in value.items():
            if not named and str(key).startswith("x-") and key != "x-nap":
                continue  # an extension, which means nothing to nap
            below = f"{pattern}.*" if named else f"{pattern}.{key}".lstrip(".")
            yield from _in_value(inner, below, (*path, key), bounds)
    elif isinstance(value, (list, tuple)) and f"{pattern}[]" in KEYS:
        for index, inner in enumerate(value):
            yield from _in_value(inner, f"{pattern}[]", (*path, index), bounds)
    else:
        yield path, Verdict("it has a form that nap doesn't know: for admins only")


def _forbidden(path: Path, verdict: Verdict) -> Forbidden:
    hint = ""
    if verdict.rule:
        where = verdict.rule if "." in verdict.rule else f"policy.{verdict.rule}"
        hint = f"`{where}` in the cluster file says what users may ask for"
    return Forbidden(f"{dotted(path)}: {verdict.why}", path=path, hint=hint or None)
