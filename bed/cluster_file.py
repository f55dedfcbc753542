"""The cluster file that nap reads to work on the bed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bed import services, tls
from bed.layout import Bed
from nap_compose.cluster.keyring import make_key_file


def write(bed: Bed) -> None:
    """Write cluster.yml. Paths in it are relative to its folder."""
    authority, pair = tls.authority(bed), tls.client(bed, "nap")
    paths = {"ca": authority, "cert": pair.cert, "key": pair.key}
    content: dict[str, Any] = {
        "name": bed.name,
        "hosts": {
            host.name: {"endpoint": host.endpoint, "labels": {"zone": host.zone}}
            for host in bed.hosts
        },
        "tls": {key: str(path.relative_to(bed.directory)) for key, path in paths.items()},
        "network": {"driver": bed.network},
        "state_dir": "nap/state",
        "logs": {"dir": "nap/logs"},
        "key_file": str(_key(bed).relative_to(bed.directory)),
    }
    for name in services.of(bed):
        content.update(services.module(name).section(bed))
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    bed.cluster_file.write_text(text)


def _key(bed: Bed) -> Path:
    """The cluster's key, made when the bed first comes up and kept as long as it lives."""
    path = bed.directory / "nap" / "secrets.key"
    if not path.exists():
        make_key_file(path)
    return path
