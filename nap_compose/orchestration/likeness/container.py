"""A container that another tool made beside the body that nap would send for it. Pure.

The engine's answer holds more than what was asked for: what the image says where the body says
nothing, and the engine's own defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from nap_compose.cluster.labels import RESERVED
from nap_compose.orchestration.likeness.hostconfig import host_differences
from nap_compose.orchestration.likeness.values import Json, of_users, same
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Wanted:
    """What nap would ask for: the body, and the endpoint's settings on each network by name."""

    body: Json
    endpoints: Mapping[str, Json]


@dataclass(frozen=True)
class Standing:
    """What is there, in the engine's words: the container inspected, the `Config` of its image,
    and the engine's info. `app_networks` are the names of the networks that are the app's own."""

    container: Json
    image: Json
    info: Json
    app_networks: Collection[str] = ()


def differences(wanted: Wanted, standing: Standing) -> tuple[str, ...]:
    """What of the container isn't as it would be made, by the engine's names of fields."""
    body, there = wanted.body, standing.container
    found = [
        *_config(body, there.get("Config") or {}, standing.image),
        *host_differences(body.get("HostConfig") or {}, there, standing.image, standing.info),
        *_networks(wanted, standing),
    ]
    return tuple(found)


def _config(body: Json, there: Json, image: Json) -> Iterator[str]:
    expected = {
        "User": body.get("User") or image.get("User"),
        "WorkingDir": body.get("WorkingDir") or image.get("WorkingDir"),
        "StopSignal": body.get("StopSignal") or image.get("StopSignal"),
        "StopTimeout": body.get("StopTimeout"),
        "Domainname": body.get("Domainname"),
        "Tty": body.get("Tty"),
        "OpenStdin": body.get("OpenStdin"),
        "Healthcheck": _healthcheck(body.get("Healthcheck"), image.get("Healthcheck")),
        **_programs(body, image),
    }
    if body.get("Hostname"):  # else the engine made one up
        expected["Hostname"] = body["Hostname"]
    given = {**there, "StopSignal": _unless(there.get("StopSignal"), expected, "SIGTERM")}
    for field, value in expected.items():
        if not _equal(field, value, given.get(field)):
            yield field
    if _environment(body.get("Env"), image.get("Env")) != _environment(there.get("Env")):
        yield "Env"
    if _ports(image, body) != _ports(there):
        yield "ExposedPorts"
    labels = {**(image.get("Labels") or {}), **(body.get("Labels") or {})}
    if of_users(labels, RESERVED) != of_users(there.get("Labels"), RESERVED):
        yield "Labels"


def _equal(field: str, wanted: Any, there: Any) -> bool:
    if field in ("Cmd", "Entrypoint"):  # here order matters
        return list(wanted or ()) == list(there or ())
    if field == "Healthcheck":
        return list((wanted or {}).get("Test") or ()) == list(
            (there or {}).get("Test") or ()
        ) and same(wanted, there)
    return same(wanted, there)


def _unless(there: Any, expected: Json, default: str) -> Any:
    """Older engines write down the default signal where none was asked for."""
    return None if there == default and not expected["StopSignal"] else there


def _programs(body: Json, image: Json) -> dict[str, Any]:
    """An own entrypoint takes the image's command away with it."""
    entrypoint, command = body.get("Entrypoint"), body.get("Cmd")
    if entrypoint:
        return {"Entrypoint": entrypoint, "Cmd": command}
    return {
        "Entrypoint": image.get("Entrypoint") if entrypoint is None else [],
        "Cmd": command or image.get("Cmd"),
    }


def _healthcheck(wanted: Json | None, image: Json | None) -> Json | None:
    if not wanted:
        return image
    if list(wanted.get("Test") or ()) == ["NONE"]:
        return wanted
    return {**(image or {}), **wanted}


def _ports(*layers: Json) -> set[str]:
    """The ports that any of them exposes; without a word of it TCP is meant."""
    ports = {port for layer in layers for port in layer.get("ExposedPorts") or ()}
    return {port if "/" in port else f"{port}/tcp" for port in ports}


def _environment(*layers: list[str] | None) -> dict[str, str | None]:
    """What the first layer says, and what the next ones add; a bare name has no value."""
    found: dict[str, str | None] = {}
    for layer in layers:
        for entry in layer or ():
            name, equals, value = entry.partition("=")
            found.setdefault(name, value if equals else None)
    return found


def _networks(wanted: Wanted, standing: Standing) -> Iterator[str]:
    """Networks of the app that it should not be on count; what somebody connected besides, such
    as a proxy's network, does not."""
    if not wanted.endpoints:
        return
    settings = standing.container.get("NetworkSettings") or {}
    there: Mapping[str, Json] = settings.get("Networks") or {}
    ours = {name for name in there if name in wanted.endpoints or name in standing.app_networks}
    if ours != wanted.endpoints.keys():
        yield "Networks"
        return
    made_up = _made_up_aliases(standing.container)
    for name, endpoint in wanted.endpoints.items():
        if not _same_endpoint(endpoint, there[name] or {}, made_up):
            yield f"Networks.{name}"


def _same_endpoint(wanted: Json, there: Json, made_up: set[str]) -> bool:
    aliases = set(wanted.get("Aliases") or ()) - made_up
    if aliases != set(there.get("Aliases") or ()) - made_up:
        return False
    # A stopped container's endpoint may show none.
    if wanted.get("MacAddress") and there.get("MacAddress") not in ("", wanted["MacAddress"], None):
        return False
    fields = ("IPAMConfig", "Links", "DriverOpts", "GwPriority")
    return all(same(wanted.get(field), there.get(field)) for field in fields)


def _made_up_aliases(container: Json) -> set[str]:
    """The aliases that every container has on each of its networks, asked for or not."""
    hostname = (container.get("Config") or {}).get("Hostname")
    name = str(container.get("Name") or "").lstrip("/")
    return {str(container.get("Id") or "")[:12], name, str(hostname or "")}
