"""What the engine's classic builder is asked, `POST /build` (Engine API 1.40 and up), and what of a
`build:` only BuildKit can do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nap_compose.cluster.labels import COMPOSE
from nap_compose.compose.bake import Wishes, arguments
from nap_compose.compose.contexts import context_of
from nap_compose.compose.model import Service
from nap_compose.errors import BadFile
from nap_compose.orchestration.bodies.resources import ulimits

BUILDKIT = {
    "secrets": "secrets while it is built",
    "ssh": "SSH keys while it is built",
    "additional_contexts": "more than one context",
    "cache_to": "keeping layers elsewhere",
    "entitlements": "rights beyond the usual",
    "no_cache_filter": "building some stages anew",
    "provenance": "saying how an image was built",
    "sbom": "saying what an image is made of",
    "privileged": "building with all rights",
}
"""Keys of `build:` that the classic builder has no word for."""


def build_query(
    service: Service, image: str, labels: dict[str, str], wishes: Wishes
) -> dict[str, str | list[str]]:
    """The query of the request; the context is its body, but for a remote one."""
    build = service.spec["build"]
    context = context_of(service)
    platforms = build.get("platforms") or [service.spec.get("platform")]
    hosts = [
        f"{name}:{address}"
        for name, addresses in (build.get("extra_hosts") or {}).items()
        for address in addresses
    ]
    given = arguments(build, wishes)
    limits = ulimits(build)
    found: dict[str, Any] = {
        "version": "1",
        "t": [image, *(build.get("tags") or ())],
        "dockerfile": context.dockerfile,
        "remote": context.remote,
        "buildargs": _json(given),
        "labels": _json(
            {**(build.get("labels") or {}), **labels, COMPOSE + "image.builder": "classic"}
        ),
        "target": build.get("target"),
        "networkmode": build.get("network"),
        "extrahosts": hosts,
        "shmsize": build.get("shm_size"),
        "cachefrom": _json([_cached(each) for each in build.get("cache_from") or ()]),
        "ulimits": _json(limits),
        "isolation": build.get("isolation"),
        "platform": platforms[0],
        "memory": str(wishes.memory or ""),
        "nocache": "1" if build.get("no_cache") or wishes.no_cache else "",
        "pull": "1" if build.get("pull") or wishes.pull else "",
    }
    given_ones = {key: each for key, each in found.items() if each}
    return {key: each if isinstance(each, list) else str(each) for key, each in given_ones.items()}


def not_classic(service: Service, wishes: Wishes) -> Iterator[BadFile]:
    """What of a service's build the classic builder can't do, each with its path in the file."""
    build = service.spec["build"]
    path = ("services", service.name, "build")
    for key, what in BUILDKIT.items():
        if build.get(key) not in (None, "", False, [], {}, "false"):
            yield _refused(service.name, key, what, (*path, key))
    if len(build.get("platforms") or ()) > 1:
        yield _refused(service.name, "platforms", "several platforms", (*path, "platforms"))
    for entry in build.get("cache_from") or ():
        if not _cached(entry):
            yield _refused(service.name, "cache_from", f"`{entry}`", (*path, "cache_from"))
    if build.get("dockerfile_inline") and context_of(service).remote:
        what = "an inline Dockerfile for a remote context"
        yield _refused(service.name, "dockerfile_inline", what, (*path, "dockerfile_inline"))
    given = {"--ssh": wishes.ssh, "--provenance": wishes.provenance, "--sbom": wishes.sbom,
             "--builder": wishes.builder, "--check": wishes.check}  # fmt: skip
    for flag, value in given.items():
        if value:
            yield _refused(service.name, flag, "that", path)


def _refused(service: str, key: str, what: str, path: tuple[str, ...]) -> BadFile:
    where = key if key.startswith("-") else f"services.{service}.build.{key}"
    return BadFile(
        f"{where}: {what} needs BuildKit, and the docker buildx command isn't here",
        hint="install it (the package docker-buildx or docker-buildx-plugin), or do without",
        path=path,
    )


def _cached(entry: str) -> str:
    """The image that layers are taken from; empty where it is none that an engine can have."""
    if "=" not in entry:
        return entry
    words = dict(word.partition("=")[::2] for word in entry.split(","))
    return words.get("ref", "") if words.get("type", "registry") == "registry" else ""


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if value else ""
