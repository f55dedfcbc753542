"""The published ports of one host: who holds which, and what still fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from nap_compose.compose.model import Port
from nap_compose.plaindata import dataclass

EVERY_IPV4, EVERY_IPV6 = "0.0.0.0", "::"  # noqa: S104 - compared with, nothing is bound here

Key = tuple[int, str]
Held = tuple[str, str]
"""The address that a port is held on, and by whom."""


@dataclass
class Ports:
    """`held` are ports that are surely taken: by others, and those of seated replicas that name
    just one. `ranges` are what seated replicas have of a range: which of it, the engine chooses.
    `publish_ip` is where ports go that name no address."""

    publish_ip: str = ""
    held: dict[Key, list[Held]] = field(default_factory=dict)
    ranges: list[tuple[Port, str]] = field(default_factory=list)

    def hold(self, number: int, protocol: str, address: str, holder: str) -> None:
        """Somebody has this port."""
        self.held.setdefault((number, protocol), []).append((address, holder))

    def objection(self, asked: Iterable[Port]) -> str:
        """Why the host can't publish all of `asked` as well; empty where it can."""
        if not asked:
            return ""
        new: dict[Key, list[Held]] = {}
        ranges = list(self.ranges)
        for port in asked:
            number = port.fixed()
            if number is None:
                ranges.append((port, "itself"))
                continue
            key = (number, port.protocol)
            holder = self._holder(key, self._address(port), new)
            if holder:
                return f"port {_shown(port)} held by {holder}"
            new.setdefault(key, []).append((self._address(port), "itself"))
        return self._out_of_ranges(ranges, new)

    def take(self, asked: Iterable[Port], holder: str) -> None:
        """A replica has these from now on."""
        for port in asked:
            number = port.fixed()
            if number is None:
                self.ranges.append((port, holder))
            else:
                self.hold(number, port.protocol, self._address(port), holder)

    def give_back(self, asked: Iterable[Port], holder: str) -> None:
        """The replica has them no longer."""
        for port in asked:
            number = port.fixed()
            if number is None:
                self.ranges.remove((port, holder))
            else:
                self.held[number, port.protocol].remove((self._address(port), holder))

    def _out_of_ranges(self, ranges: list[tuple[Port, str]], new: dict[Key, list[Held]]) -> str:
        """Why the ranges can't all have a port; empty where they can.

        Each takes the first that is free, those that end soonest first: so all get one if they
        can at all.
        """
        taken = {key: list(held) for key, held in new.items()}
        for port, _ in sorted(ranges, key=lambda each: (_last(each[0]), each[0])):
            address = self._address(port)
            holders = []
            for key in _keys(port):
                holder = self._holder(key, address, taken)
                if not holder:
                    taken.setdefault(key, []).append((address, "others of its range"))
                    break
                holders.append(holder)
            else:
                return f"port {_shown(port)} held by {', '.join(dict.fromkeys(holders))}"
        return ""

    def _holder(self, key: Key, address: str, more: dict[Key, list[Held]]) -> str:
        held: tuple[Held, ...] = (*self.held.get(key, ()), *more.get(key, ()))
        for theirs, holder in held:
            if _meet(theirs, address):
                return holder
        return ""

    def _address(self, port: Port) -> str:
        return port.host_ip or self.publish_ip


def _meet(one: str, other: str) -> bool:
    """Whether two addresses can't both have a port. An empty one is every address, of both kinds;
    `0.0.0.0` and `::` don't meet."""
    if "" in (one, other) or one == other:
        return True
    same_kind = (":" in one) == (":" in other)
    return same_kind and bool({EVERY_IPV4, EVERY_IPV6} & {one, other})


def _keys(port: Port) -> Iterator[Key]:
    first = int(port.published.partition("-")[0])
    return ((number, port.protocol) for number in range(first, _last(port) + 1))


def _last(port: Port) -> int:
    first, _, last = port.published.partition("-")
    return int(last or first)


def _shown(port: Port) -> str:
    at = f"{port.host_ip}:" if port.host_ip else ""
    return at + port.published + ("" if port.protocol == "tcp" else f"/{port.protocol}")
