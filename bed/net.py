"""The bed's network: a bridge in a namespace of its own, a cable to each host, one to the machine.

The bridge is not in the machine's root namespace, because a Docker daemon there drops what it
would forward. No firewall rule is needed anywhere.
"""

from __future__ import annotations

import json
import time

from bed import namespaces, proc
from bed.errors import BedError
from bed.layout import Bed, Host
from bed.namespaces import checked

_BRIDGE = "bridge"
_CONTROL = "control"  # the switch's port to the machine
_OWN_IP = ["ip"]  # in the machine's root namespace


def used_subnets() -> set[str]:
    """The subnets that the machine's own routes lead to."""
    routes = json.loads(checked(["ip", "-json", "-4", "route", "show", "table", "all"]))
    return {each["dst"] for each in routes if each.get("dst", "default")[0].isdigit()}


def up(bed: Bed) -> None:
    """The switch, and the machine's link to it."""
    switch = namespaces.start_switch(bed)
    ip = _ip_of(switch)
    if not _has(ip, _BRIDGE):
        checked([*ip, "link", "add", _BRIDGE, "type", "bridge"])
    checked([*ip, "link", "set", _BRIDGE, "up"])
    if not (_has(_OWN_IP, bed.link) and _has(ip, _CONTROL)):
        _forget(_OWN_IP, bed.link)
        _forget(ip, _CONTROL)
        _cable(switch, _CONTROL, ["peer", "name", bed.link])
    _plug_in(ip, _CONTROL)
    _configure(_OWN_IP, bed.link, bed.control_ip)


def unlink(link: str) -> None:
    """Remove a link of the root namespace, if it is there."""
    _forget(_OWN_IP, link)


def plug(bed: Bed, host: Host) -> None:
    """Boot a host's namespaces if need be, and connect it."""
    switch, pid = namespaces.start_switch(bed), namespaces.start_host(bed, host)
    in_switch, in_host = _ip_of(switch), _ip_of(pid)
    if not (_has(in_host, "eth0") and _has(in_switch, host.name)):
        # One end can outlive a killed host or switch for a moment.
        _forget(in_host, "eth0")
        _forget(in_switch, host.name)
        # Always the same address, so that nobody's ARP table leads to a host's earlier life.
        peer = ["peer", "name", "eth0", "address", _mac(host.ip), "netns", str(pid)]
        _cable(switch, host.name, peer)
    checked([*in_host, "link", "set", "lo", "up"])
    _configure(in_host, "eth0", host.ip)
    _plug_in(in_switch, host.name)


def cut(bed: Bed, host: Host) -> None:
    """Take the host's cable out at the switch: nothing gets in or out, and nobody is told."""
    if host.name in ports(bed):
        checked([*_switch(bed), "link", "set", host.name, "down"])


def mend(bed: Bed, host: Host) -> None:
    """Put it in again."""
    _plug_in(_switch(bed), host.name)


def ports(bed: Bed) -> dict[str, bool]:
    """The switch's ports by host, and whether each is up."""
    links = checked([*_switch(bed), "-json", "link", "show", "master", _BRIDGE])
    return {each["ifname"]: "UP" in each["flags"] for each in json.loads(links)}


def _cable(switch: int, port: str, peer: list[str]) -> None:
    checked([*_OWN_IP, "link", "add", "name", port, "netns", str(switch), "type", "veth", *peer])


def _plug_in(switch: list[str], port: str) -> None:
    checked([*switch, "link", "set", port, "master", _BRIDGE, "up"])


def _configure(ip: list[str], link: str, address: str) -> None:
    checked([*ip, "address", "replace", f"{address}/24", "dev", link])
    checked([*ip, "link", "set", link, "up"])


def _switch(bed: Bed) -> list[str]:
    """The ip command of a switch that is there already."""
    pid = proc.pid_of(bed, namespaces.SWITCH)
    if pid is None:
        raise BedError(f"bed {bed.name} is down; start it: python -m bed up --name {bed.name}")
    return _ip_of(pid)


def _ip_of(pid: int) -> list[str]:
    """The ip command inside a process's network namespace."""
    return ["nsenter", "--target", str(pid), "--net", "--", "ip"]


def _forget(ip: list[str], link: str) -> None:
    for _ in range(100):
        if not _has(ip, link):
            return
        try:
            checked([*ip, "link", "delete", link])
        except BedError:  # it has just gone by itself
            time.sleep(0.02)
    raise BedError(f"an old link {link} doesn't go; take the bed down")


def _mac(ip: str) -> str:
    return "02:6e:" + ":".join(f"{int(part):02x}" for part in ip.split("."))


def _has(ip: list[str], link: str) -> bool:
    """Whether there is such a link where this ip command runs."""
    return any(each["ifname"] == link for each in json.loads(checked([*ip, "-json", "link"])))
