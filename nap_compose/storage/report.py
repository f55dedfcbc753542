"""What MooseFS says of itself: space, chunks and their copies, servers, clients."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from nap_compose.cluster.cluster import Moosefs
from nap_compose.plaindata import dataclass
from nap_compose.storage import programs

_DIRECTORY = re.compile(r"^ *([a-z]+):\s+(\d+)$", re.MULTILINE)
_KINDS = ("missing", "endangered", "undergoal")


@dataclass(frozen=True)
class Server:
    """A chunkserver; `used` and `total` in bytes. One that isn't `up` has not been forgotten."""

    address: str
    up: bool
    used: int = 0
    total: int = 0
    chunks: int = 0
    version: str = ""


@dataclass(frozen=True)
class Client:
    """A client's session with the master: mounted at `mount` on `address`. One that is not
    `connected` keeps its locks for `expires` seconds more."""

    id: int
    address: str
    mount: str
    files: int
    connected: bool
    expires: int = 0


@dataclass(frozen=True)
class Report:
    """`total`, `free` and `trash` in bytes, copies counted. Of `chunks` so many are, in MooseFS's
    words, missing (no copy is left), endangered (one is left where more are wanted), undergoal
    (more than one is left, and more are wanted): no chunk counts twice."""

    version: str
    total: int
    free: int
    trash: int
    chunks: int
    missing: int
    endangered: int
    undergoal: int
    servers: tuple[Server, ...] = ()
    clients: tuple[Client, ...] = ()

    @property
    def up(self) -> tuple[str, ...]:
        """The addresses of the chunkservers that are up."""
        return tuple(server.address for server in self.servers if server.up)


@dataclass(frozen=True)
class Held:
    """What a folder holds: bytes in files, bytes on disks with all copies, files, folders."""

    length: int
    real: int
    files: int
    folders: int


def report(moosefs: Moosefs) -> Report:
    """Everything at once. Raises Away."""
    info: dict[str, str] = {}
    classes = dict.fromkeys(_KINDS, 0)
    servers: list[Server] = []
    clients: list[Client] = []
    for kind, *cells in programs.ask(moosefs, "IG", "IC", "CS", "MS"):
        if kind == "master info:":
            info[cells[0]] = cells[1]
        elif kind == "all chunks matrix:" and cells[0].startswith("chunkclass "):
            word = cells[0].removeprefix("chunkclass ").rstrip(":")
            if word in classes:
                classes[word] = _number(cells[1])
        elif kind == "chunk servers:":
            servers.append(_server(cells))
        elif kind.lower() == "disconnected chunk servers:":
            servers.append(Server(cells[0], up=False))
        elif kind == "active mounts, parameters:":
            clients.append(_client(cells, connected=True))
        elif kind == "inactive mounts, parameters:":
            clients.append(_client(cells, connected=False))
    return Report(
        version=info.get("master version", ""),
        total=_number(info.get("total space", "")),
        free=_number(info.get("avail space", "")),
        trash=_number(info.get("trash space", "")),
        chunks=_number(info.get("chunks", "")),
        **classes,
        servers=tuple(servers),
        clients=tuple(clients),
    )


def held(moosefs: Moosefs, path: Path) -> Held:
    """What the folder at `path` holds."""
    said = dict(_DIRECTORY.findall(programs.run(moosefs, "mfsdirinfo", "-n", path, patience=120)))
    numbers = (int(said.get(key, 0)) for key in ("length", "realsize", "files", "directories"))
    length, real, files, folders = numbers
    return Held(length, real, files, folders)


def _server(cells: Sequence[str]) -> Server:
    address, _port, _id, _labels, version, _load, maintenance, chunks, used, total = cells[:10]
    up = maintenance != "maintenance_on" and total != "-"
    return Server(address, up, _number(used), _number(total), _number(chunks), version)


def _client(cells: Sequence[str], *, connected: bool) -> Client:
    number, address, mount, files, more = cells[:5]
    expires = 0 if connected else _number(more)
    return Client(_number(number), address, mount, _number(files), connected, expires)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
