"""One host: what there is on it, and what is set for it in the state store."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from nap_compose.border import HostChange, HostDetail, HostRow, Who
from nap_compose.clock import utc_now
from nap_compose.cluster import host_records
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.observe import Part
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import HostState, HostView, View
from nap_compose.control.parts import Parts
from nap_compose.control.reading import away_row, host_row, proofs_of_loss, row_of, set_by_command
from nap_compose.errors import NapError, WrongUse
from nap_compose.health.proof import CONFIRMED, Proof, StoredProofs
from nap_compose.text import nearest


def host_detail(parts: Parts, name: str) -> HostDetail:
    """All that can be seen of one host; where it doesn't answer, its row alone."""
    host = _known(parts, name)
    states, labels = set_by_command(parts)
    view = parts.look(states=states, labels=labels, hosts={name})
    upgrade = _upgrade(parts, name)
    if name not in view.hosts:
        return HostDetail(_away(view, host, proofs_of_loss(parts).get(name)), upgrade=upgrade)
    there = view.hosts[name]
    mine = sorted(
        (row_of(container, there) for container in there.containers if container.identity),
        key=lambda row: (row.owner, row.app, row.service, row.replica),
    )
    return HostDetail(
        row=host_row(there, host.endpoint),
        containers=tuple(mine),
        api=there.api,
        skew=there.skew,
        reserved_cpus=host.reserve.cpus,
        reserved_memory=host.reserve.memory,
        foreign=sum(each.identity is None and each.kept is None for each in there.containers),
        failed=tuple(sorted(each.name for each in there.containers if each.kept)),
        networks=_networks(there),
        volumes=tuple(sorted(volume.name for volume in there.volumes if volume.identity)),
        images=len(there.images),
        images_size=sum(image.size for image in there.images),
        upgrade=upgrade,
    )


def _upgrade(parts: Parts, name: str) -> str:
    """How far an upgrade of the host has come, as far as that can be told."""
    if parts.cluster.embedded:
        return ""
    with contextlib.suppress(StoreAway):
        return host_records.read_all(parts.store).get(name, host_records.HostRecord()).upgrade
    return ""


def change_host(parts: Parts, change: HostChange) -> None:
    """Set what the change says; a host that doesn't answer just now can be changed too."""
    check_shared(parts, change.name)
    if change.dry_run:
        return
    if change.labels:
        host_records.set_labels(parts.store, change.name, change.labels)
    if change.upgrade is None and change.state == HostState.ACTIVE.value:
        change = replace(change, upgrade="")  # whoever uses it again has done with that
    if change.upgrade is not None:
        if change.upgrade not in ("", *host_records.UPGRADES):
            raise WrongUse(f"an upgrade isn't '{change.upgrade}'")
        host_records.set_upgrade(parts.store, change.name, change.upgrade)
    if change.state:
        host_records.set_state(parts.store, change.name, HostState(change.state))


def confirm_lost(parts: Parts, who: Who, name: str) -> None:
    """Keep the word of a person that the host is gone; one that answers isn't."""
    check_shared(parts, name)
    view = parts.look(only=frozenset({Part.INFO}), hosts={name})
    if name in view.hosts:
        raise NapError(
            "it answers, so it isn't lost",
            host=name,
            hint=f"`nap host drain {name}` moves what runs there; failover needs a host that is "
            "off",
        )
    StoredProofs(parts.store).enter(Proof(name, CONFIRMED, who.name, utc_now()))


def check_shared(parts: Parts, name: str) -> None:
    """Raise WrongUse where there is no cluster, or it has no such host."""
    check_cluster(parts)
    _known(parts, name)


def check_cluster(parts: Parts) -> None:
    """Raise WrongUse where there is no cluster."""
    if parts.cluster.embedded:
        raise WrongUse(
            "there is no cluster: replicas have the local engine alone",
            hint="a cluster file names hosts; see docs/cluster-file.md",
        )


def _known(parts: Parts, name: str) -> Host:
    """The host of that name; raises WrongUse where the cluster has none."""
    hosts = parts.cluster.hosts
    if name not in hosts:
        near = nearest(name, hosts)
        listed = f"it has: {', '.join(hosts)}"
        raise WrongUse(
            f"the cluster has no host '{name}'", hint=f"did you mean '{near}'?" if near else listed
        )
    return hosts[name]


def _away(view: View, host: Host, proof: Proof | None) -> HostRow:
    unseen = next(each for each in view.unseen if each.name == host.name)
    return away_row(host, unseen, proof)


def _networks(host: HostView) -> int:
    return sum(network.identity is not None for network in host.networks)
