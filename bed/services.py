"""The servers beside the hosts: which there are, what each offers to the bed, and in which order.

A service is a module with the functions of `Service`. To add one, write it and name it here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from bed.layout import Bed, Host


class Service(Protocol):
    """What a service's module has. All of it can be called again without harm."""

    def prepare(self) -> None:
        """Install or unpack what is needed, before any host boots."""

    def start(self, bed: Bed) -> None:
        """Start it everywhere, and come back when it is ready."""

    def stop(self, bed: Bed) -> None:
        """Stop it in an orderly way; also when it never started, or only half."""

    def status(self, bed: Bed) -> str:
        """A few words: 'ready', or what is wrong."""

    def section(self, bed: Bed) -> dict[str, Any]:
        """What it adds to the cluster file, by top-level key."""


class HostedService(Service, Protocol):
    """A service that has daemons inside the hosts."""

    def start_on(self, bed: Bed, host: Host) -> None:
        """Start this host's part again after the host's restart, and come back when it is ready.

        The host's engine starts next, and its containers with a restart policy are tried just
        once: a mount or a Consul leader that comes later comes too late for them.
        """


class ClusterStore(HostedService, Protocol):
    """Consul, as the engines of the consul network kind need it."""

    def engine_store(self, bed: Bed, host: Host) -> tuple[str, dict[str, str]]:
        """The URL for the engine's --cluster-store, and the environment that it needs."""


HOSTED = ("consul", "moosefs")  # started before the engines
INDEPENDENT = ("mariadb", "ldap", "registry")  # started beside them
NEEDING_ENGINES = ("images",)  # started last

MODULES = {
    "consul": "bed.consul",
    "mariadb": "bed.mariadb",
    "ldap": "bed.ldap",
    "moosefs": "bed.moosefs",
    "registry": "bed.registry",
    "images": "bed.images",
}


def of(bed: Bed, among: tuple[str, ...] = (*HOSTED, *INDEPENDENT, *NEEDING_ENGINES)) -> list[str]:
    """The names of the bed's services, in the order in which they start."""
    return [name for name in among if name in bed.parts]


def module(name: str) -> Service:
    return cast(Service, import_module(MODULES[name]))


def hosted(name: str) -> HostedService:
    return cast(HostedService, module(name))


def cluster_store() -> ClusterStore:
    return cast(ClusterStore, module("consul"))
