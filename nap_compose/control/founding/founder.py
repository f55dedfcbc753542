"""Founding a cluster, step by step; each can be repeated, so that a second call goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nap_compose.border import (
    Added,
    AddRequest,
    CertificateRow,
    Founded,
    FoundedHost,
    FoundRequest,
    HostStep,
    RemoveRequest,
    Renewed,
    RenewRequest,
    Survey,
)
from nap_compose.cluster import config
from nap_compose.cluster.cluster import Cluster, Host
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.observe import Part
from nap_compose.control.founding import joining, listing, overssh
from nap_compose.control.founding.adding import Adding, by_hand
from nap_compose.control.founding.material import Material, endpoint
from nap_compose.control.founding.overssh import Via
from nap_compose.control.founding.removing import Removing
from nap_compose.control.founding.renewing import Renewing
from nap_compose.control.founding.site import Site, ip_of
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError

INFO = frozenset({Part.INFO})


class Founder:
    """See `border.Founding`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def found(self, request: FoundRequest, tell: Callable[[str], None]) -> Founded:
        """Make the files, set the hosts up or say how, and join those that listen."""
        material = Material(Path(request.folder).absolute())
        request = _completed(request, material)
        made = tuple(_told(material.make(request.name, request.hosts), tell))
        cluster = config.read(material.file, hostless=True)
        if not cluster.hosts and not request.hosts:
            return Founded(str(material.file), made)
        _refuse_strangers(request, cluster, material)
        parts = Parts(cluster)
        try:
            hosts = tuple(self._hosts(request, material, parts, tell))
            if any(host.step is HostStep.SET_UP for host in hosts):
                hosts = tuple(_as_it_is_now(host, parts, material) for host in hosts)
            founded = Founded(str(material.file), made, hosts)
            if not founded.complete:
                return founded
            return replace(founded, joined=tuple(_told(_joining(parts), tell)))
        finally:
            parts.close()

    def survey(self, request: AddRequest) -> Survey:
        """Look at a host that is to join."""
        return Adding(request, self._env).survey()

    def add(self, request: AddRequest, tell: Callable[[str], None]) -> Added:
        """Have a host in the cluster."""
        return Adding(request, self._env).add(tell)

    def by_hand(self, request: AddRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        """The commands that set a host up."""
        return Adding(request, self._env).by_hand(tell)

    def certificates(self, file: str) -> tuple[CertificateRow, ...]:
        """Every certificate that the cluster leans on."""
        return listing.certificates(file)

    def to_restart(self, request: RenewRequest) -> Mapping[str, tuple[str, ...]]:
        """The hosts that `renew` would restart."""
        return Renewing(request, self._env).to_restart()

    def renew(self, request: RenewRequest, tell: Callable[[str], None]) -> Renewed:
        """Renew certificates."""
        return Renewing(request, self._env).renew(tell)

    def remove(self, request: RemoveRequest, tell: Callable[[str], None]) -> tuple[str, ...]:
        """Have a host no longer in the cluster."""
        return Removing(request, self._env).remove(tell)

    def _hosts(
        self,
        request: FoundRequest,
        material: Material,
        parts: Parts,
        tell: Callable[[str], None],
    ) -> Iterator[FoundedHost]:
        for name, address in request.hosts.items():
            folder = material.of_host(name)
            if _listens(parts, name, material):
                yield FoundedHost(name, HostStep.LISTENS, "its engine listens on TLS")
            elif request.ssh is None:
                yield FoundedHost(
                    name,
                    HostStep.WAITS,
                    "its engine has to be told to listen on TLS; on this machine:",
                    by_hand(folder, Via(f"root@{address}"), stop=True),
                )
            else:
                tell(f"{name}: setting its engine up over ssh")
                via = Via(f"{request.ssh}{address}")
                yield self._over_ssh(name, via, material, restart=request.restart)

    def _over_ssh(self, name: str, via: Via, material: Material, *, restart: bool) -> FoundedHost:
        try:
            folder = material.of_host(name)
            said = overssh.set_up(name, via, folder, self._env, restart=restart, stop=restart)
            material.reached(name, via)
        except NapError as error:
            hint = (error.hint,) if error.hint else ()
            return FoundedHost(name, HostStep.FAILED, error.message, hint)
        if restart:
            return FoundedHost(name, HostStep.SET_UP, said)
        return FoundedHost(
            name,
            HostStep.WAITS,
            "its engine listens on TLS once it is restarted, which also stops its containers "
            "and starts those with a restart policy",
            (f"ssh {via.destination} systemctl restart docker",),
        )


def _completed(request: FoundRequest, material: Material) -> FoundRequest:
    """The request, with what an earlier call wrote into the cluster file."""
    if not material.file.exists():
        return request
    cluster = config.read(material.file, hostless=True)
    foreign = [host.name for host in cluster.hosts.values() if not _by_init(host, material)]
    if foreign:
        raise NapError(
            f"the certificates of {', '.join(foreign)} weren't made by `nap cluster init`",
            hint=f"{material.file} names others under `tls`; see docs/cluster.md",
        )
    known = {name: endpoint_of(host).name for name, host in cluster.hosts.items()}
    return replace(request, name=cluster.name, hosts={**known, **request.hosts})


def _refuse_strangers(request: FoundRequest, cluster: Cluster, material: Material) -> None:
    """The cluster file is the person's own once it is written: what it lacks they add."""
    missing = [name for name in request.hosts if name not in cluster.hosts]
    if missing:
        lines = "; ".join(
            f"{name}: {{endpoint: {endpoint(request.hosts[name])}}}" for name in missing
        )
        raise NapError(
            f"{material.file} is there already, without {', '.join(missing)}",
            hint=f"add under `hosts:` {lines}, and run this again",
        )


def _by_init(host: Host, material: Material) -> bool:
    return host.tls is not None and host.tls.ca == material.ca.cert


def _listens(parts: Parts, name: str, material: Material) -> bool:
    return Site(parts.cluster, material).listens(parts.cluster.hosts[name])


def _as_it_is_now(host: FoundedHost, parts: Parts, material: Material) -> FoundedHost:
    if host.step is not HostStep.SET_UP or _listens(parts, host.name, material):
        return host if host.step is not HostStep.SET_UP else replace(host, step=HostStep.LISTENS)
    return FoundedHost(
        host.name,
        HostStep.FAILED,
        "it is set up, but doesn't answer on TCP 2376",
        ("is that port of the host open to this machine?",),
    )


def _joining(parts: Parts) -> Iterator[str]:
    view = parts.look(only=INFO)
    planned = joining.joins(view)
    taking_part = {host for join in planned for host in (join.host, join.through) if host}
    addresses = {
        host: ip_of(endpoint_of(parts.cluster.hosts[host]).name, host) for host in taking_part
    }
    yield from joining.carry_out(planned, parts.engines, addresses)
    yield from joining.balanced(parts)


def _told(sentences: Iterator[str], tell: Callable[[str], None]) -> Iterator[str]:
    for sentence in sentences:
        tell(sentence)
        yield sentence
