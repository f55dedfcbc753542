"""Which of an app's volumes are on cluster storage, and what a host needs to mount one. Pure.

On the hosts a cluster volume is a volume of the engine's own driver `local`, bound to its folder
in the storage. So the app is pooled before anything is placed: its cluster volumes become such
volumes, and from then on only what makes folders, and what says where a replica may go, knows more.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from nap_compose.cluster.cluster import Moosefs, Storage
from nap_compose.cluster.view import View, VolumeView
from nap_compose.compose.model import App, Json
from nap_compose.errors import BadFile
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest
from nap_compose.units import parse_duration, parse_size, show_duration, show_size

DRIVER = "moosefs"
WHERE = "cluster storage"
"""What stands in place of a host where a plan speaks of the storage itself."""


@dataclass(frozen=True)
class Pooled:
    """A volume on cluster storage: its `key` in the file, its `folder` there (`OWNER/APP/KEY`).

    `goal` is the number of copies, `trash` the seconds for which what is removed can be brought
    back, `quota` the most bytes in it, `files` the most files and folders (0: no limit); None
    where the file doesn't say: then what was set by command stays.
    """

    key: str
    folder: str
    goal: int | None = None
    trash: int | None = None
    quota: int | None = None
    files: int | None = None

    def as_args(self) -> dict[str, Any]:
        """As it stands in a step."""
        return {
            "key": self.key,
            **{name: getattr(self, name) for name in _SET if getattr(self, name) is not None},
        }

    def differs(self, other: Pooled) -> bool:
        """Whether the file says something else than what is set (`other`)."""
        wanted = ((getattr(self, name), getattr(other, name)) for name in _SET)
        return any(mine is not None and mine != there for mine, there in wanted)

    def __str__(self) -> str:
        words = [f"{self.goal} copies" if self.goal else ""]
        words += [f"at most {show_size(self.quota)}" if self.quota else ""]
        words += [f"at most {self.files} files" if self.files else ""]
        words += [f"trash for {show_duration(self.trash)}" if self.trash else ""]
        return ", ".join(filter(None, words))


@dataclass(frozen=True)
class Pooling:
    """The app as the hosts will have it, its volumes on cluster storage by key, and sentences that
    a person should read."""

    app: App
    volumes: Mapping[str, Pooled] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the volumes on cluster storage."""
        return frozenset(self.volumes)


@dataclass(frozen=True)
class Stored:
    """What was seen of the storage: what is set for the volumes that are there (key → settings),
    and the hosts that don't reach it, each with the reason."""

    there: Mapping[str, Pooled] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)


NOTHING_STORED = Stored()


def pool(app: App, owner: str, project: str, storage: Storage, view: View) -> Pooling:
    """The app with volumes bound to cluster storage in place of those that are to be there.

    What is already on a host stays where it is, whatever the file or the cluster's default says
    now: data moves only when somebody says so.
    """
    moosefs = storage.moosefs
    if moosefs is None or not app.volumes:
        return Pooling(app)
    specs: dict[str, Json] = {}
    volumes: dict[str, Pooled] = {}
    notes: list[str] = []
    for key, spec in app.volumes.items():
        there = _there(volume_name(app, project, key), view)
        bound = next((each for each in there if is_owners(each, owner, moosefs)), None)
        if spec.get("external"):
            if bound is not None:
                volumes[key] = Pooled(key, folder_of(bound, moosefs))
        elif wants_pool(spec, storage) and there and bound is None:
            specs[key] = {name: spec[name] for name in spec if name not in _ABOUT_DRIVER}
            hosts = ", ".join(dict.fromkeys(each.host for each in there))
            notes.append(
                f"volume {key} stays on {hosts}, where it is; "
                f"`nap volume move {app.name}/{key} --to-cluster` brings it to cluster storage"
            )
        elif wants_pool(spec, storage) or (bound is not None and not spec.get("driver")):
            folder = folder_of(bound, moosefs) if bound else f"{owner}/{app.name}/{key}"
            specs[key] = {
                **{name: spec[name] for name in spec if name not in _ABOUT_DRIVER},
                "driver": "local",
                "driver_opts": bind_options(folder, moosefs),
            }
            volumes[key] = Pooled(key, folder, **_read(spec.get("driver_opts") or {}, key))
    if not specs:
        return Pooling(app, volumes, tuple(notes))
    document = {**app.document, "volumes": {**app.document["volumes"], **specs}}
    pooled = replace(app, document=document, volumes={**app.volumes, **specs})
    return Pooling(pooled, volumes, tuple(notes))


def pooled_as(key: str, folder: str, spec: Json) -> Pooled:
    """The volume as it is on cluster storage by what the file says of it."""
    mine = spec.get("driver") == DRIVER
    return Pooled(key, folder, **_read((spec.get("driver_opts") or {}) if mine else {}, key))


def bind_options(folder: str, moosefs: Moosefs) -> dict[str, str]:
    """The options of the engine's own driver that bind a volume to a folder of the storage."""
    return {"type": "none", "o": "bind", "device": f"{moosefs.folder}/{folder}"}


