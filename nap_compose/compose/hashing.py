"""The hash of a service's configuration: a container made from another one is out of date."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from nap_compose.compose.model import Service

LEFT_OUT = ("build", "pull_policy", "scale", "depends_on", "profiles")
"""Keys whose change asks for no other container, as in Compose."""


def config_hash(service: Service) -> str:
    """64 hex digits over the service's canonical form, without what doesn't make a container.

    How many replicas there are is left out too, so that scaling replaces none.
    """
    spec: dict[str, Any] = {
        key: value for key, value in service.spec.items() if key not in LEFT_OUT
    }
    if isinstance(spec.get("deploy"), dict):
        deploy = {key: value for key, value in spec["deploy"].items() if key != "replicas"}
        spec["deploy"] = deploy
        if not deploy:
            del spec["deploy"]
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
