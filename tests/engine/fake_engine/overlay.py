"""What several fake engines share: a swarm or a cluster store, and a registry."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.things import Container, Image, Json, Network, full_name

if TYPE_CHECKING:
    from tests.engine.fake_engine.world import World


@dataclass
class Registry:
    """Where fake engines pull from. With a `login`, only who shows it gets anything."""

    images: dict[str, Image] = field(default_factory=dict)
    login: tuple[str, str] | None = None

    def add(self, image: Image) -> Image:
        """Offer an image under its name."""
        self.images[full_name(image.name)] = image
        return image


class Overlay:
    """Networks that reach from engine to engine. `kind` is swarm or consul."""

    def __init__(self, kind: str, managers: int = 3) -> None:
        self.kind = kind
        self.managers = managers
        self.quorum = True
        self.id = secrets.token_hex(12)
        self.lock = threading.RLock()
        self.networks: dict[str, Network] = {}
        self.members: list[World] = []

    @property
    def scope(self) -> str:
        """The scope of its networks."""
        return "swarm" if self.kind == "swarm" else "global"

    def join(self, world: World) -> None:
        """Another engine takes part; the first `managers` of a swarm are managers."""
        self.members.append(world)

    def leads(self, world: World) -> bool:
        """Whether that engine is a manager."""
        return world in self.members[: self.managers]

    def add(self, world: World, network: Network) -> None:
        """Make a network. Raises EngineFault on a worker, and without a quorum."""
        if self.kind == "swarm":
            if not self.leads(world):
                raise EngineFault(
                    503,
                    "This node is not a swarm manager. Worker nodes can't be used to view or "
                    "modify cluster state. Please run this command on a manager node or promote "
                    "the current node to a manager.",
                )
            self.check_quorum()
        self.networks[network.id] = network

    def check_quorum(self) -> None:
        """Raise EngineFault where a swarm has lost its managers."""
        if self.kind == "swarm" and not self.quorum:
            raise EngineFault(
                500,
                "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible "
                "that too few managers are online.",
            )

    def seen_by(self, world: World) -> list[Network]:
        """The networks that this engine lists: a worker only those that it uses."""
        if self.kind == "consul" or self.leads(world):
            return list(self.networks.values())
        used = {name for each in world.containers.values() for name in each.endpoints}
        return [each for each in self.networks.values() if used & {each.id, each.name}]

    def reachable(self) -> list[Network]:
        """The networks that a container on any engine can be attached to."""
        return list(self.networks.values())

    def users(self, network: Network) -> list[str]:
        """Names of the running containers on it, on every engine."""
        return [container.name for container in self.attached(network)]

    def attached(self, network: Network) -> list[Container]:
        """The running containers on it, on every engine."""
        return [
            container
            for world in self.members
            for container in world.containers.values()
            if container.running and network.name in container.endpoints
        ]

    def info(self, world: World) -> Json:
        """What that engine's `GET /info` says of it."""
        if self.kind == "consul":
            return {"ClusterStore": "consul://10.0.0.1:8500", "ClusterAdvertise": "10.0.0.1:2375"}
        leads = self.leads(world)
        peers = [
            {"NodeID": each.node, "Addr": f"10.0.0.{number}:2377"}
            for number, each in enumerate(self.members[: self.managers], 1)
        ]
        swarm: Json = {
            "NodeID": world.node,
            "NodeAddr": "10.0.0.1",
            "LocalNodeState": "active",
            "ControlAvailable": leads,
            "Error": "",
            "RemoteManagers": peers,
        }
        if leads and self.quorum:
            swarm |= {"Nodes": len(self.members), "Managers": len(peers)}
            swarm["Cluster"] = {"ID": self.id, "Spec": {"Name": "default"}}
        elif leads:
            swarm["Error"] = (
                "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible "
                "that too few managers are online."
            )
        return {"Swarm": swarm}
