"""What lies beside the Compose file, as the hosts of a cluster will have it. Pure.

The app is settled before anything is placed: files, read-only folders, configs and secrets become
binds of folders that never change, and folders to write to become volumes. From then on nothing
knows of them but the steps that bring them there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from nap_compose.compose.beside import Kind, bind_key
from nap_compose.compose.model import App, Json, Service
from nap_compose.compose.parcels import CONTENT
from nap_compose.plaindata import dataclass

FILES = "/var/lib/nap/files"
"""Where content lies on a host: `PROJECT/NAME/content`."""

SECRETS = "/run/nap/secrets"
"""Where secrets lie on a host: on a tmpfs, so that they never reach its disk."""

WHOLE = "whole"
"""The file that stands beside a content once all of it is there."""

OWN = (FILES, SECRETS)

_DEFAULT_MODE = 0o444
_FOLDERS = {"configs": "/", "secrets": "/run/secrets/"}


@dataclass(frozen=True, order=True)
class Item:
    """A content that a host must have: `key` is that of `App.content`, `name` its folder's.

    `rights` are mode, uid and gid of the file, empty where the content itself says them.
    """

    name: str
    key: str
    secret: bool = False
    rights: tuple[int, ...] = ()

    def as_args(self) -> dict[str, Any]:
        """As it stands in a step."""
        rights = list(self.rights)
        return {"name": self.name, "key": self.key, "secret": self.secret, "rights": rights}

    @classmethod
    def of(cls, args: Json) -> Item:
        """As a step has it."""
        return cls(args["name"], args["key"], bool(args["secret"]), tuple(args["rights"]))


@dataclass(frozen=True)
class Settled:
    """The app as the hosts will have it.

    `items` are the contents that each service needs, `seeds` the volumes that are filled once:
    volume → key in `App.content`.
    """

    app: App
    items: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    seeds: Mapping[str, str] = field(default_factory=dict)


NOTHING_BESIDE = Settled(App("", {}, {}))
"""Of an app that has nothing beside its file."""


def settle(app: App, project: str, name: Callable[[str], str]) -> Settled:
    """The app with binds and volumes in place of what lies beside its file.

    `name` gives a text that says nothing of the digest it is made from: a folder's name shows
    wherever a container is inspected, and a short secret could be guessed from its digest.
    """
    desk = _Desk(app, project, name)
    services = {service: desk.service(spec) for service, spec in app.services.items()}
    if not desk.items and not desk.seeds:
        return Settled(app)
    volumes = {**(app.document.get("volumes") or {}), **{key: {} for key in desk.seeds}}
    document = {**app.document, "services": services, **({"volumes": volumes} if volumes else {})}
    settled = App.of(document, app.working_dir, app.files, app.profiled_out, app.content)
    items = {service: tuple(sorted(found)) for service, found in desk.items.items()}
    return Settled(settled, items, desk.seeds)


class _Desk:
    def __init__(self, app: App, project: str, name: Callable[[str], str]) -> None:
        self.app = app
        self.project = project
        self.name = name
        self.items: dict[str, set[Item]] = {}
        self.seeds: dict[str, str] = {}

    def service(self, service: Service) -> dict[str, Any]:
        """The service's canonical form, settled."""
        spec = dict(service.spec)
        mounts = [self._mount(service.name, mount) for mount in spec.get("volumes") or ()]
        mounts += [self._grant(service.name, kind, grant) for kind, grant in grants_of(service)]
        for kind in _FOLDERS:
            spec.pop(kind, None)
        if mounts:
            spec["volumes"] = mounts
        return spec

    def _mount(self, service: str, mount: Json) -> Json:
        content = self.app.content.get(bind_key(str(mount.get("source") or "")))
        if mount.get("type") != "bind" or content is None:
            return mount
        key = bind_key(mount["source"])
        if content["kind"] == Kind.DATA.value:
            volume = folder_volume(mount["source"], self.app.working_dir)
            self.seeds[volume] = key
            kept = {"read_only": True} if mount.get("read_only") else {}
            return {
                "type": "volume",
                "source": volume,
                "target": mount["target"],
                "volume": {"nocopy": True},
                **kept,
            }
        return self._bound(service, Item(self.name(content["digest"]), key), mount["target"])

    def _grant(self, service: str, kind: str, grant: Json) -> Json:
        secret = kind == "secrets"
        key = content_key(kind, grant)
        rights = rights_of(grant)
        digest = str(self.app.content[key]["digest"])
        name = self.name("/".join([digest, *map(str, rights)]))
        item = Item(name, key, secret, rights)
        return self._bound(service, item, target_of(kind, grant))

    def _bound(self, service: str, item: Item, target: str) -> Json:
        self.items.setdefault(service, set()).add(item)
        base = SECRETS if item.secret else FILES
        source = f"{base}/{self.project}/{item.name}/{CONTENT}"
        return {
            "type": "bind",
            "source": source,
            "target": target,
            "read_only": True,
            # An engine must not make an empty folder in place of what a host has lost.
            "bind": {"create_host_path": False},
        }


def target_of(kind: str, grant: Json) -> str:
    """The path of a config or a secret in the container."""
    target = str(grant.get("target") or grant["source"])
    return target if target.startswith("/") else _FOLDERS[kind] + target


def rights_of(grant: Json) -> tuple[int, int, int]:
    """Mode, uid and gid of a granted file: readable by all and root's, where it doesn't say."""
    mode = grant.get("mode")
    return (
        _DEFAULT_MODE if mode is None else int(str(mode), 8),
        int(grant.get("uid") or 0),
        int(grant.get("gid") or 0),
    )


def folder_volume(source: str, working_dir: str) -> str:
    """The key of the volume that a folder to write to becomes: `folder-data` for `./data`.

    It hangs on the path as it is seen from the Compose file, so that a checkout elsewhere finds
    the same data.
    """
    path = os.path.relpath(source, working_dir or "/")
    plain = re.sub(r"[^a-zA-Z0-9_.]", "-", path)
    if plain == path and not plain.startswith("."):
        return f"folder-{plain}"
    import hashlib

    short = hashlib.sha256(path.encode()).hexdigest()[:6]
    return f"folder-{plain.strip('-.')}-{short}"


def injected(app: App, service: Service) -> dict[str, str]:
    """What is copied into the service's containers once they are made: target → digest.

    That is so where nap is embedded, for what is no file; files are mounted there.
    """
    return {
        target_of(kind, grant): str(app.content[key]["digest"])
        for kind, grant in grants_of(service)
        if (key := content_key(kind, grant)) in app.content
    }


def grants_of(service: Service) -> list[tuple[str, Json]]:
    """The configs and secrets that a service is granted, each with its kind."""
    return [(kind, grant) for kind in _FOLDERS for grant in service.spec.get(kind) or ()]


def content_key(kind: str, grant: Json) -> str:
    """The key in `App.content` of what a grant names."""
    return f"{kind.removesuffix('s')}:{grant['source']}"
