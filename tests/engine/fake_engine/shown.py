"""How a fake engine shows its containers: the JSON of lists and inspections."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from tests.engine.fake_engine.things import Container, Json

NEVER = "0001-01-01T00:00:00Z"


def stamp(at: float) -> str:
    """A moment as engines write it, with nine digits of a second."""
    if not at:
        return NEVER
    whole = datetime.fromtimestamp(int(at), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{int((at % 1) * 1e9):09d}Z"


def listed(container: Container, networks: Json) -> Json:
    """As in `GET /containers/json`."""
    config = container.body
    command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": config.get("Image", ""),
        "ImageID": container.image.id,
        "Command": " ".join(command),
        "Created": int(container.created),
        "Ports": _listed_ports(container),
        "Labels": container.labels,
        "State": container.state,
        "Status": status(container),
        "HostConfig": {"NetworkMode": container.host_config.get("NetworkMode") or "bridge"},
        "NetworkSettings": {"Networks": networks},
        "Mounts": container.mounts,
    }


def inspected(container: Container, networks: Json) -> Json:
    """As in `GET /containers/NAME/json`."""
    config = {key: value for key, value in container.body.items() if key not in _NOT_CONFIG}
    image = container.image.config
    config = {**image, **config, "Labels": container.labels}
    command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    return {
        "Id": container.id,
        "Created": stamp(container.created),
        "Path": (command or [""])[0],
        "Args": command[1:],
        "State": _state(container),
        "Image": container.image.id,
        "Name": f"/{container.name}",
        "RestartCount": container.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "HostConfig": {"NetworkMode": "bridge", **container.host_config},
        "Config": {"Hostname": container.id[:12], "Tty": False, **config},
        "NetworkSettings": {"Ports": container.ports, "Networks": networks},
        "Mounts": container.mounts,
    }


_NOT_CONFIG = ("HostConfig", "NetworkingConfig")


def status(container: Container) -> str:
    """The engine's sentence: "Up 2 minutes (healthy)", "Exited (1) 3 seconds ago"."""
    if container.state == "created":
        return "Created"
    if container.state == "exited":
        return f"Exited ({container.exit_code}) {_ago(container.finished)} ago"
    if container.state == "restarting":
        return f"Restarting ({container.exit_code}) {_ago(container.finished)} ago"
    extra = {"": "", "starting": " (health: starting)"}.get(
        container.health, f" ({container.health})"
    )
    paused = " (Paused)" if container.state == "paused" else ""
    return f"Up {_ago(container.started)}{paused or extra}"


def _state(container: Container) -> Json:
    state: dict[str, Any] = {
        "Status": container.state,
        "Running": container.running,
        "Paused": container.state == "paused",
        "Restarting": container.state == "restarting",
        "OOMKilled": False,
        "Dead": False,
        "Pid": 4242 if container.running else 0,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": stamp(container.started),
        "FinishedAt": stamp(container.finished),
    }
    if container.health:
        failing = container.health == "unhealthy"
        probe = {
            "Start": stamp(container.started),
            "End": stamp(container.started),
            "ExitCode": int(container.health != "healthy"),
            "Output": container.behaviour.probe,
        }
        state["Health"] = {
            "Status": container.health,
            "FailingStreak": 3 if failing else 0,
            "Log": [probe],
        }
    return state


def _listed_ports(container: Container) -> list[Json]:
    if not container.running:
        return []
    found = []
    for target, bindings in container.ports.items():
        number, _, protocol = target.partition("/")
        port = {"PrivatePort": int(number), "Type": protocol or "tcp"}
        found += [
            {"IP": each["HostIp"] or "0.0.0.0", **port, "PublicPort": int(each["HostPort"])}
            for each in bindings
        ] or [port]
    return found


def _ago(at: float) -> str:
    seconds = int(time.time() - at)
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    if seconds < 120:
        return "About a minute"
    return f"{seconds // 60} minutes" if seconds < 3600 else f"{seconds // 3600} hours"
