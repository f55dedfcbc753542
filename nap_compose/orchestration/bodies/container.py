"""The body of `POST /containers/create` for one replica (Engine API 1.40 and up)."""

from __future__ import annotations

from typing import Any

from nap_compose.compose.model import Service
from nap_compose.orchestration.bodies.hostconfig import host_config
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.networking import endpoint, first_network
from nap_compose.orchestration.bodies.values import command, env_list, nanoseconds, tidy
from nap_compose.units import parse_duration


def container_body(making: Making, *, quiet: bool = False) -> dict[str, Any]:
    """What the engine is asked to create; `quiet` leaves out the names under which others look
    for the service. Only one network stands in it: engines before API 1.44
    take no more."""
    spec = making.spec
    grace = spec.get("stop_grace_period")
    body: dict[str, Any] = {
        "Hostname": spec.get("hostname"),
        "Domainname": spec.get("domainname"),
        "User": spec.get("user"),
        "AttachStdout": True,
        "AttachStderr": True,
        "ExposedPorts": exposed_ports(making),
        "Tty": spec.get("tty"),
        "OpenStdin": spec.get("stdin_open"),
        "Env": env_list(spec.get("environment") or {}),
        "Cmd": command(spec.get("command")),
        "Entrypoint": command(spec.get("entrypoint")),
        "Image": image_reference(making.service, making.project),
        "WorkingDir": spec.get("working_dir"),
        "NetworkDisabled": spec.get("network_mode") == "disabled",
        "MacAddress": spec.get("mac_address"),
        "Labels": {**(spec.get("labels") or {}), **making.labels},
        "StopSignal": spec.get("stop_signal"),
        "StopTimeout": None if grace is None else int(parse_duration(str(grace))),
        "Healthcheck": healthcheck(making),
        "HostConfig": host_config(making),
    }
    if making.oneoff is not None:
        body["AttachStdin"] = body["StdinOnce"] = making.oneoff.stdin
        body["HostConfig"]["AutoRemove"] = making.oneoff.remove
    key = first_network(making.service)
    if key is not None:
        body["NetworkingConfig"] = {
            "EndpointsConfig": {making.network(key): endpoint(making, key, quiet=quiet)}
        }
    return tidy(body)


def image_reference(service: Service, project: str) -> str:
    """The image's reference: the file's, or the name that a build of the service has."""
    return service.image or f"{project}-{service.name}"


def exposed_ports(making: Making) -> dict[str, dict[str, str]]:
    """`expose` and every published port's target, as `port/protocol`."""
    ports: dict[str, dict[str, str]] = {}
    for entry in making.spec.get("expose") or ():
        first, _, protocol = str(entry).partition("/")
        start, _, end = first.partition("-")
        for number in range(int(start), int(end or start) + 1):
            ports[f"{number}/{protocol or 'tcp'}"] = {}
    for port in making.service.ports:
        ports[f"{port.target}/{port.protocol}"] = {}
    return ports


def healthcheck(making: Making) -> dict[str, Any] | None:
    """The file's healthcheck in nanoseconds; None where the image's counts."""
    spec = making.service.healthcheck
    if not spec:
        return None
    if spec.get("disable"):
        return {"Test": ["NONE"]}
    return tidy(
        {
            "Test": spec.get("test"),
            "Interval": nanoseconds(spec.get("interval")),
            "Timeout": nanoseconds(spec.get("timeout")),
            "StartPeriod": nanoseconds(spec.get("start_period")),
            "StartInterval": nanoseconds(spec.get("start_interval")),
            "Retries": spec.get("retries"),
        }
    )
