"""Where replicas would be better off than where they are: what a rebalance moves. Pure.

A replica is moved for what a person would see: a wish met, a fuller zone, host or app thinned out.
Each move makes the whole more even by the same measure, so it comes to an end, and what is even
stays as it is. Nothing is moved that keeps data on its host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace

from nap_compose.cluster.holding import Holding
from nap_compose.cluster.view import ContainerView, HostState, View
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.placement.asks import read_asks
from nap_compose.orchestration.placement.desk import Desk
from nap_compose.orchestration.placement.filters import objections
from nap_compose.orchestration.placement.groups import Group, tied
from nap_compose.orchestration.placement.repair import badly_seated
from nap_compose.orchestration.placement.room import Room
from nap_compose.orchestration.placement.seating import Seating
from nap_compose.orchestration.placement.situation import OFTEN, Situation
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

ROUNDS = 20
"""How often all apps are gone through at most."""
WORTH = 5
"""A host must become less promised by so many hundredths, or a move isn't worth its while."""


@dataclass(frozen=True)
class Standing:
    """An app as it runs, and what placement is told of it."""

    app: App
    situation: Situation


@dataclass(frozen=True)
class Better:
    """What of one app should move (replica → host), and what would be better off elsewhere but
    stays, with the reason."""

    moves: Mapping[Slot, str] = field(default_factory=dict)
    stays: Mapping[Slot, str] = field(default_factory=dict)


def balance(standing: Sequence[Standing], view: View) -> list[Better]:
    """For each app what should move, all in all each replica once; later moves may need those of
    earlier apps."""
    moves: list[dict[Slot, str]] = [{} for _ in standing]
    found: list[Better] = [Better() for _ in standing]
    for _ in range(ROUNDS):
        settled = True
        for number, each in enumerate(standing):
            situation = replace(each.situation, view=view)
            better = better_places(each.app, situation)
            found[number] = better
            if better.moves:
                settled = False
                moves[number].update(better.moves)
                view = moved(view, containers_of(situation, each.app, better.moves))
        if settled:
            break
    homes = [_homes(each) for each in standing]
    return [
        Better(
            {slot: host for slot, host in mine.items() if host != home[slot]},
            {slot: why for slot, why in better.stays.items() if slot not in mine},
        )
        for mine, better, home in zip(moves, found, homes, strict=True)
    ]


def better_places(app: App, situation: Situation) -> Better:
    """What of one app should move now, and what would, but stays."""
    asks = read_asks(app, situation)
    seating = Seating(app, situation, asks)
    desk = Desk(seating)
    seen = [slot for slot in sorted(seating.home) if slot.service in app.services]
    groups = tied(seen, asks, seating.homes_of_volumes, seating.bound)
    for group in groups:
        desk.seat(group, seating.by_name[seating.home[group.slots[0]]], "is there already")
    moves: dict[Slot, str] = {}
    stays: dict[Slot, str] = {}
    scale = Scale(desk)
    for _ in range(ROUNDS):
        settled = True
        for group in groups:
            if any(app.services[name].everywhere for name in group.kind):
                continue
            room, why = scale.better(group, app)
            for slot in group.slots:
                stays.pop(slot, "")
                if room is not None:
                    settled = False
                    moves[slot] = room.name
                elif why:
                    stays[slot] = why
        if settled:
            break
    return Better({slot: host for slot, host in moves.items() if host != seating.home[slot]}, stays)


def moved(view: View, containers: Mapping[str, str]) -> View:
    """The view as it will be once these containers (by id) are on other hosts."""
    if not containers:
        return view
    arriving: dict[str, list[ContainerView]] = {}
    for container in view.containers():
        if container.id in containers:
            host = containers[container.id]
            arriving.setdefault(host, []).append(replace(container, host=host))
    hosts = {
        name: replace(
            host,
            containers=(
                *(each for each in host.containers if each.id not in containers),
                *arriving.get(name, ()),
            ),
        )
        for name, host in view.hosts.items()
    }
    return replace(view, hosts=hosts)


