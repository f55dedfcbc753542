"""The short lists of `nap config`: services, images, volumes, networks, models and so on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.compose.loader import Loaded
from nap_compose.compose.model import App


def services(app: App) -> list[str]:
    """The services, each after those that it depends on, by name where that leaves a choice.

    Where variables were left as they stand nothing is known but the names.
    """
    if not app.services:
        return sorted(app.document.get("services") or ())
    listed: dict[str, None] = {}
    stack = [(name, False) for name in sorted(app.services, reverse=True)]
    while stack:
        name, ready = stack.pop()
        if name in listed or name not in app.services:
            continue
        if ready:
            listed[name] = None
            continue
        stack.append((name, True))
        wanted = {dependency.service for dependency in app.services[name].depends_on}
        stack.extend((other, False) for other in sorted(wanted - listed.keys(), reverse=True))
    return list(listed)


def images(app: App) -> list[str]:
    """The image of each service, by the image; a built one without a name is PROJECT-SERVICE."""
    return sorted(service.image or f"{app.name}-{name}" for name, service in app.services.items())


def volumes(app: App) -> list[str]:
    """The keys of the volumes that services use."""
    return sorted(app.volumes)


def networks(app: App) -> list[str]:
    """The keys of the networks that services use."""
    return sorted(app.networks)


def models(app: App) -> list[str]:
    """The images of the models that services use."""
    declared = app.document.get("models") or {}
    used = {name for service in app.services.values() for name in service.spec.get("models") or ()}
    return sorted(entry["model"] for name, entry in declared.items() if name in used)


def profiles(app: App) -> list[str]:
    """The profiles that services name."""
    named: set[str] = set()
    for service in app.services.values():
        named.update(service.spec.get("profiles") or ())
    return sorted(named)


def environment(loaded: Loaded) -> list[str]:
    """`NAME=value` of every variable that files were interpolated with."""
    return sorted(f"{name}={value}" for name, value in loaded.env.items())


def variables(loaded: Loaded) -> list[Mapping[str, Any]]:
    """The variables that files name, as `nap config --variables --format json` prints them."""
    return [
        {
            "Name": variable.name,
            "Required": variable.required,
            "DefaultValue": variable.default,
            "PresenceValue": variable.alternative,
        }
        for _, variable in sorted(loaded.variables.items())
    ]
