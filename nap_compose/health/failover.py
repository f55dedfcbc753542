"""What is to be done about hosts that don't answer, and about those that came back. Pure.

The watcher hands in what it knows, does what is decided, looks again, and asks again: each act may
be cut off anywhere, and the next decision starts from what is there then.

The rules: a host is lost when its engine has been silent for long enough and Consul says that it
failed, or when there is proof. Silence with Consul saying that the host is alive means that its
engine is down; a host that Consul doesn't know, or that refuses nap, is left to people. Nothing is
done while Consul doesn't answer, while most hosts seem lost at once (then it is nap that is cut
off), nor on an overlay network whose managers have no quorum. What shares a volume with its
successor moves only with proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from nap_compose.health.changes import SlotKey
from nap_compose.health.records import ContainerRecord, Copy, HostHealth
from nap_compose.health.rules import OnLoss, Replace
from nap_compose.plaindata import dataclass

App = tuple[str, str]
"""Owner and name."""

RAN = ("running", "restarting")
"""States that a replica is to be brought back to; what was stopped, or ended, stays so."""


class Word(str, Enum):
    """What Consul says of a host."""

    ALIVE = "alive"
    FAILED = "failed"
    ABSENT = "absent"
    """It left, or has no agent."""
    UNKNOWN = "unknown"
    """Consul didn't answer."""


@dataclass(frozen=True)
class HostSight:
    """A host as the watcher sees it: whether its engine `answers`, or `refuses` nap; for how many
    seconds it has been silent; what Consul says; whether it is proved to be gone, and whether it
    has a fence that could be tried now."""

    name: str
    answers: bool = True
    refuses: bool = False
    silent: float = 0.0
    consul: Word = Word.ALIVE
    proved: bool = False
    fence: bool = False
    why: str = ""


@dataclass(frozen=True)
class SlotSight:
    """A slot: its record, what its service says of loss, and whether it is to run (nobody stopped
    it). `guarded`: its engine would not start it by itself."""

    record: ContainerRecord
    loss: OnLoss
    wanted: bool = True
    guarded: bool = True

    @property
    def app(self) -> App:
        """Whose it is."""
        return self.record.owner, self.record.app


@dataclass(frozen=True)
class World:
    """All that is known at a moment. `quorum` is false where nothing can be attached to the apps'
    networks; `busy` are apps that are being deployed or wait after a failure; `room` is how many
    apps may be brought elsewhere besides those at it; `after` is the cluster's own patience."""

    hosts: Mapping[str, HostSight]
    slots: Mapping[SlotKey, SlotSight] = field(default_factory=dict)
    quorum: bool = True
    busy: frozenset[App] = frozenset()
    room: int = 4
    after: float = 60.0