def containers_of(situation: Situation, app: App, moves: Mapping[Slot, str]) -> dict[str, str]:
    """The containers (by id) that stand for these moves, each with the host it is to go to."""
    return {
        container.id: moves[slot]
        for container in situation.view.of_app(situation.owner, app.name)
        if container.identity is not None and not container.identity.oneoff
        for slot in [Slot(container.identity.service, container.identity.replica)]
        if slot in moves
    }


class Scale:
    """Weighs the host that a group is on against the others."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seating = desk.seating

    def better(self, group: Group, app: App) -> tuple[Room | None, str]:
        """Where the group should go, and does; or why it stays, though another host is better."""
        home = self.desk.unseat(group)
        room, why = self._choose(group, home, app)
        reason = self.desk.reasons[group]
        self.desk.seat(group, room or home, reason)
        return room, why

    def _choose(self, group: Group, home: Room, app: App) -> tuple[Room | None, str]:
        if home.host.state is not HostState.ACTIVE:
            return None, ""
        first = ""
        for room in self._lighter(group, home):
            against = "; ".join(objections(group, room, self.seating)) or self._parted(group, room)
            keeps = _what_it_keeps(group, home, app)
            if not against and not keeps:
                return room, ""
            first = first or f"{room.name} has less to do, but {against or keeps}"
        return None, first

    def _lighter(self, group: Group, home: Room) -> Iterator[Room]:
        """The hosts on which the group would be better off, the best first."""
        marks = list(self.desk.scores.marks(group))
        here = self._spread(group, home)
        for room in sorted(self.seating.rooms, key=lambda room: marks[room.index]):
            unsteady = self.seating.situation.failures.get(room.name, 0) >= OFTEN
            if room is home or unsteady or room.host.state is not HostState.ACTIVE:
                continue
            there = self._spread(group, room)
            if there < here or (there == here and self._is_emptier(group, room, home)):
                yield room

    def _spread(self, group: Group, room: Room) -> tuple[int, ...]:
        return (self._unmet(group, room), *self.desk.scores.spread(group, room))

    def _is_emptier(self, group: Group, room: Room, home: Room) -> bool:
        if self.desk.scores.pack:
            return False
        now = max(room.fullness, home.fullness_with(group.holding))
        then = max(home.fullness, room.fullness_with(group.holding))
        if group.holding != Holding() and then != now:
            return then <= now - WORTH
        return room.load < home.load

    def _unmet(self, group: Group, room: Room) -> int:
        """How many wishes of the app aren't met with the group there."""
        if not any(ask.rather_near or ask.rather_away for ask in self.seating.asks.values()):
            return 0
        with self._seated(group, room):
            return self.desk.scores.unmet()

    def _parted(self, group: Group, room: Room) -> str:
        """Who would no longer be near what it must be near, with the group there."""
        if not any(ask.near for ask in self.seating.asks.values()):
            return ""
        with self._seated(group, room):
            lonely = badly_seated(self.seating)
        return f"{lonely[0]} would be too far from what it must be near" if lonely else ""

    @contextmanager
    def _seated(self, group: Group, room: Room) -> Iterator[None]:
        self.seating.seat(group, room)
        yield
        self.seating.unseat(group)


def _what_it_keeps(group: Group, home: Room, app: App) -> str:
    """What of the group is on its host alone though no volume says so; empty where nothing is."""
    for name in group.kind:
        service = app.services[name]
        if service.job:
            return f"{name} runs to its end where it began"
        if written := _written(service):
            return f"{name} writes to {written} of {home.name}"
    return ""


def _written(service: Service) -> str:
    """A path of the host that the service writes to."""
    return next(
        (mount.source for mount in service.mounts if mount.type == "bind" and not mount.read_only),
        "",
    )


def _homes(standing: Standing) -> dict[Slot, str]:
    situation = standing.situation
    return {
        Slot(each.identity.service, each.identity.replica): each.host
        for each in situation.view.of_app(situation.owner, standing.app.name)
        if each.identity is not None and not each.identity.oneoff
    }
