"""What nap can't do for a file is refused with a reason, never dropped. Pure.

Most of it stands in the table of keys; here is what hangs on more than a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from nap_compose.cluster import labels
from nap_compose.cluster.cluster import Storage
from nap_compose.compose import treatment
from nap_compose.compose.beside import bind_key, ship_word
from nap_compose.compose.faults import Path, dotted
from nap_compose.compose.limits import MOST_REPLICAS
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.errors import BadFile, BadFiles
from nap_compose.orchestration import pooling
from nap_compose.orchestration.placement import asks
from nap_compose.orchestration.shipping import OWN, grants_of

NO_STORAGE = Storage()


def check(app: App, site: Site, storage: Storage = NO_STORAGE) -> None:
    """Raise BadFile or BadFiles with everything in the app that would not be done at `site`."""
    found = list(faults(app, site, storage))
    if found:
        raise BadFiles.of(found)


def faults(app: App, site: Site, storage: Storage = NO_STORAGE) -> Iterator[BadFile]:
    """Everything in the app that would not be done at `site`, each with its path."""
    yield from _too_many(app)
    for finding in treatment.refused(app.document, site):
        yield BadFile(finding.sentence, path=finding.path)
    if site.cluster:
        yield from asks.faults(app)
        yield from pooling.faults(app, storage)
    for name, service in app.services.items():
        path = ("services", name)
        yield from _reserved((*path, "labels"), service.spec)
        if site.cluster:
            yield from _beside_the_file(app, name, site)
        yield from _granted(app, name, site)
        for index, mount in enumerate(service.mounts):
            yield from _reserved(
                (*path, "volumes", index, "volume", "labels"), mount.spec.get("volume") or {}
            )
    for kind, things in (("networks", app.networks), ("volumes", app.volumes)):
        for key, spec in things.items():
            yield from _reserved((kind, key, "labels"), spec)


def _too_many(app: App) -> Iterator[BadFile]:
    """More replicas than an app may have: told before anybody looks for a host for each of them."""
    wanted = {name: service.replicas for name, service in app.services.items()}
    if sum(wanted.values()) <= MOST_REPLICAS:
        return
    most = max(wanted, key=wanted.__getitem__)
    yield BadFile(
        f"services.{most}: the app comes to {sum(wanted.values())} replicas, and {MOST_REPLICAS} "
        "is the most",
        path=("services", most),
    )


def _beside_the_file(app: App, name: str, site: Site) -> Iterator[BadFile]:
    """Binds of what lies beside the Compose file and isn't brought along: hosts don't have it."""
    for index, mount in enumerate(app.services[name].mounts):
        if mount.type != "bind":
            continue
        if any(PurePath(mount.source).is_relative_to(own) for own in OWN):
            yield BadFile(
                f"services.{name}.volumes: {mount.source} is where nap keeps the files of apps",
                path=("services", name, "volumes", index),
            )
        brought = bind_key(mount.source) in app.content or ship_word(app, name) == "never"
        if brought or site.hosts == 1 or not app.working_dir:
            continue
        if PurePath(mount.source).is_relative_to(app.working_dir):
            yield BadFile(
                f"services.{name}.volumes: {mount.source} is beside the Compose file, and the "
                "hosts don't have it",
                hint="use a named volume for data, build files into the image, or name an "
                "absolute path that every host has",
                path=("services", name, "volumes", index),
            )


def _granted(app: App, name: str, site: Site) -> Iterator[BadFile]:
    """Configs and secrets that can't be had, or not as they are granted."""
    service = app.services[name]
    for kind, grant in grants_of(service):
        one, source = kind.removesuffix("s"), str(grant["source"])
        path = ("services", name, kind)
        declared = getattr(app, kind).get(source) or {}
        if declared.get("external"):
            yield BadFile(
                f"services.{name}.{kind}: {one} {source} is external, and no engine keeps any",
                hint=f"give it a file or a variable under {kind}.{source}",
                path=path,
            )
        for word in ("driver", "template_driver"):
            if declared.get(word):
                yield BadFile(
                    f"services.{name}.{kind}: {word} of {source} is not done: only a swarm's own "
                    f"{kind} have one",
                    path=path,
                )
        if not all(str(grant.get(key) or 0).isdecimal() for key in ("uid", "gid")):
            yield BadFile(
                f"services.{name}.{kind}: uid and gid of {source} must be numbers", path=path
            )
        if not site.cluster and service.spec.get("read_only") and not declared.get("file"):
            yield BadFile(
                f"services.{name}.{kind}: {one} {source} is copied into the container, and "
                "`read_only` keeps it out",
                hint="give it as a file, which is mounted",
                path=path,
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
