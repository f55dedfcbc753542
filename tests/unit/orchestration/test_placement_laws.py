"""Laws of placement, over random clusters and apps."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nap_compose.cluster.view import ContainerView, HostState, HostView, PublishedPort, VolumeView
from nap_compose.compose.model import App
from nap_compose.orchestration.placement.asks import holding_of
from nap_compose.orchestration.placement.balance import Standing, balance, containers_of, moved
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.repair import Repair
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot, select
from tests.support.views import app, container, foreign, host, view

Spots = Mapping[Slot, str]
STATES = (*itertools.repeat(HostState.ACTIVE, 7), HostState.CORDONED)
GIB = 1 << 30


# -- random clusters and apps ----------------------------------------------------------------------


@st.composite
def hosts(draw: st.DrawFn, most: int = 5) -> tuple[HostView, ...]:
    return tuple(draw(a_host(f"h{n}")) for n in range(1, draw(st.integers(1, most)) + 1))


@st.composite
def a_host(draw: st.DrawFn, name: str, *, empty: bool = False) -> HostView:
    held = [] if empty else draw(st.sampled_from(((), (), (), (80,), (81,))))
    volumes = [] if empty else draw(st.sampled_from(((), (), (), (), ("shop_data",))))
    return host(
        name,
        [foreign(f"other{port}", name, port) for port in held],
        state=HostState.ACTIVE if empty else draw(st.sampled_from(STATES)),
        labels={"zone": draw(st.sampled_from("ab"))},
        cores=draw(st.integers(1, 4)),
        cpus=float(draw(st.integers(1, 4))),
        memory=draw(st.integers(1, 4)) * GIB,
        devices={"gpu": draw(st.integers(0, 2))},
        volumes=tuple(VolumeView(volume, name) for volume in volumes),
    )


NAMES = ("web", "db", "cache")


@st.composite
def apps(draw: st.DrawFn, replicas: int = 6, modes: tuple[str, ...] = ("replicated",)) -> App:
    names = NAMES[: draw(st.integers(1, 3))]
    left = replicas
    services: dict[str, Any] = {}
    for name in names:
        services[name] = draw(a_service(name, names, min(left, 3), modes))
        left -= services[name]["deploy"]["replicas"]
    return app(services, volumes={"data": {"name": "shop_data"}})


@st.composite
def a_service(
    draw: st.DrawFn, name: str, names: tuple[str, ...], most: int, modes: tuple[str, ...]
) -> dict[str, Any]:
    def maybe(value: st.SearchStrategy[Any]) -> Any:
        return draw(value) if draw(st.integers(0, 4)) == 0 else None

    mode = draw(st.sampled_from(modes))
    reserved = {
        "cpus": draw(st.sampled_from((0, 0.5, 1, 1.5, 2))),
        "memory": maybe(st.sampled_from(("1g", "2g"))),
        "devices": maybe(st.just([{"capabilities": ["gpu"], "count": 1}])),
    }
    placement = {
        "constraints": maybe(
            st.sampled_from(
                (["node.labels.zone == a"], ["node.labels.zone != a"], ["node.hostname != h1"])
            )
        ),
        "max_replicas_per_node": maybe(st.integers(1, 2)),
        "preferences": maybe(st.just([{"spread": "node.labels.zone"}])),
    }
    wish = st.lists(
        st.sampled_from(names)
        | st.sampled_from(names).map(lambda n: {"service": n, "required": False}),
        max_size=2,
    )
    xnap = {"affinity": maybe(wish), "anti_affinity": maybe(wish)}
    spec: dict[str, Any] = {
        "deploy": {
            "mode": mode,
            "replicas": draw(st.integers(min(1, most), most)),
            "placement": _given(placement),
            "resources": {"reservations": _given(reserved)},
        },
        "x-nap": _given(xnap),
    }
    port = maybe(st.sampled_from(("80", "80-81", "81")))
    if port:
        spec["ports"] = [{"target": 80, "published": port, "protocol": "tcp"}]
    if maybe(st.just(True)):
        spec["volumes"] = [{"type": "volume", "source": "data", "target": "/data"}]
    parent = maybe(st.sampled_from(names))
    if parent and names.index(parent) < names.index(name) and mode == "replicated":
        spec["network_mode"] = f"service:{parent}"
        spec["networks"] = {}
    return spec


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def situation(*seen: HostView, **more: Any) -> Situation:
    return Situation(view(*seen), "", "shop", **more)


def spots(of: App, where: Situation) -> dict[Slot, str] | None:
    """Where the replicas go; None where there is no room."""
    try:
        placement = place(of, select(of, ()), where)
    except NoRoom:
        return None
    return {slot: choice.host for slot, choice in placement.choices.items()}


# -- the filters, written down once more, as what must be true of a whole placement


def faults(of: App, seen: Mapping[str, HostView], where: Spots) -> Iterator[str]:
    """What is wrong with a placement onto hosts that have nothing of the app."""
    for name, there in seen.items():
        here = [slot for slot in where if where[slot] == name]
        yield from _host_faults(of, there, here)
    for slot, name in where.items():
        yield from _slot_faults(of, seen, where, slot, name)


def _host_faults(of: App, there: HostView, here: list[Slot]) -> Iterator[str]:
    holdings = [holding_of(of.services[slot.service]) for slot in here]
    if here and there.state is not HostState.ACTIVE:
        yield f"{there.name} is {there.state}"
    if sum(each.cpus for each in holdings) > there.cpus * 1e9 and any(h.cpus for h in holdings):
        yield f"too many cpus on {there.name}"
    if sum(each.memory for each in holdings) > there.memory:
        yield f"too much memory on {there.name}"
    if sum(each.devices.get("gpu", 0) for each in holdings) > there.devices["gpu"]:
        yield f"too many gpus on {there.name}"
    if not _ports_fit(of, there, here):
        yield f"ports on {there.name}"
    for name, service in of.services.items():
        number = sum(slot.service == name for slot in here)
        most = service.spec["deploy"]["placement"].get("max_replicas_per_node") or number
        if number > most:
            yield f"too many of {name} on {there.name}"


def _ports_fit(of: App, there: HostView, here: list[Slot]) -> bool:
    """Whether each published port or range gets a port of its own."""
    held = {port.port for each in there.containers for port in each.ports}
    choices = []
    for slot in here:
        for port in of.services[slot.service].ports:
            first, _, last = port.published.partition("-")
            choices.append(range(int(first), int(last or first) + 1))
    return any(
        len(set(taken)) == len(taken) and not held & set(taken)
        for taken in itertools.product(*choices)
    )


def _slot_faults(
    of: App, seen: Mapping[str, HostView], where: Spots, slot: Slot, name: str
) -> Iterator[str]:
    service = of.services[slot.service]
    there = seen[name]
    on_host = {other.service for other in where if where[other] == name and other != slot}
    for constraint in service.spec["deploy"]["placement"].get("constraints", ()):
        key, sign, value = constraint.split()
        actual = there.labels["zone"] if key.endswith("zone") else there.name
        if (actual == value) != (sign == "=="):
            yield f"{slot} against {constraint}"
    for other in _firm(service.spec, "affinity"):
        same = [each for each in where if each.service == other]
        if other == slot.service and any(where[each] != name for each in same):
            yield f"{slot} is not with all {other}"
        if other != slot.service and not any(where[each] == name for each in same):
            yield f"{slot} is not near {other}"
    for other in _firm(service.spec, "anti_affinity"):
        if other in on_host:
            yield f"{slot} is not away from {other}"
    parent = str(service.spec.get("network_mode", "")).removeprefix("service:")
    if parent and where.get(Slot(parent, 1), name) != name:
        yield f"{slot} is not with {parent}.1"
    if service.mounts:
        homes = {h.name for h in seen.values() if h.volumes}
        sharing = {where[each] for each in where if of.services[each.service].mounts}
        if (homes and name not in homes) or (not homes and len(sharing) > 1):
            yield f"{slot} is away from its data"


def _firm(spec: Mapping[str, Any], key: str) -> list[str]:
    return [entry for entry in spec["x-nap"].get(key, ()) if isinstance(entry, str)]


def every_way(of: App, seen: Mapping[str, HostView]) -> Spots | None:
    """A placement without a fault, by trying all; None where there is none."""
    slots = [
        Slot(name, number)
        for name, service in of.services.items()
        for number in range(1, service.replicas + 1)
    ]

    def descend(where: dict[Slot, str]) -> Spots | None:
        if len(where) == len(slots):
            return where if next(faults(of, seen, where), None) is None else None
        slot = slots[len(where)]
        for name, there in seen.items():
            here = [other for other in where if where[other] == name]
            if next(_host_faults(of, there, [*here, slot]), None) is None:
                found = descend({**where, slot: name})
                if found is not None:
                    return found
        return None

    return descend({})


# -- what runs afterwards --------------------------------------------------------------


def carried_out(of: App, seen: tuple[HostView, ...], where: Spots) -> tuple[HostView, ...]:
    """The hosts once the placement is carried out."""
    return tuple(
        replace(
            there,
            containers=(
                *there.containers,
                *(_made(of, slot, there.name) for slot in where if where[slot] == there.name),
            ),
            volumes=there.volumes or _new_volume(of, there.name, where),
        )
        for there in seen
    )


def _made(of: App, slot: Slot, name: str) -> ContainerView:
    """The container of a slot. What the engine takes of a range isn't ours to choose."""
    service = of.services[slot.service]
    fixed = [port.fixed() for port in service.ports]
    return replace(
        container(str(slot), name),
        ports=tuple(PublishedPort(number, 80) for number in fixed if number is not None),
        holding=holding_of(service),
    )


