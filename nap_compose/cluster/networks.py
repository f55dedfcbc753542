"""Which kind of network reaches from host to host, decided from what the engines say. Pure."""

from __future__ import annotations

from enum import Enum

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.view import HostState, HostView, View
from nap_compose.errors import Away, NapError
from nap_compose.plaindata import dataclass

_MENDED_BY = "`nap cluster init` joins the hosts in a swarm; see `network:` in the cluster file"


class NetworkKind(str, Enum):
    """What an app's networks are made of."""

    BRIDGE = "bridge"
    """A bridge on each host; containers meet those of their own host only."""
    SWARM = "swarm"
    """An attachable overlay of a swarm: made and checked on a manager, by id."""
    CONSUL = "consul"
    """An overlay over the engines' cluster store: made on any host, appears on all."""


@dataclass(frozen=True)
class NetworkOffer:
    """The kind of network that the hosts offer, and the host on which networks are made and
    checked; empty for a bridge, which each host makes for itself."""

    kind: NetworkKind
    host: str = ""


def network_kind(view: View, cluster: Cluster) -> NetworkKind:
    """The kind alone; see `network_offer`."""
    return network_offer(view, cluster).kind


def network_offer(view: View, cluster: Cluster) -> NetworkOffer:
    """What the active hosts of a view offer, as far as the cluster file leaves the choice.

    Raises NapError that says which hosts don't fit and how that is mended, Away where no host was
    seen.
    """
    active = [host for host in view.hosts.values() if host.state is HostState.ACTIVE]
    driver = cluster.network.driver
    if driver == "bridge" or (driver == "auto" and len(cluster.hosts) == 1):
        return NetworkOffer(NetworkKind.BRIDGE)
    if not active:
        raise Away(
            "no active host answered, so there is none to make networks on",
            hint="`nap host ls` says why",
        )
    if driver == "swarm":
        return _swarm(active, view)
    if driver == "consul":
        return _consul(active, cluster)
    if any(host.swarm.cluster for host in active):
        return _swarm(active, view)
    if any(host.cluster_store for host in active):
        return _consul(active, cluster)
    raise NapError(
        f"no network reaches from host to host: {_listed(active)} are neither joined in a swarm "
        "nor share a cluster store",
        hint=_MENDED_BY,
    )


def _swarm(active: list[HostView], view: View) -> NetworkOffer:
    outside = [host for host in active if not host.swarm.cluster]
    if outside:
        raise NapError(f"{_listed(outside)} {_is(outside)} in no swarm", hint=_MENDED_BY)
    swarms = {host.swarm.cluster for host in active}
    if len(swarms) > 1:
        groups = (
            _listed([host for host in active if host.swarm.cluster == swarm])
            for swarm in sorted(swarms)
        )
        raise NapError(
            f"the hosts are in {len(swarms)} different swarms: {' | '.join(groups)}",
            hint="take the hosts of all but one out with `docker swarm leave`, then "
            "`nap cluster init`",
        )
    managers = [
        host for host in view.hosts.values() if host.swarm.control and host.swarm.cluster in swarms
    ]
    if not managers:
        raise _no_quorum(active, view)
    # A manager that takes containers is there anyway; a cordoned one may be about to go.
    return NetworkOffer(NetworkKind.SWARM, min(managers, key=lambda host: host not in active).name)


def _no_quorum(active: list[HostView], view: View) -> NapError:
    away = ", ".join(host.name for host in view.unseen)
    said = next((host.swarm.error for host in active if host.swarm.error), "")
    return Away(
        "no manager of the swarm that was seen has a quorum, so nothing can be attached to its "
        "networks" + (f" ({said})" if said else "") + (f"; not seen: {away}" if away else ""),
        hint="bring the missing managers back; three managers stand the loss of one",
    )


def _consul(active: list[HostView], cluster: Cluster) -> NetworkOffer:
    if cluster.network.encrypted:
        raise NapError(
            "`network.encrypted` needs hosts that are joined in a swarm: over a cluster store "
            "engines encrypt nothing",
            hint="`nap cluster init` joins them; or take it out of the cluster file",
        )
    without = [host for host in active if not host.cluster_store]
    if without:
        raise NapError(
            f"{_listed(without)} {_has(without)} no cluster store",
            hint="start each engine with the same --cluster-store=consul://… and its own "
            "--cluster-advertise, or let `nap cluster init` join the hosts in a swarm",
        )
    # Each engine may ask the Consul agent beside it, so addresses differ; what must be the same
    # is the kind of store and the path in it.
    stores = {_store(host) for host in active}
    if len(stores) > 1:
        groups = "; ".join(f"{host.name} uses {host.cluster_store}" for host in active)
        raise NapError(
            f"the engines don't share a cluster store: {groups}",
            hint="give every engine the same --cluster-store",
        )
    return NetworkOffer(NetworkKind.CONSUL, active[0].name)


def _store(host: HostView) -> tuple[str, str]:
    scheme, _, rest = host.cluster_store.partition("://")
    return scheme, rest.partition("/")[2].strip("/")


def _listed(hosts: list[HostView]) -> str:
    return ", ".join(host.name for host in hosts)


def _is(hosts: list[HostView]) -> str:
    return "is" if len(hosts) == 1 else "are"


def _has(hosts: list[HostView]) -> str:
    return "has" if len(hosts) == 1 else "have"
