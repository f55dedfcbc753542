"""What an image of the bed is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Recipe:
    """Packages on top of a parent image, our own files on top of those, and how it starts."""

    name: str
    about: str
    parent: str | None = "debian:12"
    packages: tuple[str, ...] = ()
    #: makes the lowest layer, where that is no Debian
    made_by: Callable[[], bytes] | None = None
    #: runs inside the image after the packages are in
    setup: str = ""
    #: files to add: path inside the image -> file here; a file that is executable stays so
    files: dict[str, Path] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    stop_signal: str = ""

    def config(self) -> dict[str, object]:
        """The part of the image's configuration that says how a container of it starts."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        config: dict[str, object] = {
            "Env": [f"{key}={value}" for key, value in {"PATH": path, **self.env}.items()],
            "Cmd": list(self.cmd) or None,
            "Entrypoint": list(self.entrypoint) or None,
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports},
            "Volumes": {volume: {} for volume in self.volumes},
            "WorkingDir": self.workdir,
            "User": self.user,
        }
        if self.stop_signal:
            config["StopSignal"] = self.stop_signal
        return config


def files_of(folder: str) -> dict[str, Path]:
    """Every file below files/FOLDER, under the path that it has in there."""
    root = FILES / folder
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {"/" + str(path.relative_to(root)): path for path in found}
