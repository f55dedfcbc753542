"""The config hash: whether a container still is what its service asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nap_compose.compose.model import App, Service

FORMAT = 1
"""How a hash is made. It grows with each change of what counts, so that a container with a hash of
another format isn't taken for one whose service changed. Hashes of the first format bear no mark.
"""
_MARK = ":"

_LEFT_OUT = ("build", "pull_policy", "pull_refresh_after", "scale", "depends_on", "profiles")
"""What can change without a container becoming another one."""


def config_hash(
    service: Service | Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> str:
    """The sha256 of a service's canonical form, as hex digits, and its format where that isn't the
    first.

    Build, pull policy, replicas, dependencies, profiles and `x-` keys don't count. `extra` is
    what else makes it another container, such as the hashes of the files that are mounted.
    """
    spec = service.spec if isinstance(service, Service) else service
    counted: dict[str, Any] = {
        key: value
        for key, value in spec.items()
        if key not in _LEFT_OUT and not key.startswith("x-") and value is not None
    }
    if isinstance(counted.get("deploy"), Mapping):
        counted["deploy"] = {k: v for k, v in counted["deploy"].items() if k != "replicas"}
        if not any(counted["deploy"].values()):
            del counted["deploy"]
    if extra:
        counted["x-extra"] = extra
    return _digest(counted)


def resource_hash(resource: Mapping[str, Any]) -> str:
    """The sha256 of a network's or volume's canonical form, the driver filled in for a volume."""
    return _digest({key: value for key, value in resource.items() if not key.startswith("x-")})


def config_hashes(app: App) -> dict[str, str]:
    """Each service with its config hash (`nap config --hash '*'`)."""
    return {name: config_hash(service) for name, service in sorted(app.services.items())}


def is_of_this_format(hash_: str) -> bool:
    """Whether a hash was made as they are made now, so that others can be held against it."""
    mark, colon, _ = hash_.partition(_MARK)
    return (mark if colon else "1") == str(FORMAT)


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    import hashlib

    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest if FORMAT == 1 else f"{FORMAT}{_MARK}{digest}"
