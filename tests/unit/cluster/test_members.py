"""What Consul's catalog says of the hosts' agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import Cluster, Consul, Host, Logs
from nap_compose.cluster.members import ConsulMembers, Member, NoMembers, members_of

CHECKS = [
    {"Node": "h1", "CheckID": "serfHealth", "Status": "passing"},
    {"Node": "second", "CheckID": "serfHealth", "Status": "critical"},
    {"Node": "h1", "CheckID": "another", "Status": "critical"},
]
NODES = [
    {"Node": "h1", "Address": "10.0.0.11"},
    {"Node": "second", "Address": "10.0.0.12"},
    {"Node": "nap-h3", "Address": "10.0.0.13"},
]
ANSWERS: dict[str, Any] = {
    "/v1/health/state/any": CHECKS,
    "/v1/catalog/nodes": NODES,
    "/v1/status/peers": ["10.0.0.11:8300", "[fd00::9]:8300"],
}


class Told:
    """Servers that answer as they were told to."""

    def read(self, path: str, **_params: str) -> Any:
        return ANSWERS[path]


def cluster(tmp_path: Path, consul: Consul | None) -> Cluster:
    hosts = {f"h{n}": Host(f"h{n}", f"tcp://10.0.0.1{n}:2376") for n in (1, 2, 3)}
    return Cluster("lab", hosts, tmp_path, Logs(tmp_path), consul=consul, insecure=("consul",))


def test_a_host_is_known_by_its_name_or_its_address(tmp_path: Path) -> None:
    members = ConsulMembers(cluster(tmp_path, Consul("http://10.0.0.11:8500")))
    members._servers = Told()  # type: ignore[assignment]
    assert members.look() == {"h1": Member(alive=True, server=True), "h2": Member(alive=False)}


def test_without_consul_nobody_is_known(tmp_path: Path) -> None:
    members = members_of(cluster(tmp_path, None))
    assert isinstance(members, NoMembers) and members.look() == {}
