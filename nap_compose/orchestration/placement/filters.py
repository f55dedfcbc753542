"""The filters: why a host can't take a group of replicas, each reason in numbers.

The standing ones don't change while an app is placed; the others do as its replicas are seated.
Each gives sentences, one for each thing in the way; none where nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from nap_compose.cluster.holding import ALL, NANO
from nap_compose.cluster.view import HostState
from nap_compose.orchestration.placement.asks import Ask
from nap_compose.orchestration.placement.groups import Group
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.units import show_size

Reasons = Iterator[str]
Filter = Callable[[Group, Room, Seating], Reasons]

_RUNS_TOO = {"amd64": ("386",), "arm64": ("arm",)}
"""What else an architecture runs."""


def standing(group: Group, room: Room, seating: Seating, *, at_home: bool) -> Reasons:
    """What speaks against the host whoever else goes where. At home, a cordoned host will do, and
    a drained one for those that have to stay."""
    state = room.host.state
    stays = at_home and (
        state is HostState.CORDONED or seating.situation.staying.issuperset(group.slots)
    )
    if state is not HostState.ACTIVE and not stays:
        yield f"is {state.value}"
        return
    if not at_home and room.name in seating.situation.full:
        # What is there already writes on wherever it is; it is moved by people.
        yield seating.situation.full[room.name]
    for check in STANDING:
        yield from check(group, room, seating)


def changing(group: Group, room: Room, seating: Seating) -> Reasons:
    """What speaks against the host with all that has been seated so far."""
    for check in CHANGING:
        yield from check(group, room, seating)


def _constraints(group: Group, room: Room, _seating: Seating) -> Reasons:
    for ask in group.asks:
        for constraint in ask.constraints:
            objection = constraint.objection(room.host)
            if objection:
                yield objection


def _platform(group: Group, room: Room, _seating: Seating) -> Reasons:
    """`linux/arm64/v8`, `linux/arm64`, or one of the two parts alone; variants aren't told."""
    host = room.host
    runs = (host.os, host.arch, *_RUNS_TOO.get(host.arch, ()))
    for ask in group.asks:
        wanted = ask.platform.lower().split("/")[:2] if ask.platform else []
        if any(part not in runs for part in wanted):
            yield f"platform is {host.os}/{host.arch}, {ask.service} asks {ask.platform}"


def _api(group: Group, room: Room, _seating: Seating) -> Reasons:
    wanted = max(ask.api for ask in group.asks)
    has = tuple(int(part) for part in room.host.api.split(".")) if room.host.api else wanted
    if has < wanted:
        yield f"engine's API is {room.host.api}, a subpath asks {wanted[0]}.{wanted[1]}"


def _cores(group: Group, room: Room, _seating: Seating) -> Reasons:
    for ask in group.asks:
        if ask.cores > room.host.cores * NANO > 0:
            yield f"cpu {_cpus(room.host.cores * NANO)} in all, {_cpus(ask.cores)} is the limit"


def _device_kinds(group: Group, room: Room, _seating: Seating) -> Reasons:
    for kind in group.holding.devices:
        if not room.host.devices.get(kind):
            yield f"{kind} none there, {_number(group.holding.devices[kind])} asked"


def _data(group: Group, room: Room, seating: Seating) -> Reasons:
    """A local volume is where it is: its service follows it."""
    for volume in dict.fromkeys(volume for ask in group.asks for volume in ask.volumes):
        homes = seating.homes_of_volumes[volume]
        if homes and room.name not in homes:
            yield f"volume {volume} is on {', '.join(homes)}"
    for home in group.bound:
        if room.name != home:
            yield f"its anonymous volume is on {home}"


def _storage(group: Group, room: Room, seating: Seating) -> Reasons:
    """A cluster volume can be mounted only where the cluster storage is."""
    reason = seating.situation.unreached.get(room.name)
    if reason and any(ask.pooled for ask in group.asks):
        yield f"storage {reason}"


