"""The commands that only look: containers, apps and hosts as rows. They need the engines alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from nap_compose.border import AppRow, HostRow, Listing, Row, Target
from nap_compose.cluster.asking import Asked
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.view import ContainerView, HostView, Unseen, View
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError

if TYPE_CHECKING:
    from nap_compose.health.proof import Proof

CONTAINERS = frozenset({Part.CONTAINERS})
STORE_PATIENCE = 5.0
"""Seconds for which a command that only looks waits for the state store."""

T = TypeVar("T")
Placed = Mapping[tuple[str, str], Mapping[str, str]]
"""(owner, app) → replica (`web.2`) → host."""

ENDED = ("exited", "dead", "created")


def list_containers(parts: Parts, target: Target, *, stopped: bool) -> Listing:
    """A row for each container of the target; with `stopped` also those that don't run.

    Where a host wasn't seen, what was last placed there stands as unknown.
    """
    view = parts.look(only=CONTAINERS, whose=Whose(owner=target.owner, app=target.app))
    rows = [
        row_of(container, view.hosts[container.host])
        for container in view.containers()
        if _meant(container, target) and (stopped or container.state not in ENDED)
    ]
    if view.unseen:
        rows += unknown_rows(_at_hand(lambda: placed(parts)) or {}, target, view.unseen)
    rows.sort(key=lambda row: (row.owner, row.app, row.service, row.oneoff, row.replica, row.since))
    return Listing(tuple(rows), warnings_of(view))


def list_apps(parts: Parts, *, recorded: bool = False) -> Listing:
    """A row for each app that has containers; with `recorded` also for those of a cluster that are
    but on record."""
    view = parts.look(only=CONTAINERS, whose=Whose())
    apps: dict[tuple[str, str], list[ContainerView]] = {}
    for container in view.containers():
        if container.identity:
            key = (container.identity.owner, container.identity.app)
            apps.setdefault(key, []).append(container)
    rows = [_app_row(owner, app, apps[owner, app]) for owner, app in apps]
    warnings = warnings_of(view)
    if recorded and not parts.cluster.embedded:
        from nap_compose.control.looking.standing import without_containers

        try:
            rows += without_containers(parts.records, apps, all_seen=not view.unseen)
        except NapError as error:
            warnings += (f"apps that have no containers aren't shown: {error.message}",)
    return Listing(tuple(sorted(rows, key=lambda row: (row.owner, row.app))), warnings)


def list_hosts(parts: Parts) -> Listing:
    """A row for each host of the cluster file, those that don't answer included."""
    from nap_compose.control.host_certificates import with_certificates

    states, labels = set_by_command(parts)
    view = parts.look(only=frozenset({Part.INFO, Part.CONTAINERS}), states=states, labels=labels)
    away = {unseen.name: unseen for unseen in view.unseen}
    proofs = proofs_of_loss(parts) if away else {}
    rows = []
    for name, host in parts.cluster.hosts.items():
        if name in view.hosts:
            rows.append(host_row(view.hosts[name], host.endpoint))
        else:
            rows.append(away_row(host, away[name], proofs.get(name)))
    return Listing(with_certificates(rows, parts.cluster))


def away_row(host: Host, unseen: Unseen, proof: Proof | None = None) -> HostRow:
    """A host that didn't answer, as `host ls` shows it; with a `proof` that it is gone it is
    lost."""
    return HostRow(
        host.name,
        host.endpoint,
        state="lost" if proof else unseen.why.value,
        labels=host.labels,
        problem=f"{unseen.text}; {proof.text}" if proof else unseen.text,
    )


def proofs_of_loss(parts: Parts) -> dict[str, Proof]:
    """The proofs that hosts are gone; empty where the store is away."""
    if parts.cluster.embedded:
        return {}
    from nap_compose.health.proof import StoredProofs

    return _at_hand(lambda: StoredProofs(parts.store).all()) or {}


def set_by_command(parts: Parts) -> tuple[dict[str, Any], dict[str, Any]]:
    """The states and labels that were set for hosts by command; empty where the store is away:
    reading goes on without it."""
    from nap_compose.cluster import host_records as records

    if parts.cluster.embedded:
        return {}, {}
    found = _at_hand(lambda: records.read_all(parts.store)) or {}
    states = {name: record.state for name, record in found.items()}
    labels = {
        name: {key: value for key, value in record.labels.items() if value is not None}
        for name, record in found.items()
    }
    return states, labels


def _at_hand(read: Callable[[], T]) -> T | None:
    """What the state store says if it can be had in time, else None: reading goes on without it,
    and doesn't wait while its servers choose a leader."""
    try:
        return Asked(read).answer(time.monotonic() + STORE_PATIENCE)
    except (NapError, TimeoutError):
        return None