def _new_volume(of: App, name: str, where: Spots) -> tuple[VolumeView, ...]:
    mounted = any(of.services[slot.service].mounts for slot in where if where[slot] == name)
    return (VolumeView("shop_data", name),) if mounted else ()


LAW = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # The same cases each time: in larger ones the search is bounded, and may end without an answer.
    derandomize=True,
)
SMALL = settings(LAW, max_examples=300)


@LAW
@given(apps(), hosts())
def test_no_filter_is_ever_violated(of: App, seen: tuple[HostView, ...]) -> None:
    where = spots(of, situation(*seen))
    if where is not None:
        assert list(faults(of, {each.name: each for each in seen}, where)) == []
        assert len(where) == sum(service.replicas for service in of.services.values())


@LAW
@given(apps(modes=("replicated", "global", "replicated-job")), hosts(), st.randoms())
def test_the_order_of_the_hosts_makes_no_difference(
    of: App, seen: tuple[HostView, ...], chance: Any
) -> None:
    mixed = list(seen)
    chance.shuffle(mixed)
    assert _answer(of, situation(*seen)) == _answer(of, situation(*mixed))


def _answer(of: App, where: Situation) -> object:
    where = replace(where, why=frozenset(of.services))
    try:
        return place(of, select(of, ()), where)
    except NoRoom as error:
        return {slot: dict(sorted(table.items())) for slot, table in error.tables.items()}


