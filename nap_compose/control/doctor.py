"""The check-up: gathers the facts, all hosts at once, and has `health/doctor` judge them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

from nap_compose.border import Cancel, DoctorRequest, Finding, Grade
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.certificates import end_of_file, ends_of_engines
from nap_compose.cluster.cluster import Moosefs
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.control.doors import doors_of
from nap_compose.control.parts import Parts
from nap_compose.control.probes import Probe, disk_of, probes
from nap_compose.control.reading import set_by_command
from nap_compose.errors import Interrupted, NapError
from nap_compose.health.doctor.certificates import ENGINES, Certificate, of_certificates
from nap_compose.health.doctor.hosts import Disk, of_disks, of_hosts
from nap_compose.health.doctor.overlay import of_overlay
from nap_compose.health.doctor.roads import Door, Road, of_doors, of_roads

SETTLES = 5
"""How often, a second apart, a new name is asked for before it counts as unknown: the engines
tell each other of it."""

HEADERS = 28
"""Bytes of a ping that aren't its payload: IPv4's header (RFC 791) and ICMP's (RFC 792)."""

ENDS = 120.0
"""Seconds after which a host's probe is given up on."""


def check_up(parts: Parts, wanted: DoctorRequest, cancel: Cancel) -> tuple[Finding, ...]:
    """Look at all that the request asks for, the worst first. Raises NapError, Interrupted."""
    states, labels = set_by_command(parts)
    view = parts.look(states=states, labels=labels, only=frozenset({Part.INFO, Part.IMAGES}))
    findings = [*of_hosts(view), *of_overlay(view, parts.cluster)]
    findings += of_certificates(_certificates(parts, view), datetime.now(timezone.utc))
    findings += [Finding("tls", Grade.WARNING, notice) for notice in parts.engines.notices()]
    findings += _leaned_on(parts)
    if parts.cluster.storage.moosefs:
        findings += _storage(parts, view, parts.cluster.storage.moosefs)
    if wanted.network or wanted.isolation:
        findings += _probed(parts, view, wanted, cancel)
    order = [Grade.FAULT, Grade.WARNING, Grade.UNKNOWN, Grade.OK]
    return tuple(sorted(findings, key=lambda finding: order.index(finding.grade)))


def _certificates(parts: Parts, view: View) -> Iterator[Certificate]:
    seen = [host for name, host in parts.cluster.hosts.items() if name in view.hosts]
    for name, end in ends_of_engines(seen).items():
        yield Certificate(name, ENGINES, end)
    for tls in {host.tls for host in parts.cluster.hosts.values() if host.tls}:
        for what, path in (("nap's own certificate", tls.cert), ("the CA's certificate", tls.ca)):
            if written := end_of_file(path):
                yield Certificate("nap" if path == tls.cert else "CA", what, written)


def _leaned_on(parts: Parts) -> Iterator[Finding]:
    """Whether the state store and the records answer."""

    def asked(subject: str, question: Callable[[], object], harm: str) -> Finding:
        try:
            question()
        except NapError as error:
            return Finding(subject, Grade.FAULT, f"{error.message}: {harm}", error.hint or "")
        return Finding(subject, Grade.OK, "it answers")

    yield asked(
        "state store",
        lambda: parts.store.list("host/"),
        "nothing can be deployed and nothing fails over until it is back",
    )
    yield asked(
        "records",
        lambda: parts.records.check_writable(),  # noqa: PLW0108 - opening them is part of it
        "nothing can be deployed until they are back",
    )


def _storage(parts: Parts, view: View, moosefs: Moosefs) -> Iterator[Finding]:
    """Whether the cluster storage is there, for nap and for each host."""
    from nap_compose.storage.pool import Pool
    from nap_compose.storage.reach import unreached

    pool = Pool(moosefs)
    try:
        pool.check()
        lost = unreached(
            pool, parts.engines, view.hosts, cluster=parts.cluster.name, seal=parts.seal
        )
    except NapError as error:
        yield Finding("storage", Grade.FAULT, error.message, error.hint or "")
        return
    for host, why in lost.items():
        yield Finding(host, Grade.FAULT, f"it takes no cluster volume: {why}", "nap storage init")
    if len(lost) < len(view.hosts):
        yield Finding("storage", Grade.OK, f"{len(view.hosts) - len(lost)} hosts reach it")


