"""A cluster whose keys this process holds: its cluster file, and the files that `cluster init` made
beside it. Whatever changes hosts or certificates begins here."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.auth.system import system_user
from nap_compose.cluster import config
from nap_compose.cluster.certificates import certificates_of, shown_by
from nap_compose.cluster.cluster import Cluster, Host, Tls
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.control.founding.control_machine import UNITS
from nap_compose.control.founding.material import Material, endpoint
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError, NotAllowed
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

WATCHERS = ("nap-health", "nap-logs")
"""The services that read the cluster file when they start."""


@dataclass(frozen=True)
class Site:
    """The cluster as its file says, and its material."""

    cluster: Cluster
    material: Material

    @classmethod
    def of(cls, file: str, *, signs: bool = True) -> Site:
        """Raises NotAllowed where this process may not change them, BadFile, and, where it `signs`
        certificates, NapError where those aren't nap's own."""
        path = Path(file)
        material = Material(path.parent.absolute(), path.name)
        if not os.access(path, os.R_OK | os.W_OK):
            raise NotAllowed(
                f"only whoever has the cluster's keys changes its hosts: {path} is out of reach",
                hint="run it as root on the control machine",
            )
        cluster = config.read(path, hostless=True)
        if signs and not (material.ca.cert.exists() and material.ca.key.exists()):
            raise NapError(
                f"nap has no CA of its own here: {material.ca.key} isn't there",
                hint="make the certificate with your own CA, and put the host into the cluster "
                "file; docs/cluster.md has what its engine needs",
            )
        return cls(cluster, material)

    @property
    def tls(self) -> Tls:
        """What nap shows to engines."""
        pair = self.material.client
        return Tls(self.material.ca.cert, pair.cert, pair.key)

    def address(self, name: str) -> str:
        """Where a host of the cluster is reached."""
        return endpoint_of(self.cluster.hosts[name]).name

    def host(self, name: str, address: str) -> Host:
        """The host at this address, as the cluster file will have it."""
        return self.cluster.hosts.get(name) or Host(name, endpoint(address), tls=self.tls)

    def with_host(self, host: Host) -> Cluster:
        """The cluster with this host in it."""
        return replace(self.cluster, hosts={**self.cluster.hosts, host.name: host})

    def listens(self, host: Host) -> bool:
        """Whether its engine shows the very certificate that was made for it last."""
        own = certificates_of(self.material.of_host(host.name) / "cert.pem")
        endpoint = endpoint_of(host)
        return bool(own) and shown_by(endpoint.name, endpoint.port, tls=host.tls) == own[0]


@contextmanager
def opened(cluster: Cluster) -> Iterator[Parts]:
    """The parts of the cluster, closed at the end."""
    parts = Parts(cluster)
    try:
        yield parts
    finally:
        parts.close()


def ip_of(address: str, host: str) -> str:
    """The IP address that a host's name stands for; a swarm takes no names. Raises NapError."""
    try:
        return str(socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise NapError(
            f"'{address}' has no address: {error.strerror}",
            host=host,
            hint="say where this machine and the other hosts reach it with --address",
        ) from None


def enter(parts: Parts, env: Mapping[str, str], verb: str, host: str) -> None:
    """Have it in the audit trail that this process's own user has done it. With the database away
    it waits, and where there is none yet it is left out."""
    with suppress(NapError):
        parts.trail.happened(system_user(parts.cluster, env), verb, host)


def to_be_told() -> Iterable[str]:
    """What has to start again to know of other hosts, as a command; nothing where none runs."""
    if any((UNITS / f"{name}.service").exists() for name in WATCHERS):
        yield f"systemctl try-restart {' '.join(WATCHERS)}   # they read the cluster file at start"