@LAW
@given(apps(replicas=8), hosts(), st.integers(0, 9), st.data())
def test_one_more_host_never_leaves_less_room(
    of: App, seen: tuple[HostView, ...], number: int, data: st.DataObject
) -> None:
    if spots(of, situation(*seen)) is not None:
        more = data.draw(a_host(f"h{number}x", empty=True))
        assert spots(of, situation(*seen, more)) is not None


@SMALL
@given(apps(replicas=6), hosts(most=4))
def test_a_way_is_found_wherever_there_is_one(of: App, seen: tuple[HostView, ...]) -> None:
    by_name = {each.name: each for each in seen}
    assert (spots(of, situation(*seen)) is None) == (every_way(of, by_name) is None)


@LAW
@given(apps(modes=("replicated", "global", "global-job")), hosts())
def test_an_unchanged_app_stays_where_it_is(of: App, seen: tuple[HostView, ...]) -> None:
    where = spots(of, situation(*seen))
    if where is None:
        return
    after = carried_out(of, seen, where)
    mine = frozenset(c.id for each in after for c in each.containers if c.identity is not None)
    assert spots(of, situation(*after, making_way=mine)) == where


@LAW
@given(apps(), hosts(), st.data())
def test_what_has_changed_moves_only_what_must(
    of: App, seen: tuple[HostView, ...], data: st.DataObject
) -> None:
    """One host is drained: whoever wasn't there stays, as long as there is a way for that."""
    where = spots(of, situation(*seen))
    if not where:
        return
    name = data.draw(st.sampled_from(sorted(set(where.values()))))
    after = tuple(
        replace(each, state=HostState.DRAINED) if each.name == name else each
        for each in carried_out(of, seen, where)
    )
    mine = frozenset(c.id for each in after for c in each.containers if c.identity is not None)
    moved = spots(of, situation(*after, making_way=mine))
    if moved is not None:
        assert name not in moved.values()


