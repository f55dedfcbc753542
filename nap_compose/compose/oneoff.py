"""The app in which one service stands for a one-off container of it, as `run` wants it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nap_compose.compose import shortforms
from nap_compose.compose.model import App
from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest


@dataclass(frozen=True)
class Changes:
    """What `run` says otherwise than the file; None and empty: as the file has it.

    `volumes` and `ports` are in Compose's short forms; with `service_ports` the file's own ports
    are published too.
    """

    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    service_ports: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    tty: bool = False
    stdin: bool = True


def oneoff_app(app: App, name: str, changes: Changes, *, folder: str) -> App:
    """The app with the service `name` changed so; it is never restarted, and there is one of it.

    `folder` is what relative paths are relative to. Raises WrongUse.
    """
    if name not in app.services:
        near = nearest(name, app.services)
        hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(app.services)}"
        raise WrongUse(f"there is no service '{name}' in the app {app.name}", hint=hint)
    spec = _changed(app, dict(app.services[name].spec), changes, folder)
    services = {**app.document["services"], name: spec}
    return App.of({**app.document, "services": services}, app.working_dir, app.files)


def _changed(app: App, spec: dict[str, Any], changes: Changes, folder: str) -> dict[str, Any]:
    for key in ("restart", "container_name", "scale"):
        spec.pop(key, None)
    spec["deploy"] = _once(spec.get("deploy") or {})
    if changes.entrypoint is not None:
        spec["entrypoint"] = list(changes.entrypoint)
        spec["command"] = []
    if changes.command:
        spec["command"] = list(changes.command)
    given = {"user": changes.user, "working_dir": changes.workdir}
    spec |= {key: value for key, value in given.items() if value}
    spec["environment"] = {**(spec.get("environment") or {}), **changes.environment}
    spec["labels"] = {**(spec.get("labels") or {}), **changes.labels}
    spec["cap_add"] = [*(spec.get("cap_add") or ()), *changes.cap_add]
    spec["cap_drop"] = [*(spec.get("cap_drop") or ()), *changes.cap_drop]
    spec["tty"], spec["stdin_open"] = changes.tty, changes.stdin
    spec["ports"] = [
        *((spec.get("ports") or ()) if changes.service_ports else ()),
        *(port for text in changes.ports for port in _ports(text)),
    ]
    for text in changes.volumes:
        spec["volumes"] = _with_mount(app, spec.get("volumes") or (), text, folder)
    return {key: value for key, value in spec.items() if value not in ({}, None)}


def _once(deploy: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in deploy.items() if key not in ("restart_policy", "mode")}
    return kept | {"replicas": 1}


def _ports(text: str) -> list[dict[str, Any]]:
    try:
        return shortforms.ports(text)
    except shortforms.BadForm as error:
        raise WrongUse(f"--publish: {error}", hint="write it like -p 8080:80") from None


def _with_mount(app: App, mounts: Any, text: str, folder: str) -> list[dict[str, Any]]:
    try:
        new = shortforms.mount(text)
    except shortforms.BadForm as error:
        raise WrongUse(f"--volume: {error}", hint="write it like -v data:/var/lib/app") from None
    source = str(new.get("source") or "")
    if new["type"] == "bind":
        new["source"] = posixpath.normpath(Path(folder, Path(source).expanduser()).as_posix())
    elif source and source not in app.volumes:
        raise WrongUse(
            f"--volume: the app {app.name} has no volume '{source}'",
            hint="name it under `volumes:` in the file, or write a path like ./data or /srv/data",
        )
    return [*(mount for mount in mounts if mount["target"] != new["target"]), new]
