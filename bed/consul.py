"""Consul on the hosts: up to three servers, TLS, and ACLs that deny by default.

nap reaches it by HTTPS. Plain HTTP is on each host's own loopback only, where its engine finds
the cluster store. The release is 1.8.7, which the engines with a cluster store work with.
"""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from bed import consul_acl, consul_api, packages, proc, secret, tls
from bed.consul_api import call
from bed.errors import BedError
from bed.layout import Bed, Host
from bed.namespaces import start_in

NAME = "consul"
PREFIX = "nap"
DATACENTER = "bed"
_SERVERS = 3
_LOCAL_PORT = 8500
DNS_PORT = 53


def prepare() -> None:
    _program()


def start(bed: Bed) -> None:
    for host in bed.hosts:
        _start_agent(bed, host)
    first = servers(bed)[0]
    _wait(bed, first, lambda: leader(bed), "Consul to choose a leader")
    _wait(bed, first, lambda: consul_acl.are_on(bed, first), "Consul's ACLs")
    consul_acl.set_up(bed, first)
    for host in bed.hosts:
        _wait(bed, host, lambda host=host: consul_acl.hand_over(bed, host), "the agent's token")
        _wait(bed, host, lambda host=host: _serves_nap(bed, host), f"{host.name} to serve nap")


def start_on(bed: Bed, host: Host) -> None:
    """The host's agent again, after the host's restart."""
    _start_agent(bed, host)
    _wait(bed, host, lambda: _serves_nap(bed, host), f"Consul on {host.name} to be back")


def stop(bed: Bed) -> None:
    proc.stop_together(bed, [_daemon(host) for host in bed.hosts])


def status(bed: Bed) -> str:
    down = [host.name for host in bed.hosts if proc.pid_of(bed, _daemon(host)) is None]
    chosen = leader(bed)
    if chosen is None:
        return f"no leader (down on {', '.join(down)})" if down else "no leader"
    text = f"ready, leader {chosen.name}"
    return f"{text}, down on {', '.join(down)}" if down else text


def section(bed: Bed) -> dict[str, Any]:
    first, *others = (consul_api.url(host) for host in servers(bed))
    return {
        "consul": {
            "url": first,
            "also": others,
            "ca": str(tls.authority(bed).relative_to(bed.directory)),
            "token_file": str(
                consul_acl.token_file(bed, consul_acl.NAP).relative_to(bed.directory)
            ),
            "prefix": PREFIX,
        }
    }


def engine_store(bed: Bed, host: Host) -> tuple[str, dict[str, str]]:  # noqa: ARG001 - same on all
    """What an engine gets: its host's own agent, and a token for its own keys alone."""
    token = consul_acl.token(bed, consul_acl.ENGINES)
    return f"consul://127.0.0.1:{_LOCAL_PORT}", {"CONSUL_HTTP_TOKEN": token}


def servers(bed: Bed) -> tuple[Host, ...]:
    """Three; one where there are fewer than three hosts, for two agree on less than one does."""
    return bed.hosts[: _SERVERS if len(bed.hosts) >= _SERVERS else 1]


def leader(bed: Bed) -> Host | None:
    """The server that leads, as told by the first that knows."""
    for host in servers(bed):
        if proc.pid_of(bed, _daemon(host)) is None:
            continue
        try:
            address = call(bed, host, "GET", "/v1/status/leader")
        except BedError:
            continue
        for each in bed.hosts:
            if address == f"{each.ip}:8300":
                return each
    return None


def _daemon(host: Host) -> str:
    return f"{host.name}.{NAME}"


def _start_agent(bed: Bed, host: Host) -> None:
    folder = host.directory / NAME
    settings = folder / "agent.json"
    secret.write(settings, json.dumps(_settings(bed, host), indent=2))
    start_in(bed, host, NAME, _program(), "agent", f"-config-file={settings}")


def _serves_nap(bed: Bed, host: Host) -> bool:
    """Whether nap's token is known there and the agent has entered itself into the catalog."""
    try:
        token = consul_acl.token(bed, consul_acl.NAP)
        node = call(bed, host, "GET", f"/v1/catalog/node/{host.name}", token=token)
    except BedError:
        return False
    return node is not None


def _wait(bed: Bed, host: Host, condition: Any, what: str) -> None:
    proc.wait_until_ready(bed, _daemon(host), condition, 60, what)


def _settings(bed: Bed, host: Host) -> dict[str, Any]:
    server = host in servers(bed)
    names = [host.name, "localhost", f"server.{DATACENTER}.consul" if server else host.name]
    pair = tls.server(bed, f"consul-{host.name}", [host.ip, "127.0.0.1"], names)
    role = {"server": True, "bootstrap_expect": len(servers(bed))} if server else {"server": False}
    return {
        **role,
        "node_name": host.name,
        "datacenter": DATACENTER,
        "data_dir": str(host.directory / NAME / "data"),
        "bind_addr": host.ip,
        "addresses": {"https": host.ip, "http": "127.0.0.1", "dns": host.ip},
        "ports": {"https": consul_api.PORT, "http": _LOCAL_PORT, "dns": DNS_PORT, "serf_wan": -1},
        "retry_join": [each.ip for each in servers(bed)],
        "retry_interval": "1s",
        "encrypt": secret.kept(bed.directory / NAME / "gossip.key", _gossip_key),
        "ca_file": str(tls.authority(bed)),
        "cert_file": str(pair.cert),
        "key_file": str(pair.key),
        # between the servers both sides show a certificate; nap shows its token
        "verify_incoming_rpc": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
        "acl": {
            "enabled": True,
            "default_policy": "deny",
            "tokens": {"master": consul_acl.token(bed, consul_acl.MANAGEMENT)},
            "enable_token_persistence": True,  # the agents', which they are handed later
        },
        # a leader that is gone is missed after 2 to 4 s, and not for a slow moment of the machine
        "performance": {"raft_multiplier": 2},
        # A server that is back votes again soon: a test waits for it after each fault.
        "autopilot": {"server_stabilization_time": "1s"},
        "disable_update_check": True,
    }


def _gossip_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _program() -> Path:
    return packages.unpack([NAME], "bullseye") / "usr/bin/consul"
