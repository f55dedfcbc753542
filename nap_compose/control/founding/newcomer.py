"""A host that is to join the cluster: what was seen of it, what of that stands in the way, and what
would be changed on it. Pure: what its script printed in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nap_compose.border import Finding, Grade
from nap_compose.cluster.engine_endpoint import TLS_PORT
from nap_compose.health.doctor.hosts import (
    DISK_HARMS,
    DISK_NOTICED,
    SKEW_HARMS,
    SKEW_NOTICED,
)
from nap_compose.plaindata import dataclass
from nap_compose.units import show_size

OLDEST_ENGINE = (20, 10)
"""The oldest release that is tried."""

SWARM_PORT, GOSSIP_PORT = 2377, 7946
"""Where a swarm's managers listen, and every engine of it (Docker's defaults)."""

USUAL_MTU = 1500
VXLAN = 50
"""Bytes that VXLAN takes of each packet (RFC 7348)."""

INACTIVE = "inactive"


@dataclass(frozen=True)
class Newcomer:
    """What `look.sh` found on a host.

    `engine` is its release, `no_engine` why there is none to talk to; `start` how systemd starts
    it (empty: systemd doesn't); `listens` and `live_restore` name its file of settings where that
    says where to listen, or turns live-restore on. `swarm` is the state of its node; `containers`
    are the names of those that run. `skew` is its clock less this machine's in seconds, `mtu` that
    of the interface with its address (0: none has it); `disk` size and free bytes of the engine's
    file system. `taken` are ports that somebody listens on, `ways` says of each HOST:PORT whether
    it can be reached from there (None: not tried).
    """

    name: str
    root: bool = True
    engine: str = ""
    no_engine: str = ""
    start: str = ""
    listens: str = ""
    live_restore: str = ""
    swarm: str = INACTIVE
    containers: tuple[str, ...] = ()
    skew: float = 0.0
    mtu: int = 0
    disk: tuple[int, int] = (0, 0)
    taken: tuple[int, ...] = ()
    ways: Mapping[str, bool | None] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The containers that a restart of the engine would stop: none, unless it is in a swarm,
        where live-restore can't be on for that long."""
        return () if self.swarm == INACTIVE else self.containers


def read(name: str, printed: str, *, sent: float, received: float) -> Newcomer:
    """A Newcomer from what the script printed between two moments, in seconds of this machine's
    clock; of its own clock no more is known than that it was between them."""
    found: dict[str, list[str]] = {}
    for line in printed.splitlines():
        word, _, value = line.partition("\t")
        found.setdefault(word, []).append(value)

    def one(word: str) -> str:
        return found.get(word, [""])[0]

    disk = [int(each) * 1024 for each in one("disk").split() if each.isdigit()]
    ways: dict[str, bool | None] = dict.fromkeys(found.get("untried", ()))
    ways |= dict.fromkeys(found.get("open", ()), True) | dict.fromkeys(found.get("shut", ()), False)
    return Newcomer(
        name=name,
        root=one("user") == "0",
        engine=one("engine"),
        no_engine=one("no-docker"),
        start=one("start"),
        listens=one("listens"),
        live_restore=one("live-restore"),
        swarm=one("swarm") or INACTIVE,
        containers=tuple(found.get("container", ())),
        skew=_skew(one("time"), sent, received),
        mtu=int(one("mtu")) if one("mtu").isdigit() else 0,
        disk=(disk[0], disk[1]) if len(disk) == 2 else (0, 0),
        taken=tuple(int(each) for each in found.get("taken", ()) if each.isdigit()),
        ways=ways,
    )


def findings(host: Newcomer, *, cluster_mtu: int | None, in_swarm: bool) -> tuple[Finding, ...]:
    """All that was looked at; a fault is what the host can't join with. `cluster_mtu` is what the
    cluster file says, `in_swarm` whether the host is in the cluster's own swarm already."""
    return (
        *_engine(host, in_swarm),
        *_clock(host),
        *_mtu(host, cluster_mtu),
        *_ports(host, in_swarm),
        *_disk(host),
    )


def changes(host: Newcomer, *, in_swarm: bool) -> Iterator[str]:
    """What would be done on the host, a sentence each."""
    yield "/etc/docker/nap: the CA's certificate, the engine's own and its key"
    yield (
        "/etc/systemd/system/docker.service.d/nap.conf: its engine listens on "
        f"{_listening(host)}TCP {TLS_PORT} too, where only nap's certificate opens"
    )
    if not host.containers:
        yield "its engine is restarted; no container runs there"
    elif host.stops:
        yield f"its engine is restarted, which stops {', '.join(host.stops)} and starts them again"
    else:
        yield (
            "its engine is restarted, with live-restore on for that long: "
            f"{', '.join(host.containers)} run on"
        )
    if not in_swarm:
        yield "it joins the cluster's swarm"


def _listening(host: Newcomer) -> str:
    return "systemd's socket and " if "fd://" in host.start else "its own socket and "


def _engine(host: Newcomer, in_swarm: bool) -> Iterator[Finding]:
    if not host.root:
        yield _fault(host, "whom ssh logs in as isn't root and may not sudo", "name another user")
    if host.no_engine:
        yield _fault(host, f"no engine answers: {host.no_engine}", "install docker.io or docker-ce")
        return
    release = tuple(int(each) for each in re.findall(r"\d+", host.engine)[:2])
    if release < OLDEST_ENGINE:
        yield _fault(host, f"its engine {host.engine} is too old", "update it to 20.10 or newer")
    else:
        yield _ok(host, f"engine {host.engine}, {len(host.containers)} containers run there")
    if not host.start:
        yield _fault(
            host,
            "systemd doesn't start its engine",
            "with --print nap says what the engine has to be started with",
        )
    if host.listens:
        yield _fault(
            host,
            f"{host.listens} says where the engine listens",
            "take hosts and tls* out of it: words for the engine can't say it too",
        )
    if host.live_restore:
        yield _fault(
            host,
            f"{host.live_restore} turns live-restore on, which no engine of a swarm may have",
            f'write "live-restore": false in {host.live_restore}, then: systemctl reload docker',
        )
    if host.swarm != INACTIVE and not in_swarm:
        yield _fault(
            host,
            f"its engine is in a swarm already, which isn't this cluster's ({host.swarm})",
            "take it out with `docker swarm leave`, which removes the swarm's services from it",
        )


def _clock(host: Newcomer) -> Iterator[Finding]:
    off = abs(host.skew)
    if off < SKEW_NOTICED:
        yield _ok(host, "its clock is right")
        return
    text = f"its clock is {off:.0f} s {'ahead of' if host.skew > 0 else 'behind'} this machine's"
    grade = Grade.FAULT if off >= SKEW_HARMS else Grade.WARNING
    yield Finding(host.name, grade, text, "run an NTP client, such as chrony, on both")


def _mtu(host: Newcomer, cluster_mtu: int | None) -> Iterator[Finding]:
    if not host.mtu:
        yield Finding(
            host.name,
            Grade.FAULT,
            "none of its interfaces has the address that it is to be reached at",
            "name its own with --address",
        )
        return
    wanted = cluster_mtu or USUAL_MTU
    if host.mtu < wanted:
        yield Finding(
            host.name,
            Grade.WARNING,
            f"its interface carries packets of {host.mtu} bytes, the networks are made for "
            f"{wanted}: full ones would be lost",
            f"network: {{mtu: {host.mtu}}} in the cluster file, before apps' networks are made",
        )
    else:
        yield _ok(host, f"its interface carries packets of {host.mtu} bytes, {VXLAN} go to VXLAN")


def _ports(host: Newcomer, in_swarm: bool) -> Iterator[Finding]:
    own = {TLS_PORT} | ({SWARM_PORT, GOSSIP_PORT, 4789} if in_swarm else set())
    if taken := [str(port) for port in host.taken if port not in own]:
        yield _fault(
            host,
            f"somebody else listens on port {', '.join(taken)} there",
            "`ss -ltunp` there says who",
        )
    ways = host.ways or {}
    shut = [way for way, is_open in ways.items() if is_open is False]
    if shut:
        yield _fault(
            host,
            f"from there nothing gets through to {', '.join(shut)}",
            f"open TCP {SWARM_PORT}, TCP and UDP {GOSSIP_PORT} and UDP 4789 between the hosts",
        )
    if untried := [way for way, is_open in ways.items() if is_open is None]:
        yield Finding(host.name, Grade.UNKNOWN, f"not tried without bash: {', '.join(untried)}")
    if ways and not shut and not untried:
        yield _ok(host, f"from there {len(ways)} ports of the other hosts are open")


def _disk(host: Newcomer) -> Iterator[Finding]:
    size, free = host.disk
    if not size:
        return
    used = 1 - free / size
    text = f"its engine's disk is {used:.0%} full, {show_size(free)} of it free"
    if used < DISK_NOTICED:
        yield _ok(host, text)
    else:
        full = " and it would take no replica" if used >= DISK_HARMS else ""
        remedy = "`docker system df` there shows what takes it"
        yield Finding(host.name, Grade.WARNING, text + full, remedy)


def _skew(told: str, sent: float, received: float) -> float:
    try:
        at = float(told)
    except ValueError:
        return 0.0
    return at - received if at > received else min(0.0, at - sent)


def _ok(host: Newcomer, text: str) -> Finding:
    return Finding(host.name, Grade.OK, text)


def _fault(host: Newcomer, text: str, remedy: str) -> Finding:
    return Finding(host.name, Grade.FAULT, text, remedy)


def worst(found: Sequence[Finding]) -> Grade:
    """Of the findings; OK where there are none."""
    order = [Grade.OK, Grade.UNKNOWN, Grade.WARNING, Grade.FAULT]
    return max((each.grade for each in found), key=order.index, default=Grade.OK)
