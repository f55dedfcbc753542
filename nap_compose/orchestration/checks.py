"""What nap can't do for a file is refused with a reason, never dropped. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from nap_compose.cluster import labels
from nap_compose.compose.model import App, Json, Service
from nap_compose.errors import BadFile, BadFiles

_NOT_DONE = {
    "provider": "it runs a program of the file's choosing on the control host",
    "credential_spec": "it needs Windows hosts",
    "models": "nap runs no models; run one as a service",
    "use_api_socket": "it hands the engine's socket to the container",
    "post_start": "hooks are not run; put the command into the service's entrypoint",
    "pre_stop": "hooks are not run; use stop_signal and a handler in the service",
    "pre_start": "hooks are not run; use a service and depends_on with "
    "service_completed_successfully",
}
"""Keys of a service that are refused, each with the reason."""

_NOT_ACROSS_HOSTS = {
    "links": "containers on other hosts are reached by service name",
    "external_links": "containers on other hosts are reached through a shared network",
}


def check(app: App, *, hosts: int) -> None:
    """Raise BadFiles with everything in the app that would not be done; `hosts` is how many
    hosts the cluster has."""
    faults = list(_faults(app, across=hosts > 1))
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise BadFiles(tuple(faults))


def _faults(app: App, *, across: bool) -> Iterator[BadFile]:
    for name, service in app.services.items():
        spec = service.spec
        for key, why in _NOT_DONE.items():
            if spec.get(key):
                yield BadFile(f"services.{name}.{key} is not done: {why}")
        if across:
            yield from _not_across(app, name, service)
        yield from _reserved(f"services.{name}.labels", spec)
        for grant in (*(spec.get("configs") or ()), *(spec.get("secrets") or ())):
            yield BadFile(
                f"services.{name} is granted {grant.get('source')}: configs and secrets are not "
                "brought to the containers",
                hint="pass the value as an environment variable, or build the file into the image",
            )
    for kind, things in (("networks", app.networks), ("volumes", app.volumes)):
        for key, spec in things.items():
            yield from _reserved(f"{kind}.{key}.labels", spec)


def _not_across(app: App, name: str, service: Service) -> Iterator[BadFile]:
    for key, why in _NOT_ACROSS_HOSTS.items():
        if service.spec.get(key):
            yield BadFile(f"services.{name}.{key} is not done across hosts: {why}")
    for mount in service.mounts:
        if mount.type == "bind" and _beside_the_file(mount.source, app.working_dir):
            yield BadFile(
                f"services.{name}.volumes: {mount.source} is beside the Compose file, and the "
                "hosts don't have it",
                hint="use a named volume for data, build files into the image, or name an "
                "absolute path that every host has",
            )


def _beside_the_file(source: str, working_dir: str) -> bool:
    return bool(working_dir) and PurePath(source).is_relative_to(working_dir)


def _reserved(where: str, spec: Json) -> Iterator[BadFile]:
    """Labels that say whose an object is are nap's to set, and only nap's."""
    for label in spec.get("labels") or {}:
        if str(label).startswith(labels.RESERVED):
            yield BadFile(
                f"{where}: {label} is set by nap itself",
                hint=f"names under {' and '.join(labels.RESERVED)} are taken",
            )
