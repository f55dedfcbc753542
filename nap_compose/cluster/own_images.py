"""Images that nap makes itself and loads where they are missing: it needs no registry for them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tarfile


def entry(
    path: str, mode: int, *, folder: bool = False, uid: int = 0, gid: int = 0
) -> tarfile.TarInfo:
    """A file's or folder's head in a tar."""
    import tarfile

    head = tarfile.TarInfo(path)
    head.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    head.mode, head.uid, head.gid = mode, uid, gid
    return head


def packed(files: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar of these heads with their contents."""
    import tarfile

    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for head, content in files:
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return whole.getvalue()


def image(
    name: str, architecture: str, layer: bytes, config: Mapping[str, Any] | None = None
) -> tuple[str, bytes]:
    """An image of one layer (a tar), as an engine loads it, with the id that it has there."""
    import hashlib

    told = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": dict(config or {}),
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
            },
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    whole = packed(
        [
            (entry("config.json", 0o644), told),
            (entry("layer.tar", 0o644), layer),
            (entry("manifest.json", 0o644), json.dumps(manifest).encode()),
        ]
    )
    return f"sha256:{hashlib.sha256(told).hexdigest()}", whole
