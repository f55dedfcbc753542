"""What lies beside the Compose file and the hosts don't have: found, measured, read.

Files, folders mounted read-only, configs and secrets are *content*: they go to the hosts by their
digest, and another content is another service. A folder that is mounted to be written to is
*data*: it fills a volume once, and then the volume is what counts. This runs in the process of
whoever calls nap; what it gives is the digests, and the bytes to whoever asks for them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from nap_compose.compose import parcels
from nap_compose.compose.faults import Path as At
from nap_compose.compose.model import App, Json, Mount
from nap_compose.compose.parcels import Limits, Piece, TooLarge
from nap_compose.errors import BadFile, BadFiles
from nap_compose.plaindata import dataclass
from nap_compose.units import show_size

CONTENT_LIMITS = Limits(16 << 20, 5_000)
"""The most of one file or folder that is content."""

IN_ALL = 32 << 20
"""The most bytes of an app's content together."""

SECRET_LIMITS = Limits(1 << 20, 1)
"""The most of one secret: hosts hold it in memory."""

DATA_LIMITS = Limits(32 << 20, 1_000)
"""The most that fills a volume."""


class Kind(str, Enum):
    """What becomes of something beside the file."""

    CONTENT = "content"
    DATA = "data"


def limits_of(key: str, kind: str) -> Limits:
    """The most that a parcel may hold, by its key in `App.content` and its kind."""
    if key.startswith("secret:"):
        return SECRET_LIMITS
    return DATA_LIMITS if kind == Kind.DATA.value else CONTENT_LIMITS


@dataclass
class Beside:
    """The app with its content's digests, and the way to the bytes.

    `notes` say what becomes of each mount, by its path in the document; `warnings` what a person
    should know.
    """

    app: App
    notes: Mapping[At, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    _sources: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)

    def supply(self, key: str) -> bytes:
        """The parcel under a key of `app.content`, as a tar. Raises BadFile."""
        return self._sources[key]()


def bind_key(source: str) -> str:
    """The key in `App.content` of a path that is mounted."""
    return f"bind:{source}"


def survey(
    app: App, *, env: Mapping[str, str], relative: Collection[str], ships: bool, digests: Digests
) -> Beside:
    """Look at all that the app has beside its file.

    `relative` are the paths that the file gave relative to itself; `ships` is whether files have
    to be brought to hosts at all: where nap is embedded they are where the engine is, and only
    what isn't a file is read. Raises BadFile or BadFiles before anything is changed.
    """
    return _Survey(app, env, relative, ships, digests).run()


Digests = Callable[[Piece], str]
"""Gives the SHA-256 of a file; remembers those that haven't changed since."""


