"""A Bake file: all of an app's builds, as `docker buildx bake` reads them. Pure.

It is the same file that the real Compose makes of the same app (`build --print`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from nap_compose.compose.model import App, Json, Service
from nap_compose.compose.paths import is_remote
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Wishes:
    """What a command says of all its builds, beside the file: `args` (None: the variable of that
    name where it is built), `no_cache`, `pull` (ask for newer images to begin with), `push`,
    `check` (look at the Dockerfiles and build nothing), `ssh`, `memory` in bytes (the classic
    builder's alone), and the words of buildx."""

    args: Mapping[str, str | None] = field(default_factory=dict)
    no_cache: bool = False
    pull: bool = False
    push: bool = False
    check: bool = False
    memory: int = 0
    ssh: tuple[str, ...] = ()
    builder: str = ""
    provenance: str = ""
    sbom: str = ""


NO_WISHES = Wishes()


def built(app: App, services: Iterable[str] = ()) -> tuple[str, ...]:
    """Those of the services (none named: of all) that have a `build:`."""
    return tuple(name for name in services or app.services if app.services[name].spec.get("build"))


def grouped(app: App, services: Iterable[str], *, dependencies: bool) -> tuple[str, ...]:
    """What is built where `services` are named (none: all), needs first: those with a `build:`
    among them, what their builds are made from, and with `dependencies` what they depend on."""
    wanted = tuple(services) or tuple(app.services)
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in found:
            return
        service = app.services[name]
        depends = [each.service for each in service.depends_on if each.service in app.services]
        for need in [*depends, *made_from(service)]:
            if dependencies or need in wanted or need not in depends:
                add(need)
        found[name] = None

    for name in wanted:
        add(name)
    return built(app, found) if found else ()


def around(app: App, services: Iterable[str]) -> tuple[str, ...]:
    """The services with a `build:` that these depend on, and these."""
    return grouped(app, services, dependencies=True) if services else ()


def made_from(service: Service) -> list[str]:
    """The services whose images a service's build takes as contexts."""
    more = ((service.spec.get("build") or {}).get("additional_contexts") or {}).values()
    return [str(path).partition(":")[2] for path in more if str(path).startswith("service:")]


def image_labels(project: str, service: str, version: str) -> dict[str, str]:
    """The labels that say whose a built image is, as Compose sets them."""
    prefix = "com.docker.compose."
    found = {"project": project, "service": service, "version": version}
    return {prefix + name: value for name, value in found.items()}


def bake(
    app: App,
    services: Iterable[str],
    names: Mapping[str, str],
    labels: Mapping[str, Mapping[str, str]],
    wishes: Wishes,
) -> dict[str, Any]:
    """The file; its default group are the `services`. `names` are the images of all services that
    are targets, and `labels` what says whose they are."""
    targets = {
        target(name): _target(app, app.services[name], names[name], labels[name], wishes)
        for name in sorted(names)
    }
    group = {"targets": [target(name) for name in services]}
    return {"group": {"default": group}, "target": targets}


def target(service: str) -> str:
    """What a service's build is called: a dot has a meaning there."""
    return service.replace(".", "_")


def reads(app: App, services: Iterable[str]) -> list[str]:
    """The folders of this machine that these builds read."""
    found = []
    for name in services:
        build = app.services[name].spec["build"]
        paths = [build.get("context"), *(build.get("additional_contexts") or {}).values()]
        found += [str(path) for path in paths if str(path or "").startswith("/")]
    return list(dict.fromkeys(found))


def insecure(app: App, services: Iterable[str]) -> bool:
    """Whether one of these builds asks for all rights on its host."""
    return any(
        "security.insecure" in _entitlements(app.services[name].spec["build"]) for name in services
    )


def _target(
    app: App, service: Service, image: str, labels: Mapping[str, str], wishes: Wishes
) -> dict[str, Any]:
    build = service.spec["build"]
    push = wishes.push and bool(service.image)
    platforms = build.get("platforms") or ([service.spec["platform"]] if "platform" in service.spec
                                           else [])  # fmt: skip
    output = "type=docker"
    if len(platforms) > 1:
        output = f"type=image,push={'true' if push else 'false'}"
    elif push:
        output = "type=registry"
    found = {
        "context": build.get("context"),
        "contexts": _contexts(build.get("additional_contexts") or {}),
        "dockerfile": _dockerfile(build),
        "dockerfile-inline": (build.get("dockerfile_inline") or "").replace("${", "$${"),
        "args": {
            key: str(value).replace("${", "$${")
            for key, value in arguments(build, wishes).items()
            if value is not None
        },
        "labels": {**(build.get("labels") or {}), **labels},
        "tags": [*(build.get("tags") or ()), image],
        "cache-from": build.get("cache_from"),
        "cache-to": build.get("cache_to"),
        "target": build.get("target"),
        "secret": [_secret(app, grant) for grant in build.get("secrets") or ()],
        "ssh": [*_ssh(build.get("ssh") or {}), *wishes.ssh],
        "platforms": platforms,
        "pull": bool(build.get("pull")) or wishes.pull,
        "no-cache": bool(build.get("no_cache")) or wishes.no_cache,
        "network": build.get("network"),
        "no-cache-filter": build.get("no_cache_filter"),
        "shm-size": str(build.get("shm_size") or ""),
        "ulimits": [_ulimit(name, each) for name, each in (build.get("ulimits") or {}).items()],
        "call": "lint" if wishes.check else "",
        "entitlements": _entitlements(build),
        "extra-hosts": _hosts(build.get("extra_hosts") or {}),
        "output": [] if wishes.check else [output],
        "attest": _attestations(build),
    }
    return {key: value for key, value in found.items() if value}


def arguments(build: Json, wishes: Wishes) -> dict[str, str | None]:
    """The build's arguments, those of the command last."""
    return {**(build.get("args") or {}), **wishes.args}


def _contexts(more: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, path in more.items():
        kind, _, service = str(path).partition(":")
        found[name] = f"target:{target(service)}" if kind == "service" else str(path)
    return found


def _dockerfile(build: Json) -> str:
    if build.get("dockerfile_inline"):
        return ""
    folder, name = str(build.get("context") or ""), str(build.get("dockerfile") or "Dockerfile")
    if is_remote(folder) or name.startswith("/"):
        return name
    return posixpath.normpath(f"{folder}/{name}")


def _hosts(hosts: Mapping[str, Any]) -> dict[str, str]:
    return {name: ",".join(addresses) for name, addresses in hosts.items()}


def _secret(app: App, grant: Json) -> str:
    source = str(grant["source"])
    known = app.secrets.get(source) or {}
    named = str(grant.get("target") or source)
    if known.get("environment"):
        return f"id={named},type=env,env={known['environment']}"
    return f"id={named},type=file,src={known.get('file', '')}"


def _ssh(keys: Mapping[str, Any]) -> list[str]:
    return [f"{name}={path or ''}" for name, path in keys.items()]


def _ulimit(name: str, limit: Any) -> str:
    if isinstance(limit, Mapping):
        return f"{name}={limit.get('soft', 0)}:{limit.get('hard', 0)}"
    return f"{name}={limit}"


def _entitlements(build: Json) -> list[str]:
    given = list(build.get("entitlements") or ())
    return [*given, "security.insecure"] if build.get("privileged") else given


def _attestations(build: Json) -> list[str]:
    """What is to be said of how the image was made."""
    found = []
    for kind in ("provenance", "sbom"):
        said = build.get(kind)
        if said not in (None, ""):
            found.append(_attestation(kind, str(said).lower()))
    return found


def _attestation(kind: str, said: str) -> str:
    if said in ("true", "false"):
        return f"type={kind}" if said == "true" else f"type={kind},disabled=true"
    return f"type={kind},{said}"
