"""What placement comes to: a host for each replica, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.explanation import Explanation
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

MOST_HOSTS = 30
"""Lines of a table of reasons; beyond, hosts with the same kind of reason are counted."""


MOST_REPLICAS = 10
"""So many replicas without room are named; beyond, they are counted: a person reads no more."""


@dataclass(frozen=True)
class Choice:
    """The host of a replica, and in a few words why it was chosen."""

    host: str
    reason: str


@dataclass(frozen=True)
class Placement:
    """Replica → host. `unseen` are replicas last known on hosts that didn't answer: they keep
    their slots, and nothing is done about them. `why` explains the services that were asked
    about."""

    choices: Mapping[Slot, Choice]
    unseen: Mapping[Slot, str] = field(default_factory=dict)
    why: tuple[Explanation, ...] = ()


class NoRoom(NapError):
    """Replicas that no host can take, each with its reasons: host → sentence.

    `slot` and `table` are the first one's; `untold` is how many more there are.
    """

    exit_code = Exit.NO_ROOM

    def __init__(self, tables: Mapping[Slot, Mapping[str, str]], untold: int = 0) -> None:
        super().__init__("\n".join(_message(tables, untold)))
        self.tables = tables
        self.slot, self.table = next(iter(tables.items()))


def _message(tables: Mapping[Slot, Mapping[str, str]], untold: int) -> Iterator[str]:
    """A block for each table; replicas with the same one share it."""
    alike: dict[tuple[tuple[str, str], ...], list[Slot]] = {}
    for slot, table in tables.items():
        alike.setdefault(tuple(table.items()), []).append(slot)
    for rows, slots in alike.items():
        if not rows:
            yield "no host answers"
            continue
        yield f"no host has room for {_named(slots, untold if len(alike) == 1 else 0)}"
        width = max(len(host) for host, _ in rows[:MOST_HOSTS])
        yield from (f"  {host:<{width}}  {why}" for host, why in rows[:MOST_HOSTS])
        yield from _counted(rows[MOST_HOSTS:])
    if untold and len(alike) > 1:
        yield f"nor for {untold} more"


def _named(slots: list[Slot], untold: int) -> str:
    """The first replicas by name, and how many there are besides."""
    more = len(slots[MOST_REPLICAS:]) + untold
    named = ", ".join(str(slot) for slot in slots[:MOST_REPLICAS])
    return f"{named} and {more} more" if more else named


def _counted(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """How many more hosts have which kind of reason: `and 12 more: 9 cpu, 3 port`."""
    kinds: dict[str, int] = {}
    for _, why in rows:
        kind = why.partition(" ")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    if kinds:
        yield f"  and {len(rows)} more: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
