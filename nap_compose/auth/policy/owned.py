"""What is an owner's own on a host: named things, containers, and the files that nap brought."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from nap_compose.plaindata import dataclass

NAPS_FOLDERS = ("/var/lib/nap/files", "/run/nap/secrets")
"""Where nap itself brings the files of apps, a folder for each project."""

_CHANCE = re.compile(r"[0-9a-f]{32}")

Named = tuple[str, str]
"""`volume` or `network`, and the name on the engine."""


@dataclass(frozen=True)
class Owned:
    """What is the owner's own: objects whose names begin so, and containers, asked by id.

    `pool` is nap's folder in the storage that all hosts share, `pool_mount` where that is mounted;
    both empty where there is none. `addresses` is what networks get theirs from. `in_place` tells
    of a volume whether it stayed where the host's own Compose had made it for an app of theirs.
    `publish_ip` is the address on which the host publishes ports, if it is a certain one.
    """

    owner: str
    container: Callable[[str], bool]
    pool: str = ""
    pool_mount: str = ""
    addresses: str = ""
    in_place: Callable[[str], bool] = lambda _: False
    publish_ip: str = ""

    @property
    def prefix(self) -> str:
        """How the names of the owner's objects on the engines begin."""
        return f"{self.owner}_"

    def name(self, name: object) -> bool:
        """Whether an object so called is the owner's."""
        return isinstance(name, str) and name.startswith(self.prefix)

    def is_being_made(self, path: str) -> bool:
        """Whether what lies at that path of a host is a volume's content on its way into the
        storage that all hosts share: its name there is chance."""
        beginning, _, name = path.rpartition("/")
        return (
            bool(self.pool) and beginning == f"{self.pool}/.new" and bool(_CHANCE.fullmatch(name))
        )

    def brought(self, path: str) -> bool:
        """Whether nap brought what lies at that path of a host, for an app of the owner's."""
        parts = PurePosixPath(path)
        return ".." not in parts.parts and any(
            parts.is_relative_to(folder)
            and self.name(
                parts.relative_to(folder).parts[:1] and parts.relative_to(folder).parts[0]
            )
            for folder in NAPS_FOLDERS
        )
