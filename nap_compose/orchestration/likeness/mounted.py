"""What is mounted where, however it was asked for: as a bind string, as a mount, as tmpfs. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from nap_compose.orchestration.likeness.values import Json, plain
from nap_compose.plaindata import dataclass

_ANONYMOUS = re.compile("[0-9a-f]{64}")
_SAID_ANYWAY = {"rw", "rprivate", "nocopy"}
"""Options of a bind string that change nothing, or that the long form says in another way."""


@dataclass(frozen=True)
class Mounted:
    """One target's mount; `source` is a volume's name or a path on the host."""

    type: str
    source: str
    read_only: bool
    options: Any

    @property
    def anonymous(self) -> bool:
        """Whether it is a volume that nobody named."""
        return self.type == "volume" and (not self.source or _is_anonymous(self.source))


def mounts_of(config: Json) -> dict[str, Mounted]:
    """Target → what is mounted there, from a HostConfig."""
    found: dict[str, Mounted] = {}
    for bind in config.get("Binds") or ():
        source, target, options = _parts(str(bind))
        found[_clean(target)] = Mounted(
            type="bind" if source.startswith(("/", "~")) else "volume",
            source=source,
            read_only="ro" in options,
            options=tuple(sorted(options - _SAID_ANYWAY - {"ro"})),
        )
    for mount in config.get("Mounts") or ():
        found[_clean(mount["Target"])] = _long(mount)
    for target, options_ in (config.get("Tmpfs") or {}).items():
        found[_clean(target)] = Mounted("tmpfs", "", False, tuple(sorted(options_.split(","))))
    return found


def same_mounts(wanted: dict[str, Mounted], there: dict[str, Mounted], image: Json) -> bool:
    """Whether both say the same. An anonymous volume that was handed down from the container
    before is named in one and not in the other."""
    of_image = {_clean(path) for path in image.get("Volumes") or {}}
    handed_down = {
        target for target, mount in there.items() if mount.anonymous and target in of_image
    }
    if wanted.keys() - handed_down != there.keys() - handed_down:
        return False
    return all(
        mount == there[target] or (mount.anonymous and there[target].anonymous)
        for target, mount in wanted.items()
        if target in there
    )


def _long(mount: Json) -> Mounted:
    bind = dict(mount.get("BindOptions") or {})
    bind.pop("CreateMountpoint", None)  # older engines don't keep it
    options = sorted(filter(None, [bind.pop("Propagation", None)]))
    rest = {
        "bind": bind,
        "volume": mount.get("VolumeOptions"),
        "tmpfs": mount.get("TmpfsOptions"),
        "image": mount.get("ImageOptions"),
    }
    said = plain(rest)
    return Mounted(
        type=str(mount.get("Type")),
        source=str(mount.get("Source") or ""),
        read_only=bool(mount.get("ReadOnly")),
        options=(*options, said) if said else tuple(set(options) - _SAID_ANYWAY),
    )


def _parts(bind: str) -> tuple[str, str, set[str]]:
    source, _, rest = bind.partition(":")
    target, _, options = rest.partition(":")
    return source, target, set(options.split(",")) - {""}


def _clean(path: str) -> str:
    return posixpath.normpath(path)


def _is_anonymous(name: str) -> bool:
    return _ANONYMOUS.fullmatch(name) is not None
