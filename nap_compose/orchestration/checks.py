"""What nap can't do for a file is refused with a reason, never dropped. Pure.

Most of it stands in the table of keys; here is what hangs on more than a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from nap_compose.cluster import labels
from nap_compose.compose import treatment
from nap_compose.compose.faults import Path, dotted
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.errors import BadFile, BadFiles


def check(app: App, site: Site) -> None:
    """Raise BadFile or BadFiles with everything in the app that would not be done at `site`."""
    found = list(faults(app, site))
    if found:
        raise BadFiles.of(found)


def faults(app: App, site: Site) -> Iterator[BadFile]:
    """Everything in the app that would not be done at `site`, each with its path."""
    for finding in treatment.refused(app.document, site):
        yield BadFile(finding.sentence, path=finding.path)
    for name, service in app.services.items():
        path = ("services", name)
        yield from _reserved((*path, "labels"), service.spec)
        if site.hosts > 1:
            yield from _beside_the_file(app, name)
        for index, mount in enumerate(service.mounts):
            yield from _reserved(
                (*path, "volumes", index, "volume", "labels"), mount.spec.get("volume") or {}
            )
    for kind, things in (("networks", app.networks), ("volumes", app.volumes)):
        for key, spec in things.items():
            yield from _reserved((kind, key, "labels"), spec)


def _beside_the_file(app: App, name: str) -> Iterator[BadFile]:
    """Binds of what lies beside the Compose file: the hosts don't have it."""
    for index, mount in enumerate(app.services[name].mounts):
        if mount.type != "bind" or not app.working_dir:
            continue
        if PurePath(mount.source).is_relative_to(app.working_dir):
            yield BadFile(
                f"services.{name}.volumes: {mount.source} is beside the Compose file, and the "
                "hosts don't have it",
                hint="use a named volume for data, build files into the image, or name an "
                "absolute path that every host has",
                path=("services", name, "volumes", index),
            )


def _reserved(path: Path, spec: Mapping[str, object]) -> Iterator[BadFile]:
    """Labels that say whose an object is are nap's to set, and only nap's."""
    given = spec.get("labels")
    for label in given if isinstance(given, Mapping) else ():
        if str(label).startswith(labels.RESERVED):
            yield BadFile(
                f"{dotted(path)}: {label} is set by nap itself",
                hint=f"names under {' and '.join(labels.RESERVED)} are taken",
                path=(*path, label),
            )
