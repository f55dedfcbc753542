"""Short forms of ports, mounts and devices, read into their long forms."""

from __future__ import annotations

import posixpath
import re
from typing import Any

PORTS_HIGH = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")


class BadForm(ValueError):
    """The text isn't of the form; the message says why."""


def ports(text: str) -> list[dict[str, Any]]:
    """`[[HOST_IP:]HOST:]CONTAINER[/PROTOCOL]`, with ranges, as one long form for each port."""
    address, published, target, protocol = _port_parts(text)
    low, high = _port_range(target, "container port", text)
    if not low:
        raise BadForm(f'"{text}" names no container port: they begin with 1')
    hosts: list[str]
    if not published:
        hosts = [""] * (high - low + 1)
    else:
        first, last = _port_range(published, "published port", text)
        if last - first == high - low:
            hosts = [str(port) for port in range(first, last + 1)]
        elif low == high:
            hosts = [published]
        else:
            raise BadForm(f'the ranges in "{text}" are not of the same length')
    found = [
        {
            "mode": "ingress",
            **({"host_ip": address} if address else {}),
            "target": low + index,
            **({"published": host} if host else {}),
            "protocol": protocol,
        }
        for index, host in enumerate(hosts)
    ]
    # Compose sorts the ports of a range as texts.
    return sorted(found, key=lambda port: str(port["target"]))


def _port_parts(text: str) -> tuple[str, str, str, str]:
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash and protocol else "tcp"
    if protocol not in _PROTOCOLS:
        raise BadForm(f'"{protocol}" in "{text}" is no protocol: tcp, udp or sctp')
    address = ""
    match = re.match(r"^\[([^\]]*)\](?::(.*))?$", rest)
    if match:
        address, rest = match[1], match[2] or ""
        if rest.count(":") != 1:
            raise BadForm(f'"{text}" is no port: expected [HOST_IP:][HOST:]CONTAINER[/PROTOCOL]')
    elif rest.count(":") >= 2:
        address, published, target = rest.rsplit(":", 2)
        rest = f"{published}:{target}"
    if address:
        check_address(address, text)
    published, colon, target = rest.rpartition(":")
    if not target:
        raise BadForm(f'"{text}" names no container port')
    return address, published if colon else "", target, protocol


def check_address(address: str, text: str) -> None:
    """Raise BadForm, which shows `text`, unless `address` is an IP address."""
    import ipaddress

    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise BadForm(f'"{address}" in "{text}" is no IP address') from None


def _port_range(text: str, what: str, whole: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    numbers = (first, last if dash else first)
    if not all(re.fullmatch(r"[0-9]{1,5}", number) for number in numbers):
        raise BadForm(f'"{text}" in "{whole}" is no {what}')
    low, high = int(numbers[0]), int(numbers[1])
    if high > PORTS_HIGH:
        raise BadForm(f'the {what} in "{whole}" is above {PORTS_HIGH}')
    if low > high:
        raise BadForm(f'the range "{text}" in "{whole}" runs backwards')
    return low, high


_PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


def mount(text: str) -> dict[str, Any]:
    """`[SOURCE:]TARGET[:OPTIONS]` as a long form. A single letter before a colon is a drive."""
    if not text:
        raise BadForm("an empty mount")
    if len(text) <= 2:
        return {"type": "volume", "target": clean(text)}
    sections = _sections(text)
    if not all(sections):
        raise BadForm(f'"{text}" has nothing between two colons')
    if len(sections) > 3:
        raise BadForm(f'"{text}" has too many colons: expected [SOURCE:]TARGET[:OPTIONS]')
    if len(sections) == 1:
        return {"type": "volume", "target": clean(text), "volume": {}}
    source, target = sections[0], sections[1]
    entry: dict[str, Any] = {"source": source, "target": clean(target)}
    if len(sections) == 3:
        _mount_options(entry, sections[2].split(","))
    if is_path(source):
        entry["type"] = "bind"
        entry["bind"] = {**entry.get("bind", {}), "create_host_path": True}
    else:
        entry["type"] = "volume"
        entry.setdefault("volume", {})
    return entry


def _mount_options(entry: dict[str, Any], options: list[str]) -> None:
    for option in options:
        if option in ("ro", "rw"):
            entry.pop("read_only", None)
            if option == "ro":
                entry["read_only"] = True
        elif option == "nocopy":
            entry["volume"] = {"nocopy": True}
        elif option in _PROPAGATIONS:
            entry.setdefault("bind", {})["propagation"] = option
        elif option in ("z", "Z"):
            entry.setdefault("bind", {})["selinux"] = option


def _sections(text: str) -> list[str]:
    """`text` cut at its colons, but not at those of a drive or inside `${…}`."""
    sections, start, depth = [], 0, 0
    for index, char in enumerate(text):
        if char == "{" and text[index - 1 : index] == "$":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif char == ":" and not depth:
            if index - start == 1 and text[start].isalpha():
                continue
            sections.append(text[start:index])
            start = index + 1
    return [*sections, text[start:]]


def is_path(source: str) -> bool:
    """Whether a mount's source is a path on the host and not a volume's name."""
    return (
        source[:1] in (".", "/", "~")
        or source.startswith("\\\\")
        or bool(re.match(r"^[A-Za-z]:", source))
    )


def clean(target: str) -> str:
    """A path in the container without `.`, `..` and needless slashes."""
    return posixpath.normpath(re.sub("^//+", "/", target))


def device(text: str) -> dict[str, Any]:
    """`SOURCE[:TARGET[:PERMISSIONS]]` as a long form."""
    sections = text.split(":")
    if len(sections) > 3 or not sections[0]:
        raise BadForm(f'"{text}" is no device: expected SOURCE[:TARGET[:PERMISSIONS]]')
    source = sections[0]
    target = sections[1] if len(sections) > 1 and sections[1] else source
    return {
        "source": source,
        "target": target,
        "permissions": sections[2] if len(sections) > 2 else "rwm",
    }