def tight(number: int) -> tuple[App, tuple[HostView, ...]]:
    """A few hosts, and services that ask for about all the CPUs and memory there are."""
    chance = random.Random(number)
    seen = tuple(
        host(
            f"h{n}",
            cores=8,
            cpus=chance.choice((1.5, 2.0, 2.5, 3.0)),
            memory=chance.choice((2, 3, 4)) * GIB // 4,
            labels={"zone": chance.choice("ab")},
            devices={"gpu": 0},
        )
        for n in range(1, chance.randint(2, 4) + 1)
    )
    services: dict[str, Any] = {}
    for n in range(chance.randint(4, 6)):
        reserved = {
            "cpus": chance.choice((0.5, 1, 1.5)),
            "memory": chance.choice(("128m", "256m", "512m")),
        }
        constraints = chance.choice(([], [], ["node.labels.zone == a"]))
        services[f"s{n}"] = {
            "deploy": {
                "placement": {"constraints": constraints},
                "resources": {"reservations": reserved},
            },
            "x-nap": {},
        }
    return app(services), seen


def test_tight_fits_are_found_by_the_search_where_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [tight(number) for number in range(300)]
    ways = [every_way(of, {each.name: each for each in seen}) is not None for of, seen in cases]
    assert [spots(of, situation(*seen)) is not None for of, seen in cases] == ways
    monkeypatch.setattr(Repair, "seat", lambda *_: False)
    greedy = [spots(of, situation(*seen)) is not None for of, seen in cases]
    assert sum(ways) - sum(greedy) >= 3, "these cases don't try the search"


@LAW
@given(apps(), hosts(), st.data())
def test_nothing_moves_for_a_nicer_score(
    of: App, seen: tuple[HostView, ...], data: st.DataObject
) -> None:
    """An empty host joins: what runs stays where it is."""
    where = spots(of, situation(*seen))
    if where is None:
        return
    after = (*carried_out(of, seen, where), data.draw(a_host("h0", empty=True)))
    mine = frozenset(c.id for each in after for c in each.containers if c.identity is not None)
    assert spots(of, situation(*after, making_way=mine)) == where


@LAW
@given(apps(), hosts(), st.data())
def test_a_rebalance_breaks_no_filter_and_a_second_one_moves_nothing(
    of: App, seen: tuple[HostView, ...], data: st.DataObject
) -> None:
    """An empty host joins, and what runs is spread anew."""
    where = spots(of, situation(*seen))
    if where is None:
        return
    after = (*carried_out(of, seen, where), data.draw(a_host("h0", empty=True)))
    mine = frozenset(c.id for each in after for c in each.containers if c.identity is not None)
    now = situation(*after, making_way=mine)
    (better,) = balance([Standing(of, now)], now.view)
    then = {**where, **better.moves}
    assert spots(of, replace(now, moves=better.moves)) == then
    volumes = {each.name: each.volumes for each in after}
    bare = {each.name: replace(each, volumes=volumes[each.name]) for each in (*seen, after[-1])}
    assert list(faults(of, bare, then)) == []
    view_then = moved(now.view, containers_of(now, of, better.moves))
    (again,) = balance([Standing(of, replace(now, view=view_then))], view_then)
    assert again.moves == {}