def warnings_of(view: View) -> tuple[str, ...]:
    """One sentence for each host that wasn't seen."""
    return tuple(
        f"host {unseen.name} was not seen: {unseen.text} (nap host ls)" for unseen in view.unseen
    )


def row_of(container: ContainerView, host: HostView) -> Row:
    """One container as `ps` shows it."""
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    return Row(
        owner=identity.owner,
        app=identity.app,
        service=identity.service,
        replica=0 if identity.oneoff else identity.replica,
        host=container.host,
        name=container.name,
        id=container.id,
        image=container.image,
        state=container.state,
        health=container.health,
        status=container.status,
        since=container.created,
        revision=identity.revision,
        urls=urls_of(container, host),
        ports=tuple(
            {
                "host_ip": port.host_ip,
                "published": port.port,
                "target": port.target,
                "protocol": port.protocol,
            }
            for port in sorted((*container.ports, *container.exposed), key=lambda port: port.target)
        ),
        exit_code=container.exit_code,
        command=container.command,
        labels=container.labels,
        networks=container.networks,
        mounts=container.mounts,
        local_volumes=container.local_volumes,
        oneoff=identity.oneoff,
    )


def urls_of(container: ContainerView, host: HostView) -> tuple[str, ...]:
    """Where its published ports are reached, each once though it stands for IPv4 and IPv6."""
    urls = []
    for port in sorted(container.ports, key=lambda port: port.port):
        address = port.host_ip if port.host_ip not in ("", "0.0.0.0", "::") else host.address  # noqa: S104
        shown = f"[{address}]" if ":" in address else address
        scheme = {"tcp": "https" if port.target == 443 else "http"}.get(port.protocol, "udp")
        urls.append(f"{scheme}://{shown}:{port.port}")
    return tuple(dict.fromkeys(urls))


def _meant(container: ContainerView, target: Target) -> bool:
    identity = container.identity
    if identity is None:
        return False
    return (
        (not target.app or (identity.owner, identity.app) == (target.owner, target.app))
        and (not target.service or identity.service == target.service)
        and (not target.replica or identity.replica == target.replica)
    )


def placed(parts: Parts) -> Placed:
    """Which host each replica was last placed on. Raises StoreAway."""
    if parts.cluster.embedded:
        return {}
    from nap_compose.cluster import placements

    return placements.read_all(parts.store)


def unknown_rows(known: Placed, target: Target, unseen: tuple[Unseen, ...]) -> list[Row]:
    """Replicas that were last placed on hosts that weren't seen."""
    away = {host.name: host for host in unseen}
    rows = []
    for (owner, app), slots in known.items():
        for slot, host in slots.items():
            service, _, number = slot.rpartition(".")
            row = _unknown_row(owner, app, service, int(number), host)
            if host in away and _row_meant(row, target):
                rows.append(row)
    return rows


def _row_meant(row: Row, target: Target) -> bool:
    return (
        (not target.app or (row.owner, row.app) == (target.owner, target.app))
        and (not target.service or row.service == target.service)
        and (not target.replica or row.replica == target.replica)
    )


def _unknown_row(owner: str, app: str, service: str, replica: int, host: str) -> Row:
    return Row(
        owner=owner,
        app=app,
        service=service,
        replica=replica,
        host=host,
        name="",
        id="",
        image="",
        state="unknown",
        health="unknown",
        status="unknown, not seen",
        since=0,
        revision=0,
    )


def _app_row(owner: str, app: str, containers: list[ContainerView]) -> AppRow:
    identities = [container.identity for container in containers if container.identity]
    return AppRow(
        owner=owner,
        app=app,
        services=len({identity.service for identity in identities}),
        running=sum(container.state == "running" for container in containers),
        containers=len(containers),
        revision=max(identity.revision for identity in identities),
        states=Counter(container.state for container in containers),
        config_files=next(filter(None, map(_config_files, containers)), ""),
    )


def _config_files(container: ContainerView) -> str:
    return container.labels.get(COMPOSE + "project.config_files", "")


def host_row(host: HostView, endpoint: str) -> HostRow:
    """A host that answered, as `host ls` shows it."""
    overlay = "swarm" if host.swarm.cluster else "consul" if host.cluster_store else "none"
    if overlay == "swarm" and host.swarm.control:
        overlay = "swarm manager"
    labels: Mapping[str, str] = host.labels
    return HostRow(
        name=host.name,
        endpoint=endpoint,
        state=host.state.value,
        engine=host.engine,
        os=host.os,
        arch=host.arch,
        cpus=host.cpus,
        memory=host.memory,
        containers=sum(container.state == "running" for container in host.containers),
        labels=labels,
        overlay=overlay,
        problem=host.swarm.error,
    )
