"""Brings images to an engine and to the bed's registry."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

from docker import APIClient
from docker.errors import DockerException, ImageNotFound

from bed.errors import BedError
from bed.images import build, upload
from bed.layout import Bed, Host

PATIENCE = 600  # seconds, for one image on a slow disk


def load(host: Host, names: Iterable[str]) -> None:
    """Put images on a host; those that are there already stay as they are."""
    with _engine(host) as engine:
        for name in names:
            archive = build.tar(name)
            if _image_id(engine, name) != _config_id(archive):
                _load(engine, host, name, archive)


def push(bed: Bed, names: Iterable[str]) -> None:
    """Put images into the bed's registry, as REGISTRY/NAME."""
    for name in names:
        upload.push(bed, name, build.tar(name))


def missing(host: Host, names: Iterable[str]) -> list[str]:
    """Those of the images that the host lacks."""
    with _engine(host) as engine:
        return [name for name in names if _image_id(engine, name) is None]


def _load(engine: APIClient, host: Host, name: str, archive: Path) -> None:
    try:
        with archive.open("rb") as content:
            for answer in engine.load_image(content):  # type: ignore[no-untyped-call]
                if "error" in answer:
                    raise BedError(f"{host.name} refused image {name}: {answer['error']}")
    except (DockerException, OSError) as error:
        raise BedError(
            f"image {name} didn't reach {host.name}: {error}; see the engine's log"
        ) from error


def _image_id(engine: APIClient, name: str) -> str | None:
    try:
        return str(engine.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


def _config_id(archive: Path) -> str:
    """An image's id is the digest of its configuration, which names that file."""
    with tarfile.open(archive) as tar:
        file = tar.extractfile("manifest.json")
        assert file is not None
        manifest = json.load(file)
    return "sha256:" + str(manifest[0]["Config"]).removesuffix(".json")


def _engine(host: Host) -> APIClient:
    try:
        return APIClient(f"unix://{host.socket}", version="auto", timeout=PATIENCE)
    except DockerException as error:
        raise BedError(f"the engine of {host.name} doesn't answer: {error}") from error
