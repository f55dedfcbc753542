"""Puts images into the bed's registry, without an engine.

Through an engine each bed would compress all of it anew. And an engine 20.10 with a cluster store
leaves a thread behind in every overlay network that it has removed: what it dials from there
fails with "network is unreachable".
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import shutil
import tarfile
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import IO

from bed import layout
from bed.errors import BedError
from bed.images import archive, cache
from bed.layout import Bed

_KIND = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def push(bed: Bed, name: str, image: Path) -> None:
    """Put the image in that tar file into the registry as NAME."""
    repository, _, tag = name.rpartition(":")
    with tarfile.open(image) as tar:
        (listed,) = json.loads(_member(tar, "manifest.json").read())
        config = _member(tar, listed["Config"]).read()
        layers = [_compressed(tar, path) for path in listed["Layers"]]
    _put_blob(bed, repository, _digest(config), config)
    described = []
    for layer in layers:
        digest = f"sha256:{layer.suffixes[-2].lstrip('.')}"
        _put_blob(bed, repository, digest, layer)
        described.append({"mediaType": _LAYER, "size": layer.stat().st_size, "digest": digest})
    manifest = {
        "schemaVersion": 2,
        "mediaType": _KIND,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": described,
    }
    path = f"/v2/{repository}/manifests/{tag}"
    _ask(bed, "PUT", path, json.dumps(manifest).encode(), {"Content-Type": _KIND})


def _compressed(tar: tarfile.TarFile, path: str) -> Path:
    """The layer as it travels: kept in the cache, named by what it holds and by its own digest."""
    content = path.split("/", maxsplit=1)[0]
    folder = cache.folder()
    with layout.lock("blobs"):
        for known in folder.glob(f"{content}.*.gz"):
            return known
        with cache.scratch(f"{content}.part") as part:
            with part.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
                shutil.copyfileobj(_member(tar, path), file, 1 << 20)
            return part.rename(folder / f"{content}.{archive.digest(part)}.gz")


def _member(tar: tarfile.TarFile, path: str) -> IO[bytes]:
    file = tar.extractfile(path)
    assert file is not None, path
    return file


def _put_blob(bed: Bed, repository: str, digest: str, content: bytes | Path) -> None:
    status, _ = _ask(bed, "HEAD", f"/v2/{repository}/blobs/{digest}", missing_is_fine=True)
    if status == HTTPStatus.OK:
        return
    _, upload = _ask(bed, "POST", f"/v2/{repository}/blobs/uploads/", b"")
    target = f"{upload}{'&' if '?' in upload else '?'}digest={digest}"
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    if isinstance(content, bytes):
        _ask(bed, "PUT", target, content, headers)
    else:
        with content.open("rb") as file:
            _ask(bed, "PUT", target, file, headers)


def _ask(
    bed: Bed,
    method: str,
    target: str,
    body: bytes | IO[bytes] | None = None,
    headers: dict[str, str] | None = None,
    *,
    missing_is_fine: bool = False,
) -> tuple[int, str]:
    """The answer's status, and where it sends to."""
    address = f"http://{bed.registry}"
    connection = http.client.HTTPConnection(bed.registry, timeout=60)
    with closing(connection):
        try:
            connection.request(method, target.removeprefix(address), body, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise BedError(f"the registry doesn't answer: {error}") from error
    if answer.status >= 400 and not (missing_is_fine and answer.status == HTTPStatus.NOT_FOUND):
        raise BedError(f"the registry answered {answer.status} to {method} {target}: {text}")
    return answer.status, answer.headers.get("Location", "")


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