def in_pool(volume: VolumeView, moosefs: Moosefs) -> bool:
    """Whether a host's volume is bound to the storage."""
    return volume.options.get("device", "").startswith(f"{moosefs.folder}/")


def folder_of(volume: VolumeView, moosefs: Moosefs) -> str:
    """The folder of the storage to which a host's volume is bound."""
    return str(volume.options.get("device", "")).removeprefix(f"{moosefs.folder}/")


def wants_pool(spec: Json, storage: Storage) -> bool:
    """Whether a volume is to be on cluster storage, by the file or by the cluster's default."""
    if storage.moosefs is None or spec.get("external"):
        return False
    driver = spec.get("driver") or ""
    return driver == DRIVER or (
        not driver and storage.default == DRIVER and not spec.get("driver_opts")
    )


def faults(app: App, storage: Storage) -> Iterator[BadFile]:
    """What of the app's volumes can't be on cluster storage as the file says it."""
    for key, spec in app.volumes.items():
        path = ("volumes", key)
        if spec.get("driver") == DRIVER and storage.moosefs is None:
            yield BadFile(
                f"volumes.{key}.driver: this cluster has no cluster storage",
                hint="leave `driver` out for a volume on one host, or let an admin set up "
                "`storage.moosefs` in the cluster file",
                path=(*path, "driver"),
            )
        elif wants_pool(spec, storage):
            if key in (".", ".."):
                yield BadFile(f"volumes: '{key}' is no name for a volume", path=path)
            try:
                _read(spec.get("driver_opts") or {}, key)
            except BadFile as fault:
                yield fault
        elif storage.moosefs is not None:
            for name, value in (spec.get("driver_opts") or {}).items():
                if _reaches_into(str(value), storage.moosefs):
                    yield _nap_keeps(f"volumes.{key}", str(value), (*path, "driver_opts", name))
    for name, service in app.services.items() if storage.moosefs else ():
        for index, mount in enumerate(service.mounts):
            if mount.type == "bind" and _reaches_into(mount.source, storage.moosefs):
                where = ("services", name, "volumes", index)
                yield _nap_keeps(f"services.{name}.volumes", mount.source, where)


def _nap_keeps(what: str, path: str, where: tuple[str | int, ...]) -> BadFile:
    return BadFile(
        f"{what}: {path} is where nap keeps the volumes of all apps",
        hint="use a named volume with `driver: moosefs`",
        path=where,
    )


def _reaches_into(text: str, moosefs: Moosefs | None) -> bool:
    """Whether a path, or one within options such as `lowerdir=/a:/b`, is the storage's mount or
    leads into nap's folder there."""
    if moosefs is None:
        return False
    for part in text.replace("=", ":").replace(",", ":").split(":"):
        if part.startswith("/"):
            path = posixpath.normpath("/" + part.lstrip("/"))
            if path == moosefs.mount.rstrip("/") or f"{path}/".startswith(f"{moosefs.folder}/"):
                return True
    return False


_ABOUT_DRIVER = ("driver", "driver_opts")
_SET = ("goal", "trash", "quota", "files")
_OPTIONS = {
    "goal": ("goal", "how many copies, 1 to 9"),
    "trash_time": ("trash", "a time such as 24h"),
    "quota": ("quota", "a size such as 10g"),
    "max_files": ("files", "a number"),
}


def _read(options: Json, key: str) -> dict[str, int]:
    """The options of a cluster volume; raises BadFile for what can't be read."""
    found = {}
    for name, value in options.items():
        path = ("volumes", key, "driver_opts", name)
        if name not in _OPTIONS:
            near = nearest(name, _OPTIONS)
            raise BadFile(
                f"volumes.{key}.driver_opts: a cluster volume has no option '{name}'",
                hint=f"did you mean {near}?" if near else f"it has: {', '.join(_OPTIONS)}",
                path=path,
            )
        word, expected = _OPTIONS[name]
        try:
            found[word] = _number(name, str(value))
        except ValueError:
            raise BadFile(
                f"volumes.{key}.driver_opts.{name}: '{value}' is not {expected}", path=path
            ) from None
    return found


def _number(name: str, text: str) -> int:
    if name == "quota":
        number = parse_size(text)
    elif name == "trash_time":
        number = int(text) if text.isdecimal() else int(parse_duration(text))
    else:
        number = int(text)
    most = 9 if name == "goal" else (1 << 32) - 1 if name == "trash_time" else (1 << 63) - 1
    if not (name in ("quota", "max_files", "goal")) <= number <= most:
        raise ValueError(text)
    return number


def is_owners(volume: VolumeView, owner: str, moosefs: Moosefs) -> bool:
    """Whether a host's volume is bound to a folder of the owner's."""
    parts = folder_of(volume, moosefs).split("/")
    fit = len(parts) == 3 and parts[0] == owner and not {"", ".", ".."}.intersection(parts)
    return in_pool(volume, moosefs) and fit


def _there(name: str, view: View) -> list[VolumeView]:
    return [
        volume for host in view.hosts.values() for volume in host.volumes if volume.name == name
    ]
