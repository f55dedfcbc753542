"""Layers and images as tar files: what differs between two of them, and what an engine loads."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bed.images.recipe import Recipe

#: an engine makes these itself; /dev's nodes can't be unpacked everywhere
LEFT_OUT = ("dev/", "proc/", "sys/", "etc/hostname", "etc/resolv.conf", ".dockerenv")

CREATED = "2024-01-01T00:00:00Z"

Fingerprint = tuple[object, ...]


def write_difference(parents: Iterable[Path], full: Path, layer: Path) -> None:
    """Write the layer that turns the parent layers into the root file system in `full`."""
    below: dict[str, Fingerprint] = {}
    for parent in parents:
        with tarfile.open(parent) as tar:
            below.update((_path(member), _fingerprint(tar, member)) for member in tar)
    seen: set[str] = set()
    written: set[str] = set()
    with tarfile.open(full) as source, _new_tar(layer) as target:
        for member in source:
            path = _path(member)
            if not path or path.startswith(LEFT_OUT):
                continue
            seen.add(path)
            if below.get(path) == _fingerprint(source, member):
                continue
            _copy(source, target, member, path, written)
        for path in _outermost(set(below) - seen):
            target.addfile(tarfile.TarInfo(_whiteout(path)))


def write_files(files: dict[str, Path], layer: Path) -> None:
    """Write a layer that holds just these files, owned by root."""
    folders: set[PurePosixPath] = set()
    with _new_tar(layer) as target:
        for path, file in sorted(files.items()):
            for folder in reversed(PurePosixPath(path).relative_to("/").parents[:-1]):
                if folder not in folders:
                    folders.add(folder)
                    target.addfile(_entry(str(folder), 0o755, tarfile.DIRTYPE))
            content = file.read_bytes()
            executable = file.stat().st_mode & 0o100
            entry = _entry(path.lstrip("/"), 0o755 if executable else 0o644)
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))


def write_image(recipe: Recipe, layers: list[Path], image: Path) -> None:
    """Write what `docker load` reads: the layers, the configuration and the name."""
    ids = [digest(layer) for layer in layers]
    config = json.dumps(
        {
            "architecture": _architecture(),
            "os": "linux",
            "created": CREATED,
            "config": recipe.config(),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each}" for each in ids]},
            "history": [{"created": CREATED, "created_by": recipe.about} for _ in ids],
        }
    ).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [
        {
            "Config": config_name,
            "RepoTags": [recipe.name],
            "Layers": [f"{each}/layer.tar" for each in ids],
        }
    ]
    with tarfile.open(image, "w") as tar:
        for each, layer in zip(ids, layers, strict=True):
            tar.add(layer, f"{each}/layer.tar")
        _add_bytes(tar, config_name, config)
        _add_bytes(tar, "manifest.json", json.dumps(manifest).encode())


def _copy(
    source: tarfile.TarFile,
    target: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: str,
    written: set[str],
) -> None:
    entry = copy.copy(member)
    entry.name = path
    # A long name stands here a second time, and would win.
    entry.pax_headers = {k: v for k, v in member.pax_headers.items() if k.startswith("SCHILY.")}
    if member.islnk():
        first = member.linkname.removeprefix("./")
        if first in written:
            entry.linkname = first
        else:  # the other name lies in a layer below, where a link can't reach
            real = source.getmember(member.linkname)
            entry.type, entry.size, entry.linkname = tarfile.REGTYPE, real.size, ""
    written.add(path)
    target.addfile(entry, source.extractfile(member) if entry.isreg() else None)


def _path(member: tarfile.TarInfo) -> str:
    name = member.name.removeprefix("./")
    return "" if name == "." else name


def _fingerprint(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Fingerprint:
    if member.islnk():  # which of a file's names comes first is chance
        member = tar.getmember(member.linkname)
    # The time is kept through unpacking and packing again, so it tells a changed file.
    when = 0 if member.isdir() else int(member.mtime)
    return (member.type, member.size, when, member.mode, member.uid, member.gid, member.linkname)


def _outermost(paths: set[str]) -> Iterator[str]:
    for path in sorted(paths):
        if path and not any(str(parent) in paths for parent in PurePosixPath(path).parents):
            yield path


def _whiteout(path: str) -> str:
    gone = PurePosixPath(path)
    return str(gone.with_name(".wh." + gone.name))


def _entry(name: str, mode: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name, 0o644)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


@contextmanager
def _new_tar(path: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        yield tar


def digest(path: Path) -> str:
    """The SHA-256 of a file, as hex."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def _architecture() -> str:
    import platform

    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