def _namespaces(group: Group, room: Room, seating: Seating) -> Reasons:
    for ask in group.asks:
        for name in ask.beside:
            there = "" if name in group.kind else seating.place_of_first(name)
            if there and there != room.name:
                yield f"shares namespaces with {name}, which is on {there}"
        for container in ask.attached:
            there = seating.place_of_container(container)
            if there and there != room.name:
                yield f"uses container {container}, which is on {there}"


def _most(group: Group, room: Room, _seating: Seating) -> Reasons:
    for service, ask in _by_service(group).items():
        here, more = room.services[service], group.kind.count(service)
        if 0 < ask.most < here + more:
            yield f"has {here} of {service}, {ask.most} is the most"


def near(group: Group, room: Room, seating: Seating) -> Reasons:
    """What a service must be near. The service itself is in one place, wherever its first is."""
    for service, ask in _by_service(group).items():
        for name in ask.near:
            if name == service:
                apart = seating.seated(name) and not room.services[name]
            else:
                apart = not (name in group.kind or room.services[name] or seating.to_come(name))
            if apart:
                yield f"has no {name}, which {service} must be near"


def _away(group: Group, room: Room, seating: Seating) -> Reasons:
    for service, ask in _by_service(group).items():
        for name in ask.away:
            others = group.kind.count(name) - (name == service)
            if room.services[name] or others:
                yield f"has {name}, which {service} must be away from"
    for name in seating.shy:
        if room.services[name]:
            for service in _by_service(group):
                if service in seating.asks[name].away and name not in group.kind:
                    yield f"has {name}, which must be away from {service}"


def _cpu(group: Group, room: Room, _seating: Seating) -> Reasons:
    asked = group.holding.cpus
    if asked and room.host.cores and asked > room.free_cpus:
        yield f"cpu {_cpus(room.free_cpus)} free, {_cpus(asked)} asked"


def _memory(group: Group, room: Room, _seating: Seating) -> Reasons:
    asked = group.holding.memory
    if asked and room.host.cores and asked > room.free_memory:
        yield f"memory {show_size(max(room.free_memory, 0))} free, {show_size(asked)} asked"


def _devices(group: Group, room: Room, _seating: Seating) -> Reasons:
    for kind, number in group.holding.devices.items():
        free, total = room.free_devices(kind), room.host.devices.get(kind, 0)
        if total and (free < total if number == ALL else free < number):
            yield f"{kind} {max(free, 0)} of {total} free, {_number(number)} asked"


def _ports(group: Group, room: Room, _seating: Seating) -> Reasons:
    objection = room.ports.objection(group.ports)
    if objection:
        yield objection


def _addresses(group: Group, _room: Room, seating: Seating) -> Reasons:
    """A network is the same on every host: where its addresses are all taken, none helps."""
    if not seating.addresses:
        return
    wanted = Counter(key for ask in group.asks for key in ask.networks)
    for key, number in wanted.items():
        room = seating.addresses.get(key)
        if room is not None and seating.attached[key] + number > room:
            yield f"network {key} has addresses for {room} replicas"


STANDING: tuple[Filter, ...] = (
    _constraints,
    _platform,
    _api,
    _cores,
    _device_kinds,
    _data,
    _storage,
    _namespaces,
)
CHANGING: tuple[Filter, ...] = (_most, near, _away, _cpu, _memory, _devices, _ports, _addresses)


def first_objection(group: Group, room: Room, seating: Seating, *, at_home: bool = False) -> str:
    """The first thing in the way; empty where nothing is."""
    return next(objections(group, room, seating, at_home=at_home), "")


def objections(group: Group, room: Room, seating: Seating, *, at_home: bool = False) -> Reasons:
    """All that speaks against the host; of a closed one, that it is closed."""
    if room.host.state is HostState.ACTIVE or at_home:
        yield from standing(group, room, seating, at_home=at_home)
        yield from changing(group, room, seating)
    else:
        yield f"is {room.host.state.value}"


def _by_service(group: Group) -> Mapping[str, Ask]:
    return dict(zip(group.kind, group.asks, strict=True))


def _cpus(billionths: int) -> str:
    """`0.5`, `2.0`, `0.125`."""
    text = f"{max(billionths, 0) / NANO:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _number(number: int) -> str:
    return "all" if number == ALL else str(number)