@dataclass
class _Survey:
    app: App
    env: Mapping[str, str]
    relative: Collection[str]
    ships: bool
    digests: Digests
    content: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    notes: dict[At, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    faults: list[BadFile] = field(default_factory=list)

    def run(self) -> Beside:
        for name, service in self.app.services.items():
            for kind in ("configs", "secrets"):
                for grant in service.spec.get(kind) or ():
                    self._granted(kind, grant)
            for index, mount in enumerate(service.mounts if self.ships else ()):
                if mount.type == "bind" and mount.source in self.relative:
                    self._mounted(
                        mount, ship_word(self.app, name), ("services", name, "volumes", index)
                    )
        total = sum(int(each.get("size") or 0) for each in self.content.values())
        if total > IN_ALL and not self.faults:
            self.faults.append(
                BadFile(
                    f"the files beside the Compose file come to {show_size(total)}, and "
                    f"{show_size(IN_ALL)} is the most that goes along with an app",
                    hint="build what is large into an image, or put it into a volume",
                )
            )
        if self.faults:
            raise BadFiles.of(self.faults)
        app = replace(self.app, content=self.content)
        return Beside(app, self.notes, tuple(dict.fromkeys(self.warnings)), self.sources)

    def _granted(self, kind: str, grant: Json) -> None:
        """A config or a secret that a service is granted: a file, a variable or a text."""
        name, one = str(grant["source"]), kind.removesuffix("s")
        declared = getattr(self.app, kind).get(name) or {}
        key = f"{one}:{name}"
        if key in self.content or declared.get("external"):
            return
        if declared.get("file"):
            if self.ships:
                limits = limits_of(key, Kind.CONTENT.value)
                with self._told((kind, name, "file")):
                    self._file(key, Path(declared["file"]), limits)
            elif any(grant.get(word) for word in ("uid", "gid", "mode")):
                self.warnings.append(
                    f"uid, gid and mode of {one} {name} have no effect: "
                    "its file is mounted as it is"
                )
            return
        variable = declared.get("environment")
        text = self.env.get(str(variable)) if variable else str(declared.get("content") or "")
        if text is None:
            self.faults.append(
                BadFile(
                    f'environment variable "{variable}" required by {one} "{name}" is not set',
                    path=(kind, name, "environment"),
                )
            )
            return
        tar = parcels.of_bytes(text.encode())
        self._keep(key, parcels.digest_of(tar), len(text.encode()), 1, lambda: tar)

    def _file(self, key: str, source: Path, limits: Limits) -> None:
        """One file whose permissions and owner don't count: the grants say them."""
        piece = parcels.pieces(self._real(source), limits)[0]
        if not piece.is_file:
            raise BadFile(f"{source} is a folder, and a file is wanted")
        # What is secret is read each time: no digest of it is remembered on a disk.
        from hashlib import sha256

        secret = key.startswith("secret:")
        body = sha256(parcels.read(piece)).hexdigest() if secret else self.digests(piece)
        entry = parcels.Entry(parcels.CONTENT, "file", 0o444, 0, 0, body)
        size = piece.state.st_size
        self._keep(
            key, parcels.digest([entry]), size, 1, lambda: parcels.of_bytes(parcels.read(piece))
        )

    def _mounted(self, mount: Mount, word: str, at: At) -> None:
        """A path relative to the file that is mounted."""
        source, key = Path(mount.source), bind_key(mount.source)
        with self._told(at):
            kind = _kind(source, mount, word)
            if kind is None:
                return
            there = self.content.get(key)
            if there is not None and there["kind"] != kind.value:
                raise BadFile(
                    f"{source} is mounted read-only here, and to be written to elsewhere",
                    hint="mount it the same way everywhere, or say x-nap.ship",
                )
            if kind is Kind.DATA:
                self.content[key] = {"kind": kind.value}
                self.sources[key] = lambda: _data(source, at)
                self.notes[at] = (
                    f"a folder to write to is data: {_called(source, self.app)} fills a volume "
                    "once, and its service stays where the volume is"
                )
                return
            found = parcels.pieces(self._real(source), CONTENT_LIMITS)
            whole = parcels.digest(
                parcels.entry(each, self.digests(each) if each.is_file else "") for each in found
            )
            size = sum(each.state.st_size for each in found if each.is_file)
            self._keep(key, whole, size, len(found), lambda: parcels.pack(found))
            self.notes[at] = (
                f"brought to the hosts and mounted read-only: {show_size(size)}; another content "
                "is another container"
            )

    def _keep(
        self, key: str, digest: str, size: int, files: int, source: Callable[[], bytes]
    ) -> None:
        self.content[key] = {
            "kind": Kind.CONTENT.value,
            "digest": digest,
            "size": size,
            "files": files,
        }
        self.sources[key] = source

    def _real(self, source: Path) -> Path:
        """The path without links; where it leads out of the project's folder, that is said."""
        real = Path(os.path.realpath(source))
        folder = Path(os.path.realpath(self.app.working_dir or "/"))
        if source.is_relative_to(self.app.working_dir or "/") and not real.is_relative_to(folder):
            self.warnings.append(f"{source} leads out of the project's folder, to {real}")
        return real

    def _told(self, at: At) -> _Told:
        return _Told(self.faults, at)


@dataclass
class _Told:
    """Keeps a fault for later, with where it belongs: the person hears of all at once."""

    faults: list[BadFile]
    at: At

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, BadFile):
            return False
        hint = error.hint
        if isinstance(error, TooLarge):
            hint = "build it into an image, or put it into a named volume"
        self.faults.append(BadFile(error.message, hint=hint, path=self.at))
        return True


def ship_word(app: App, service: str) -> str:
    """What `x-nap.ship` says for a service: always, once, never, or nothing."""
    for place in (app.services[service].spec, app.document):
        word = (place.get("x-nap") or {}).get("ship")
        if word:
            return str(word)
    return ""


def _kind(source: Path, mount: Mount, word: str) -> Kind | None:
    """What becomes of a mounted path; None: the hosts have it themselves."""
    if word == "never":
        return None
    try:
        mode = source.stat().st_mode
    except FileNotFoundError:
        if mount.read_only or not (mount.spec.get("bind") or {}).get("create_host_path"):
            raise BadFile(f"{source} isn't there") from None
        return Kind.DATA  # as Compose does: the folder is made, empty
    except OSError as error:
        raise BadFile(f"{source} can't be read: {error.strerror}") from None
    if not stat.S_ISDIR(mode):
        return Kind.CONTENT
    if word:
        return Kind.CONTENT if word == "always" else Kind.DATA
    return Kind.CONTENT if mount.read_only else Kind.DATA


def _data(source: Path, at: At) -> bytes:
    """What fills a volume: the folder's own owner and permissions, and all that is in it."""
    if not source.exists():
        return b""
    try:
        return parcels.pack(parcels.pieces(Path(os.path.realpath(source)), DATA_LIMITS))
    except TooLarge as error:
        raise BadFile(
            error.message,
            path=at,
            hint="mount it `:ro` if nothing writes to it; use a named volume and fill it with "
            "`docker cp`; or say `x-nap: {ship: never}` where every host has the path",
        ) from None


def _called(source: Path, app: App) -> str:
    return os.path.relpath(source, app.working_dir or "/")