@dataclass(frozen=True)
class MakeElsewhere:
    """Bring these slots of an app to hosts that live; `lost` are the hosts that they were on."""

    app: App
    slots: tuple[SlotKey, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Fence:
    """Turn a host off, since something that shares a volume waits for it."""

    host: str


@dataclass(frozen=True)
class Clear:
    """Take a container away (or stop it) whose successor runs elsewhere."""

    slot: SlotKey
    copy: Copy
    how: str


Act = MakeElsewhere | Fence | Clear


@dataclass(frozen=True)
class Decision:
    """`hosts` says how each one is, and why; `acts` are to be done now; `waits` says of slots and
    hosts that something is wrong and nothing is done, and why. `blind`: nap itself seems cut off.
    """

    hosts: Mapping[str, tuple[HostHealth, str]]
    acts: tuple[Act, ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    blind: str = ""


def decide(world: World) -> Decision:
    """What is to be done now."""
    hosts = {name: judge(host, world.after) for name, host in world.hosts.items()}
    blind = blindness(world)
    if blind:
        return Decision(hosts, (), {"cluster": blind}, blind)
    waits: dict[str, str] = {}
    acts: list[Act] = [*_fences(world, waits), *_moves(world, waits)]
    if not _unsure(world):
        acts += _clearings(world)
    return Decision(hosts, tuple(acts), waits)


def judge(host: HostSight, after: float) -> tuple[HostHealth, str]:
    """How one host is, and a phrase that says why."""
    if host.answers:
        return HostHealth.UP, host.why
    if host.proved:
        return HostHealth.LOST, f"{host.why}; it is proved to be off"
    if host.refuses:
        return HostHealth.REFUSED, host.why
    if host.consul is Word.ALIVE:
        return HostHealth.ENGINE_DOWN, f"{host.why}; Consul says that the host is alive"
    if host.consul is Word.ABSENT:
        return HostHealth.LEFT, f"{host.why}; no Consul agent tells of it, so people must say"
    if host.consul is Word.FAILED and host.silent >= after:
        return HostHealth.LOST, f"{host.why}; Consul says that the host failed"
    return HostHealth.SILENT, host.why


def blindness(world: World) -> str:
    """Why nothing may be concluded at all; empty where something may.

    Hosts that are proved to be gone are no sign: what is left of them says whether nap sees.
    """
    asked = [host for host in world.hosts.values() if not host.proved]
    silent = [host.name for host in asked if not host.answers]
    if 2 * len(silent) > len(asked):
        return (
            f"{len(silent)} of {len(asked)} hosts don't answer: it is rather this machine that is "
            "cut off, so nothing is done"
        )
    return ""


def _unsure(world: World) -> bool:
    return any(host.consul is Word.UNKNOWN for host in world.hosts.values())


def _gone(world: World, name: str, after: float) -> bool:
    """Whether a host counts as lost for whoever waits `after` seconds."""
    host = world.hosts.get(name)
    if host is None or host.answers:
        return False
    if host.proved:
        return True
    return not host.refuses and host.consul is Word.FAILED and host.silent >= after


def _stranded(world: World) -> dict[SlotKey, str]:
    """Slots that are to run and don't, for what happened to a host: slot → the host that must be
    proved to be off where the slot shares a volume; empty where none must.

    One that was made elsewhere and not started counts as well: that was cut off in the middle.
    Where its former host is back, what is left there is stopped before the new one starts.
    """
    found = {}
    for key, slot in world.slots.items():
        record, after = slot.record, slot.loss.after
        if not slot.wanted or slot.loss.replace is Replace.NO:
            continue
        if slot.loss.replace is Replace.WITH_PROOF and not slot.guarded:
            continue  # its engine would start it beside its successor
        if record.state in RAN and _gone(world, record.host, after):
            found[key] = record.host
        elif record.state == "created" and _answers(world, record.host):
            left = {copy.host for copy in record.others} - {record.host}
            away = sorted(host for host in left if not _answers(world, host))
            if left and all(_gone(world, host, after) for host in away):
                found[key] = min(away, key=lambda host: world.hosts[host].proved, default="")
    return found


def _needs_proof(world: World, slot: SlotSight, host: str) -> bool:
    """Whether the slot must wait for proof that the host is off."""
    shares = slot.loss.replace is Replace.WITH_PROOF
    return shares and bool(host) and not world.hosts[host].proved


def _fences(world: World, waits: dict[str, str]) -> list[Act]:
    """The hosts that must be turned off first, each once."""
    if _unsure(world) or not world.quorum:
        return []
    wanted: dict[str, SlotKey] = {}
    for key, host in _stranded(world).items():
        if _needs_proof(world, world.slots[key], host):
            wanted.setdefault(host, key)
            if not world.hosts[host].fence:
                waits[_name(key)] = (
                    f"{world.slots[key].loss.why}; {host} must be proved to be off first: "
                    f"nap host confirm-lost {host}"
                )
    return [Fence(host) for host in wanted if world.hosts[host].fence]


def _moves(world: World, waits: dict[str, str]) -> list[Act]:
    by_app: dict[App, dict[SlotKey, str]] = defaultdict(dict)
    for key, host in _stranded(world).items():
        slot = world.slots[key]
        if _needs_proof(world, slot, host):
            continue
        if _unsure(world):
            waits[_name(key)] = "Consul doesn't answer, so nobody can tell whether the host is lost"
        elif not world.quorum:
            waits[_name(key)] = "the swarm's managers have no quorum, so nothing can be attached"
        else:
            by_app[slot.app][key] = host
    free = [app for app in sorted(by_app) if app not in world.busy]
    return [
        MakeElsewhere(
            app, tuple(sorted(by_app[app])), tuple(sorted({*by_app[app].values()} - {""}))
        )
        for app in free[: max(0, world.room)]
    ]


def _clearings(world: World) -> list[Act]:
    """Containers that the fence says are stale, once the right one serves."""
    found: list[Act] = []
    for key, slot in sorted(world.slots.items()):
        record = slot.record
        if slot.app in world.busy or not _answers(world, record.host):
            continue
        if record.state != "running" or record.health in ("starting", "unhealthy"):
            continue
        for copy in record.others:
            if copy.host != record.host and _answers(world, copy.host):
                if slot.loss.on_return == "stop" and copy.state not in RAN:
                    continue
                found.append(Clear(key, copy, slot.loss.on_return))
    return found


def _answers(world: World, host: str) -> bool:
    sight = world.hosts.get(host)
    return sight is not None and sight.answers


def _name(key: SlotKey) -> str:
    owner, app, service, number = key
    return f"{owner}/{app}/{service}.{number}" if owner else f"{app}/{service}.{number}"
