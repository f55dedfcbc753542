"""Containers, apps and hosts as the commands list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Row:
    """One container in `nap ps`. `since` is when it was made, seconds since 1970; `replica` is 0
    for a container that `run` made.

    `ports` hold host_ip, published (0: nowhere), target and protocol; `mounts` are names of
    volumes and paths of the host; `oneoff` is what `nap run` made.
    """

    owner: str
    app: str
    service: str
    replica: int
    host: str
    name: str
    id: str
    image: str
    state: str
    health: str
    status: str
    since: int
    revision: int
    urls: tuple[str, ...] = ()
    ports: tuple[Mapping[str, Any], ...] = ()
    exit_code: int | None = None
    command: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    local_volumes: int = 0
    oneoff: bool = False


@dataclass(frozen=True)
class HostRow:
    """One host in `nap host ls`; `problem` is empty when it answered. `certificate` says when that
    of its engine ends (ISO 8601, UTC; empty without TLS), `warning` that it is soon."""

    name: str
    endpoint: str
    state: str
    engine: str = ""
    os: str = ""
    arch: str = ""
    cpus: float = 0.0
    memory: int = 0
    containers: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    overlay: str = ""
    problem: str = ""
    certificate: str = ""
    warning: str = ""


@dataclass(frozen=True)
class AppRow:
    """One app in `nap ls`, from the labels of its containers: `states` counts them by state,
    `config_files` are the Compose files it was made from, with a comma between. Of one that is but
    on record, with no containers, `standing` says how it is: "down", "not seen" …"""

    owner: str
    app: str
    services: int
    running: int
    containers: int
    revision: int
    states: Mapping[str, int] = field(default_factory=dict)
    config_files: str = ""
    standing: str = ""
