"""What really stands on the hosts of a bed, asked of the engines themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from bed.docker_api import call
from bed.layout import Bed, Host
from tests.support.nap import eventually

KEPT = ".failed."
"""In the name of a container that failed."""
_PROJECT = "com.docker.compose.project"
_THE_ENGINES_OWN = ("docker_gwbridge",)
"""Made by an engine for itself when it first needs it."""


def everything(hosts: Iterable[Host]) -> dict[str, list[str]]:
    """Every container with its state, every network and every volume, by host; what failed and is
    kept for a look isn't told."""
    return {host.name: sorted(_things(host)) for host in hosts}


def _things(host: Host) -> list[str]:
    containers = [
        f"container {each['Id']} {each['Names'][0]} {each['State']}"
        for each in _containers(host)
        if KEPT not in each["Names"][0]
    ]
    networks = [
        f"network {each['Id']} {each['Name']}"
        for each in call(host, "GET", "/networks")
        if each["Name"] not in _THE_ENGINES_OWN
    ]
    volumes = [f"volume {each['Name']}" for each in _volumes(host)]
    return [*containers, *networks, *volumes]


def of_project(bed: Bed, project: str) -> list[str]:
    """What any host still has of a Compose project."""
    return [
        f"{host.name}: {kind} {each.get('Name') or each['Names'][0]}"
        for host in bed.hosts
        for kind, things in (
            ("container", _containers(host)),
            ("network", call(host, "GET", "/networks")),
            ("volume", _volumes(host)),
        )
        for each in things
        if (each.get("Labels") or {}).get(_PROJECT) == project
    ]


def inspect(bed: Bed, row: dict[str, Any]) -> dict[str, Any]:
    """The engine's own word on a container that `ps` listed."""
    host = bed.host(row["Host"])
    inspected: dict[str, Any] = call(host, "GET", f"/containers/{row['ID']}/json")
    return inspected


def _containers(host: Host) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = call(host, "GET", "/containers/json", query={"all": "1"})
    return listed


def _volumes(host: Host) -> list[dict[str, Any]]:
    return call(host, "GET", "/volumes")["Volumes"] or []


@contextmanager
def unchanged(hosts: Sequence[Host]) -> Iterator[None]:
    """What happens in the block leaves every container, network and volume as it was.

    An overlay network that was made and removed again is listed for a moment longer.
    """
    before = everything(hosts)
    yield
    with suppress(AssertionError):
        eventually(lambda: everything(hosts) == before, "everything as before", within=5)
    assert everything(hosts) == before
