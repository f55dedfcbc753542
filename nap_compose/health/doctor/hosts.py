"""Each host by itself: whether it answers, its engine, its clock, its disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from nap_compose.border import Finding, Grade
from nap_compose.cluster.view import Absence, HostState, HostView, Unseen, View
from nap_compose.plaindata import dataclass
from nap_compose.units import show_size

SKEW_NOTICED = 1.0
"""Seconds by which a clock may be wrong before logs of several hosts come in the wrong order."""

SKEW_HARMS = 30.0
"""Seconds from where on certificates and the ages of records can't be judged any more."""

DISK_NOTICED, DISK_HARMS = 0.80, 0.90
"""How full the engine's disk may be."""

_REMEDIES = {
    Absence.UNREACHABLE: "is it on, and its engine's port open to this machine?",
    Absence.TIMEOUT: "look at its load and disk; restart its engine if it hangs",
    Absence.REFUSED: "`nap cluster certs ls` says which certificate is wrong; docs/certificates.md",
    Absence.BROKEN: "look at its engine's log",
}


@dataclass(frozen=True)
class Disk:
    """The file system that an engine keeps its data on; sizes in bytes."""

    size: int
    free: int


def of_hosts(view: View) -> Iterator[Finding]:
    """What the hosts themselves say, and which say nothing."""
    for each in view.unseen:
        yield _silent(each)
    if view.hosts:
        yield Finding("hosts", Grade.OK, f"{len(view.hosts)} of {_total(view)} answer")
    yield from _engines(view)
    for host in view.hosts.values():
        yield from _clock(host)
        if host.state is not HostState.ACTIVE:
            yield Finding(
                host.name,
                Grade.WARNING,
                f"it is {host.state.value}: nothing new is placed there",
                f"nap host activate {host.name}",
            )


def of_disks(disks: Mapping[str, Disk]) -> Iterator[Finding]:
    """How full the disks of the hosts' engines are."""
    for host, disk in disks.items():
        used = 1 - disk.free / disk.size if disk.size else 1.0
        text = f"its engine's disk is {used:.0%} full, {show_size(disk.free)} of it free"
        if used < DISK_NOTICED:
            yield Finding(host, Grade.OK, text)
        else:
            grade = Grade.FAULT if used >= DISK_HARMS else Grade.WARNING
            yield Finding(host, grade, text, "`docker system df` there shows what takes it")


def _silent(unseen: Unseen) -> Finding:
    return Finding(unseen.name, Grade.FAULT, unseen.text, _REMEDIES[unseen.why])


def _total(view: View) -> int:
    return len(view.hosts) + len(view.unseen)


def _engines(view: View) -> Iterator[Finding]:
    releases: defaultdict[str, list[str]] = defaultdict(list)
    for host in view.hosts.values():
        releases[host.engine].append(host.name)
    if len(releases) == 1:
        yield Finding("engines", Grade.OK, f"all are Docker {next(iter(releases))}")
    elif releases:
        listed = "; ".join(
            f"{release} on {', '.join(hosts)}" for release, hosts in sorted(releases.items())
        )
        yield Finding(
            "engines",
            Grade.WARNING,
            f"they are of {len(releases)} releases: {listed}",
            "bring them to one, host by host: nap host drain, update, nap host activate",
        )


def _clock(host: HostView) -> Iterator[Finding]:
    off = abs(host.skew)
    text = f"its clock is {off:.1f} s {'ahead of' if host.skew > 0 else 'behind'} this machine's"
    if off >= SKEW_NOTICED:
        grade = Grade.FAULT if off >= SKEW_HARMS else Grade.WARNING
        yield Finding(host.name, grade, text, "run an NTP client, such as chrony, on both")