def _probed(parts: Parts, view: View, wanted: DoctorRequest, cancel: Cancel) -> Iterator[Finding]:
    def go_on() -> None:
        if cancel.level:
            raise Interrupted("the check-up was broken off; its probes are gone")

    image = wanted.image or parts.cluster.probe_image
    with probes(parts, view, image, go_on) as found:
        for host, error in found.failed.items():
            text = f"no probe runs there: {error.message}"
            yield Finding(host, Grade.FAULT, text, error.hint or "")
        go_on()
        disks = _of_each(found.ready, lambda host: disk_of(found.ready[host]))
        yield from of_disks({host: disk for host, disk in disks.items() if isinstance(disk, Disk)})
        if wanted.network:
            go_on()
            tried = _of_each(found.ready, lambda host: list(_roads(found.ready, host)))
            overlay = "consul" if any(h.cluster_store for h in view.hosts.values()) else "swarm"
            roads = list(_all_of(tried.values()))
            if parts.cluster.network.encrypted and not all(road.reached for road in roads):
                roads = _without_encryption(parts, view, image, go_on, roads)
            yield from of_roads(roads, overlay=overlay)
            yield from _broken(tried)
        if wanted.isolation and found.ready:
            go_on()
            doors = doors_of(parts.cluster, view)
            opened = _of_each(found.ready, lambda host: _open_doors(found.ready[host], doors))
            yield from of_doors([_seen_from(door, opened) for door in doors])
            yield from _broken(opened)


def _without_encryption(
    parts: Parts, view: View, image: str, go_on: Callable[[], None], roads: Iterable[Road]
) -> list[Road]:
    """The roads once more, each with whether it is open to who doesn't encrypt."""
    with probes(parts, view, image, go_on, plain=True) as found:
        tried = _of_each(found.ready, lambda host: list(_roads(found.ready, host)))
    open_ = {(road.source, road.target) for road in _all_of(tried.values()) if road.reached}
    return [replace(road, plainly=(road.source, road.target) in open_) for road in roads]


def _roads(ready: Mapping[str, Probe], source: str) -> Iterator[Road]:
    """The roads from one probe to every other."""
    mine = ready[source]
    _, mtu = mine.run("cat", "/sys/class/net/eth0/mtu")
    full = (int(mtu) if mtu.strip().isdigit() else 1450) - HEADERS
    for target, other in ready.items():
        if target == source:
            continue
        named = _resolves(mine, other)
        reached = _ping(mine, other.address, 0) or _ping(mine, other.address, 0)
        whole = reached and (_ping(mine, other.address, full) or _ping(mine, other.address, full))
        yield Road(source, target, named, reached, whole, full + HEADERS)


def _resolves(probe: Probe, other: Probe) -> bool:
    for _ in range(SETTLES):
        _, said = probe.run("ping", "-c", "1", "-W", "1", other.name)
        if f"({other.address})" in said:
            return True
        time.sleep(1)
    return False


def _ping(probe: Probe, address: str, size: int) -> bool:
    return probe.run("ping", "-c", "1", "-W", "2", "-s", str(size), address)[0] == 0


def _open_doors(probe: Probe, doors: Iterable[Door]) -> set[tuple[str, int]]:
    return {
        (door.address, door.port)
        for door in doors
        # It runs `true` once it is connected, so that no open connection is waited for.
        if probe.run("nc", "-w", "1", door.address, str(door.port), "-e", "true")[0] == 0
    }


def _seen_from(door: Door, tried: Mapping[str, object]) -> Door:
    hosts = tuple(
        host
        for host, found in tried.items()
        if isinstance(found, set) and (door.address, door.port) in found
    )
    return Door(door.service, door.address, door.port, hosts)


def _of_each(hosts: Iterable[str], ask: Callable[[str], object]) -> dict[str, object]:
    """What came of asking each host, many at once; where it failed, the error."""
    questions = {host: partial(ask, host) for host in hosts}
    found: dict[str, object] = {}
    for host, asked, ends in ask_each(questions, deadline=ENDS):
        try:
            found[host] = asked.answer(ends)
        except TimeoutError:
            found[host] = NapError(f"no answer within {ENDS:g} s", host=host)
        except NapError as error:
            found[host] = error
    return {host: found[host] for host in questions}


def _all_of(found: Iterable[object]) -> Iterator[Road]:
    for each in found:
        if isinstance(each, list):
            yield from each


def _broken(found: Mapping[str, object]) -> Iterator[Finding]:
    for host, each in found.items():
        if isinstance(each, NapError):
            yield Finding(host, Grade.FAULT, f"its probe broke off: {each.message}")
