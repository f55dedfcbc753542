"""Calls about the swarm that an engine is in, of which nap uses the networks alone."""

from __future__ import annotations

from nap_compose.cluster.engine import Json
from nap_compose.cluster.engine_calls import Calls
from nap_compose.cluster.engine_http import in_path


class SwarmCalls(Calls):
    """See `engine.Engine`."""

    def swarm(self) -> Json:
        """The swarm with its join tokens; a manager alone knows them."""
        return self._object("/swarm")

    def init_swarm(self, body: Json) -> None:
        """Begin a swarm, with this engine as its first manager."""
        self._post("/swarm/init", {}, body)

    def join_swarm(self, body: Json) -> None:
        """Join a swarm."""
        self._post("/swarm/join", {}, body)

    def leave_swarm(self) -> None:
        """Leave the swarm; a manager that hasn't been demoted leaves all the same."""
        self._post("/swarm/leave", {"force": "true"})

    def nodes(self) -> list[Json]:
        """The swarm's nodes; a manager alone knows them."""
        return self._list("/nodes", None)

    def set_role(self, node: Json, role: str) -> None:
        """Make a node, as `nodes` gave it, a `manager` or a `worker`."""
        path = f"/nodes/{in_path(self._http.host, node['ID'])}/update"
        query = {"version": str(node["Version"]["Index"])}
        self._post(path, query, {**node["Spec"], "Role": role})

    def remove_node(self, node: str) -> None:
        """Forget a node, by id, that has left or is gone."""
        self._delete(f"/nodes/{in_path(self._http.host, node)}", force=True)
