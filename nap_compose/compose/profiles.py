"""Which services count: those without a profile, those whose profile is on, those named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nap_compose.errors import BadFile

Services = Mapping[str, dict[str, Any]]


def is_on(service: Mapping[str, Any], active: Collection[str]) -> bool:
    """Whether a service is on: it has no profile, or one that is active (`*` is every one)."""
    own = service.get("profiles") or ()
    return not own or "*" in active or any(profile in active for profile in own)


def chosen(services: Services, active: Collection[str], named: Collection[str]) -> set[str]:
    """The names of the services that are on; naming a service turns it on. Raises BadFile."""
    for name in named:
        if name not in services:
            raise BadFile(f"no such service: {name}", hint=_names(services))
    profiles = set(active)
    for name in named:
        profiles.update(services[name].get("profiles") or ())
    return {name for name, service in services.items() if is_on(service, profiles)}


def with_dependencies(services: Services, named: Collection[str]) -> set[str]:
    """The named services and what they depend on, as far as it is in `services`."""
    wanted: set[str] = set()
    waiting = list(named)
    while waiting:
        name = waiting.pop()
        if name in wanted or name not in services:
            continue
        wanted.add(name)
        waiting.extend(services[name].get("depends_on") or ())
    return wanted


def _names(services: Services) -> str | None:
    return f"the file has {', '.join(sorted(services))}" if services else None
