"""Where everything of a bed is: names, addresses, folders. Knows nothing of processes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fcntl import LOCK_EX, flock
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal, cast

from bed.errors import BedError

Network = Literal["swarm", "consul"]
Engine = Literal["20", "28"]

PARTS = ("hosts", "consul", "mariadb", "ldap", "moosefs", "registry", "images")
MAX_HOSTS = 50
REGISTRY_PORT = 5000
ENGINE_PORT = 2376
LONGEST_LINK_NAME = 15  # the kernel's IFNAMSIZ
LONGEST_SOCKET_PATH = 107  # sockaddr_un


@dataclass(frozen=True)
class Host:
    """One Docker host of a bed."""

    name: str
    number: int
    ip: str
    directory: Path

    @property
    def data_root(self) -> Path:
        return self.directory / "docker"

    @property
    def files(self) -> Path:
        """What this host wrote over the machine's /etc, /var/lib and so on."""
        return self.directory / "files"

    @property
    def socket(self) -> Path:
        """The engine's unix socket, reachable from the machine too."""
        return self.directory / "docker.sock"

    @property
    def endpoint(self) -> str:
        return f"tcp://{self.ip}:{ENGINE_PORT}"

    @property
    def zone(self) -> str:
        return "abc"[(self.number - 1) % 3]


@dataclass(frozen=True)
class Bed:
    """A bed as it was asked for; what runs of it is for the other modules to see."""

    name: str
    directory: Path
    subnet: str
    size: int = 3
    network: Network = "swarm"
    engine: Engine = "20"
    parts: tuple[str, ...] = PARTS

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(
            Host(f"h{n}", n, self._address(10 + n), self.directory / f"h{n}")
            for n in range(1, self.size + 1)
        )

    def host(self, name: str) -> Host:
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise BedError(f"bed {self.name} has no host {name!r}; it has {known}")

    @property
    def control_ip(self) -> str:
        """The machine's own address on the bed's network."""
        return self._address(1)

    @property
    def registry(self) -> str:
        return f"{self.control_ip}:{REGISTRY_PORT}"

    @property
    def link(self) -> str:
        """The name of the bed's one network link in the machine's root namespace."""
        link = f"nap-{self.name}"
        if len(link) <= LONGEST_LINK_NAME:
            return link
        return "nap-" + sha256(self.name.encode()).hexdigest()[: LONGEST_LINK_NAME - 4]

    @property
    def cgroup(self) -> str:
        """The parent of all control groups of the bed's containers."""
        return f"/nap-bed-{self.name}"

    @property
    def tls(self) -> Path:
        return self.directory / "tls"

    @property
    def logs(self) -> Path:
        return self.directory / "log"

    @property
    def cluster_file(self) -> Path:
        return self.directory / "cluster.yml"

    def _address(self, last: int) -> str:
        return str(IPv4Network(self.subnet)[last])

    def save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        record = {
            "name": self.name,
            "subnet": self.subnet,
            "size": self.size,
            "network": self.network,
            "engine": self.engine,
            "parts": list(self.parts),
        }
        _replace_file(self.directory / "bed.json", json.dumps(record, indent=2) + "\n")

    def with_parts(self, parts: tuple[str, ...]) -> Bed:
        """The same bed with more parts; never with fewer."""
        wanted = {*self.parts, *parts}
        return replace(self, parts=tuple(part for part in PARTS if part in wanted))


def base() -> Path:
    """The folder that holds a folder for each bed."""
    return Path(os.environ.get("NAP_BED_DIR") or "/var/tmp/nap-bed")


def directory_of(name: str) -> Path:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise BedError(f"{name!r} can't name a bed: small letters, digits and '-', at most 31")
    directory = base() / name
    longest = directory / f"h{MAX_HOSTS}" / "docker.sock"
    if len(str(longest)) > LONGEST_SOCKET_PATH:
        raise BedError(
            f"{directory} is too long for unix sockets; set NAP_BED_DIR to a shorter one"
        )
    return directory


def load(name: str) -> Bed | None:
    """The bed of that name, or None when there is none."""
    directory = directory_of(name)
    try:
        record = json.loads((directory / "bed.json").read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BedError(
            f"{directory}/bed.json is damaged ({error}); run: python -m bed down --name {name}"
        ) from error
    return Bed(
        name=name,
        directory=directory,
        subnet=record["subnet"],
        size=record["size"],
        network=record["network"],
        engine=record["engine"],
        parts=tuple(record["parts"]),
    )


def create(
    name: str, used: set[str], *, size: int, network: str, engine: str, parts: tuple[str, ...]
) -> Bed:
    """A new bed on a subnet that is neither in `used` nor another bed's. Call it under `lock`."""
    if not 1 <= size <= MAX_HOSTS:
        raise BedError(f"a bed has 1 to {MAX_HOSTS} hosts, not {size}")
    if network == "consul" and engine != "20":
        raise BedError("engines newer than 20 know no cluster store; use --network swarm")
    bed = Bed(
        name=name,
        directory=directory_of(name),
        subnet=_free_subnet(used),
        size=size,
        network=cast(Network, network),
        engine=cast(Engine, engine),
        parts=tuple(part for part in PARTS if part in parts),
    )
    bed.save()
    return bed


def forget(name: str) -> None:
    """Remove the bed's folder, and the base too when it was the last."""
    directory = directory_of(name)
    if directory.exists():
        try:
            shutil.rmtree(directory)
        except OSError as error:
            raise BedError(f"{directory} can't be removed ({error}); run down again") from error
    if "NAP_BED_DIR" not in os.environ:
        with suppress(OSError):  # another bed is in it, or it never was
            base().rmdir()


def everyone() -> list[Bed]:
    """All beds below the base."""
    if not base().is_dir():
        return []
    folders = sorted(path.parent.name for path in base().glob("*/bed.json"))
    return [bed for bed in map(load, folders) if bed is not None]


def cache() -> Path:
    """The folder for what beds may share and what outlives them: packages, images."""
    folder = Path(os.environ.get("NAP_BED_CACHE") or "/var/cache/nap-bed")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Only one process of the machine at a time is inside the lock of that name."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w") as file:
        flock(file, LOCK_EX)
        yield


def _free_subnet(used: set[str]) -> str:
    taken = [IPv4Network(net) for net in {*used, *(bed.subnet for bed in everyone())}]
    for number in range(256):
        candidate = IPv4Network((IPv4Address(f"10.213.{number}.0"), 24))
        if not any(candidate.overlaps(other) for other in taken):
            return str(candidate)
    raise BedError("no subnet is free in 10.213.0.0/16; take a bed down: python -m bed status")


def _replace_file(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)
