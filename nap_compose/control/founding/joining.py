"""Who joins whom in a swarm, who manages it, and who leaves: the plan is pure, a thin shell carries
it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from nap_compose.cluster.engine import Engine, EngineError, Engines, Json
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

PORT = 2377
"""Where a swarm's managers listen (Docker's default)."""

LISTEN = f"0.0.0.0:{PORT}"

PATIENCE = 60.0
"""How long a swarm may take until it has a leader and knows a new node, seconds."""

MANAGER, WORKER = "manager", "worker"

T = TypeVar("T")


@dataclass(frozen=True)
class Join:
    """One host's way into the swarm: as a manager or a worker, `through` a manager; empty: it
    begins the swarm."""

    host: str
    manager: bool
    through: str = ""

    @property
    def text(self) -> str:
        """What was done, in one sentence."""
        if not self.through:
            return f"{self.host} began a swarm, for its networks"
        return f"{self.host} joined it as a {MANAGER if self.manager else WORKER}"


@dataclass(frozen=True)
class Role:
    """A node of the swarm, by its id, that becomes a manager or a worker."""

    host: str
    node: str
    manager: bool

    @property
    def text(self) -> str:
        """What was done, in one sentence."""
        return f"{self.host} is a {MANAGER if self.manager else WORKER} of the swarm now"


def managers_for(hosts: int) -> int:
    """How many managers so many hosts should have: an odd number, since a majority must be there
    (Raft); five stand the loss of two."""
    return 1 if hosts < 3 else 3 if hosts < 7 else 5


def joins(view: View) -> tuple[Join, ...]:
    """What brings the hosts of a view into one swarm; nothing for one host alone, or for hosts
    that share a cluster store.

    Raises NapError where they are in several swarms, or where no manager can be joined.
    """
    hosts = view.hosts
    outside = [name for name, host in hosts.items() if not host.swarm.cluster]
    if len(hosts) < 2 or not outside or any(host.cluster_store for host in hosts.values()):
        return ()
    swarms = {host.swarm.cluster for host in hosts.values() if host.swarm.cluster}
    if len(swarms) > 1:
        raise NapError(
            "the hosts are in several swarms",
            hint="take the hosts of all but one out with `docker swarm leave`",
        )
    through = next((name for name, host in hosts.items() if host.swarm.control), "")
    if swarms and not through:
        raise NapError(
            "none of these hosts is a manager of the swarm that some of them are in",
            hint="name its managers too, or take the hosts out with `docker swarm leave`",
        )
    managers = max(host.swarm.managers for host in hosts.values()) if swarms else 0
    return tuple(_each(outside, through, managers_for(len(hosts)) - managers))


def roles(view: View, *, without: str = "") -> tuple[Role, ...]:
    """Which hosts of the swarm change their role, so that it has as many managers as it should;
    `without` is a host of the view that is about to leave. Who becomes a manager stands first:
    there is a majority at any time.
    """
    there = {name: host.swarm for name, host in view.hosts.items() if host.swarm.cluster}
    managing = [name for name, swarm in there.items() if swarm.control]
    if not managing:
        return ()
    staying = [name for name in managing if name != without]
    spare = [name for name in there if name not in managing and name != without]
    counted = max(swarm.managers for swarm in there.values()) - (without in managing)
    missing = managers_for(len(view.hosts) + len(view.unseen) - bool(without)) - counted
    more = [Role(name, there[name].node, manager=True) for name in spare[: max(missing, 0)]]
    fewer = staying[len(staying) + missing :] if missing < 0 else []
    if without in managing:
        fewer = [*fewer, without]
    return (*more, *(Role(name, there[name].node, manager=False) for name in fewer))


def _each(outside: Sequence[str], through: str, wanted: int) -> Iterator[Join]:
    for number, name in enumerate(outside):
        yield Join(name, number < wanted, through)
        through = through or name


def carry_out(
    planned: Sequence[Join], engines: Engines, addresses: Mapping[str, str]
) -> Iterator[str]:
    """Join one host after another; gives a sentence for each. Raises NapError, EngineAway.

    `addresses` are the hosts' IP addresses, at which they reach each other.
    """
    for join in planned:
        engine = engines.on(join.host)
        own = {"ListenAddr": LISTEN, "AdvertiseAddr": addresses[join.host]}
        try:
            if join.through:
                manager = engines.on(join.through)
                token = _token(manager, manager_role=join.manager)
                remote = [f"{addresses[join.through]}:{PORT}"]
                engine.join_swarm({**own, "RemoteAddrs": remote, "JoinToken": token})
            else:
                engine.init_swarm(own)
        except EngineError as error:
            raise NapError(
                f"it can't be joined in the swarm: {error.message}",
                host=join.host,
                hint=f"TCP {PORT} and TCP and UDP 7946 must be open between the hosts",
            ) from error
        yield join.text


def give_roles(planned: Sequence[Role], manager: Engine) -> Iterator[str]:
    """Have the nodes be what they are to be, over an engine that manages the swarm and stays so;
    gives a sentence for each. Raises NapError, EngineAway."""
    for role in planned:
        wanted = MANAGER if role.manager else WORKER
        _give(manager, role.node, wanted)
        yield role.text


def _give(manager: Engine, node: str, wanted: str) -> None:
    _at_last(lambda: manager.set_role(_node(manager, node), wanted))
    until = time.monotonic() + PATIENCE
    # A manager that was made is one when it has joined the others, one that was unmade when it has
    # left them.
    while bool(_at_last(lambda: _node(manager, node)).get("ManagerStatus")) != (wanted == MANAGER):
        if time.monotonic() > until:
            raise NapError(f"a node of the swarm is no {wanted} after {PATIENCE:g} s")
        time.sleep(0.2)


def balanced(parts: Parts, *, without: str = "") -> Iterator[str]:
    """Have as many managers as there should be, with the hosts as they are now; `without` is one
    that is about to leave. Gives a sentence for each change."""
    view = parts.look(only=frozenset({Part.INFO}))
    planned = roles(view, without=without)
    losing = {role.host for role in planned if not role.manager}
    stay = [name for name, host in view.hosts.items() if host.swarm.control and name not in losing]
    if planned and stay:
        yield from give_roles(planned, parts.engines.on(stay[0]))
    elif planned:  # the only manager goes: who follows it has to be one first
        more = [role for role in planned if role.manager]
        yield from give_roles(more, parts.engines.on(next(iter(losing))))
        rest = [role for role in planned if not role.manager]
        if more:
            yield from give_roles(rest, parts.engines.on(more[0].host))


def forget(manager: Engine, node: str) -> None:
    """Have the swarm forget a node that has left or is gone; one that still manages it is unmade
    first. Harmless where it is forgotten already. Raises NapError, EngineAway."""
    known = {each["ID"]: each for each in _at_last(manager.nodes)}
    if node not in known:
        return
    if known[node].get("ManagerStatus"):
        _at_last(lambda: manager.set_role(_node(manager, node), WORKER))
    _at_last(lambda: manager.remove_node(node))


def _node(manager: Engine, node: str) -> Json:
    found = next((each for each in manager.nodes() if each["ID"] == node), None)
    if found is None:
        raise NapError("the swarm doesn't know this host any more", host=manager.host)
    return found


def _token(manager: Engine, *, manager_role: bool) -> str:
    """The secret that lets a host join."""
    tokens = _at_last(lambda: manager.swarm()["JoinTokens"])
    return str(tokens["Manager" if manager_role else "Worker"])


def _at_last(ask: Callable[[], T]) -> T:
    """What comes of asking a swarm which may still elect its leader, or take in a change."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except EngineError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)
