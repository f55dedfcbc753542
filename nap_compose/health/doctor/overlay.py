"""What carries the networks from host to host: the swarm's managers, or the cluster store."""

from __future__ import annotations

from collections.abc import Iterator

from nap_compose.border import Finding, Grade
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.networks import NetworkKind, network_kind
from nap_compose.cluster.view import View
from nap_compose.errors import NapError

SUBJECT = "networks"


def of_overlay(view: View, cluster: Cluster) -> Iterator[Finding]:
    """Whether containers can be attached across hosts, and whether the loss of one host would
    change that."""
    try:
        kind = network_kind(view, cluster)
    except NapError as error:
        yield Finding(SUBJECT, Grade.FAULT, error.message, error.hint or "")
        return
    if kind is NetworkKind.SWARM:
        yield _managers(view)
    elif kind is NetworkKind.CONSUL:
        yield Finding(SUBJECT, Grade.OK, "all engines share one cluster store")
    elif len(view.hosts) > 1:
        yield Finding(SUBJECT, Grade.OK, "bridges: containers meet those of their own host only")


def _managers(view: View) -> Finding:
    """A majority of the managers must be there (Raft), so an even number stands no more losses
    than the odd one below it."""
    managers = max(host.swarm.managers for host in view.hosts.values())
    losses = (managers - 1) // 2
    text = f"a swarm of {managers} manager{'' if managers == 1 else 's'}"
    if losses == 0 and len(view.hosts) + len(view.unseen) > managers:
        return Finding(
            SUBJECT,
            Grade.WARNING,
            f"{text}: when it goes, nothing can be attached to a network"
            if managers == 1
            else f"{text}: when either goes, nothing can be attached to a network",
            "make it three: `docker node promote HOST` on a manager",
        )
    if managers % 2 == 0:
        return Finding(
            SUBJECT,
            Grade.WARNING,
            f"{text}, which stands the loss of {losses}, as {managers - 1} would",
            "promote one more, or demote one",
        )
    return Finding(SUBJECT, Grade.OK, f"{text}, {losses} of which may be lost")
