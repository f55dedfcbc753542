"""The bed's network: a bridge in a namespace of its own, a cable to each host, one to the machine.

The bridge is not in the machine's root namespace, because a Docker daemon there drops what it
would forward. No firewall rule is needed anywhere.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from bed import namespaces, proc
from bed.errors import BedError
from bed.layout import Bed, Host
from bed.namespaces import checked, in_switch

_BRIDGE = "bridge"


def used_subnets() -> set[str]:
    """The subnets that the machine's own routes lead to."""
    routes = json.loads(checked(["ip", "-json", "-4", "route", "show", "table", "all"]))
    return {each["dst"] for each in routes if each.get("dst", "default")[0].isdigit()}


def up(bed: Bed) -> None:
    """The switch, and the machine's link to it."""
    pid = namespaces.start_switch(bed)
    if not _has(in_switch(bed, "ip", "-json", "link"), _BRIDGE):
        in_switch(bed, "ip", "link", "add", _BRIDGE, "type", "bridge")
        in_switch(bed, "ip", "link", "set", _BRIDGE, "up")
        in_switch(bed, "ip", "link", "set", "lo", "up")
    if not _has(checked(["ip", "-json", "link"]), bed.link):
        _cable(bed, "control", pid, bed.link, None)
    checked(["ip", "address", "replace", f"{bed.control_ip}/24", "dev", bed.link])
    checked(["ip", "link", "set", bed.link, "up"])


def unlink(link: str) -> None:
    """Remove a link of the root namespace, if it is there."""
    path = Path("/sys/class/net", link)
    if path.exists():
        checked(["ip", "link", "delete", link])
    proc.wait_for(lambda: not path.exists(), 10, f"the link {link} to go")


def plug(bed: Bed, host: Host) -> None:
    """Connect a host that has booted, unless it is connected."""
    pid = namespaces.start_host(bed, host)
    prefix = ["nsenter", "--target", str(pid), "--net", "--"]
    if _has(checked([*prefix, "ip", "-json", "link"]), "eth0"):
        return
    # The port of an earlier life can stay for a moment after that namespace's end.
    _forget_port(bed, host.name)
    switch = namespaces.start_switch(bed)
    _cable(bed, host.name, switch, "eth0", pid)
    for words in (
        # Always the same address, so that nobody's ARP table leads to a host's earlier life.
        f"link set eth0 address {_mac(host.ip)}",
        f"address add {host.ip}/24 dev eth0",
        "link set eth0 up",
        "link set lo up",
    ):
        checked([*prefix, "ip", *words.split()])


def cut(bed: Bed, host: Host) -> None:
    """Take the host's cable out at the switch: nothing gets in or out, and nobody is told."""
    if host.name in ports(bed):
        in_switch(bed, "ip", "link", "set", host.name, "down")


def mend(bed: Bed, host: Host) -> None:
    in_switch(bed, "ip", "link", "set", host.name, "up")


def ports(bed: Bed) -> dict[str, bool]:
    """The switch's ports by host, and whether each is up."""
    links = json.loads(in_switch(bed, "ip", "-json", "link", "show", "master", _BRIDGE))
    return {each["ifname"]: "UP" in each["flags"] for each in links}


def _cable(bed: Bed, port: str, switch: int, peer: str, peer_pid: int | None) -> None:
    words = ["ip", "link", "add", "name", port, "netns", str(switch), "type", "veth"]
    words += ["peer", "name", peer]
    if peer_pid is not None:
        words += ["netns", str(peer_pid)]
    checked(words)
    in_switch(bed, "ip", "link", "set", port, "master", _BRIDGE, "up")


def _forget_port(bed: Bed, port: str) -> None:
    for _ in range(100):
        if not _has(in_switch(bed, "ip", "-json", "link"), port):
            return
        try:
            in_switch(bed, "ip", "link", "delete", port)
        except BedError:  # it has just gone by itself
            time.sleep(0.02)
    raise BedError(f"the switch of bed {bed.name} keeps its old port {port}; take the bed down")


def _mac(ip: str) -> str:
    return "02:6e:" + ":".join(f"{int(part):02x}" for part in ip.split("."))


def _has(links: str, name: str) -> bool:
    return any(each["ifname"] == name for each in json.loads(links))
