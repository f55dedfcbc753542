"""What must be done in a host's file system, through its engine alone: no agent sits there.

A container is made of an empty image with the folders and volumes mounted, and never started; the
engine's archive calls then put files there and look at what is there. It is removed at the end.
Where nap was killed in between, the next use on that host removes what was left.

An engine can't delete a file for us, but what it unpacks replaces what was there: so a whole
folder is cleared by an empty file of its name, which is all that stays.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from nap_compose.cluster import labels
from nap_compose.cluster.engine import Engine, EngineAway, EngineError, Json, NotFound
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.own_images import entry, image, packed
from nap_compose.cluster.seal import Seal
from nap_compose.errors import NapError

IMAGE = "nap/nothing:1"
"""The image of the container that is never started: it holds nothing at all."""

ROOT = "/nap"
"""Where in that container everything is mounted."""

ROLE = "helper"
_NAME = "nap-helper-"

_FOLDER = 1 << 31
"""The bit of Go's file modes that says folder."""

FORGOTTEN = 900
"""Seconds after which such a container was surely left behind: nothing here takes as long."""

MEMORY_ENTRY = 20
"""What a folder on a tmpfs counts for each of its entries, itself and its parent included. A
folder on a disk's file system has another size, so this tells where a folder lies."""


class HostFiles:
    """The mounted folders and volumes of one host; paths begin with the name of a mount."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container

    def put(self, tar: Iterable[bytes]) -> None:
        """Unpack a tar whose paths begin with a mount's name; owners and permissions as it says.

        Raises NapError where the host's disk is full.
        """
        try:
            self._engine.put_archive(self._container, ROOT, tar)
        except EngineAway:
            raise
        except EngineError as error:
            raise _explained(error) from error

    def get(self, path: str) -> Iterator[bytes]:
        """What is at a path as a tar, in pieces; names in it begin with the path's last part."""
        return self._engine.get_archive(self._container, f"{ROOT}/{path}")

    def stat(self, path: str) -> Json | None:
        """What is at a path; None where nothing is."""
        try:
            return self._engine.path_stat(self._container, f"{ROOT}/{path}")
        except NotFound:
            return None
        except EngineError:
            # A path that leads through a file: some engines have no word for it.
            parent = path.rpartition("/")[0]
            if parent and not self._is_folder(parent):
                return None
            raise

    def _is_folder(self, path: str) -> bool:
        found = self.stat(path)
        return found is not None and bool(found["mode"] & _FOLDER)

    def in_memory(self, folder: str, entries: int) -> bool:
        """Whether a folder with so many entries lies on a tmpfs."""
        found = self.stat(folder)
        return found is not None and found["size"] == MEMORY_ENTRY * (2 + entries)

    def clear(self, path: str) -> None:
        """Let only an empty file be where a file or a folder, with all in it, may be now."""
        if self.stat(path) is not None:
            self.put([packed([(entry(path, 0o600), b"")])])


@contextmanager
def opened(
    engine: Engine,
    mounts: Mapping[str, str],
    *,
    cluster: str,
    owner: str,
    seal: Seal | None,
    there: Mapping[str, str] | None = None,
) -> Iterator[HostFiles]:
    """The host's file system with `mounts` at hand: name → a path or a volume of the host.

    A path that is missing is made, but for those of `there`: then EngineError is raised. Nothing
    stays behind.
    """
    _sweep(engine)
    name = f"{_NAME}{uuid.uuid4().hex[:12]}"
    identity = Identity(cluster=cluster, owner=owner, app="", role=ROLE)
    body = {
        "Image": IMAGE,
        "Cmd": ["never started"],
        "NetworkDisabled": True,
        "Labels": labels.write(identity, name=name, seal=seal),
        "HostConfig": {
            "NetworkMode": "none",
            "Binds": [f"{source}:{ROOT}/{mount}" for mount, source in mounts.items()],
            "Mounts": [
                {"Type": "bind", "Source": source, "Target": f"{ROOT}/{mount}"}
                for mount, source in (there or {}).items()
            ],
        },
    }
    container = _created(engine, name, body)
    try:
        yield HostFiles(engine, container)
    finally:
        with contextlib.suppress(NapError):  # the sweep of the next use removes it
            engine.remove_container(container, force=True)


def _created(engine: Engine, name: str, body: Json) -> str:
    try:
        return engine.create_container(name, body)
    except NotFound:  # the first use on this host: it has no such image yet
        _, tar = image(IMAGE, str(engine.version().get("Arch") or "amd64"), packed([]))
        engine.load_image([tar])
        return engine.create_container(name, body)


def let_go(engine: Engine, volume: str) -> None:
    """Remove what a nap that was killed left there with a volume mounted, at once: whoever asks
    holds the lock of the app whose volume it is, so nobody is at work in it."""
    for found in _helpers(engine):
        if any(each.get("Name") == volume for each in found.get("Mounts") or ()):
            with contextlib.suppress(NotFound):
                engine.remove_container(str(found["Id"]), force=True)


def _helpers(engine: Engine) -> list[Json]:
    return [
        found
        for found in engine.containers({"label": [f"{labels.ROLE}={ROLE}"]})
        if found.get("State") == "created"
        and any(str(name).lstrip("/").startswith(_NAME) for name in found.get("Names") or ())
    ]


def _sweep(engine: Engine) -> None:
    """Remove what a nap that was killed left here. Nothing in it is lost: it never ran."""
    helpers = _helpers(engine)
    if not helpers:
        return
    now = engine_time(engine)
    for found in helpers:
        if now - int(found.get("Created") or 0) > FORGOTTEN:
            with contextlib.suppress(NotFound):
                engine.remove_container(str(found["Id"]), force=True)


def engine_time(engine: Engine) -> float:
    """The host's own clock, in seconds since 1970."""
    from nap_compose.cluster.seen import clock_skew, now

    here = now()
    return here.timestamp() + clock_skew(engine.info(), here)


def _explained(error: EngineError) -> NapError:
    if "no space left on device" in error.message or "disk quota exceeded" in error.message:
        return NapError(
            f"the disk is full: {error.message}",
            host=error.host,
            hint="make room there (docker system df shows what takes it), then run it again",
        )
    return error
