"""Plain containers and overlay networks on the bed's engines, to see that the bed itself works."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bed import busybox, proc
from bed.docker_api import call
from bed.errors import BedError
from bed.layout import Bed, Host


def create_overlay(bed: Bed, hosts: Sequence[Host], name: str) -> None:
    """An attachable overlay network, usable from all these hosts when this comes back."""
    kind = {"Name": name, "Driver": "overlay", "CheckDuplicate": True}
    call(hosts[0], "POST", "/networks/create", {**kind, "Attachable": bed.network == "swarm"})
    if bed.network == "consul":  # in a swarm, a worker sees the network only when it uses it
        for host in hosts:
            seen = partial(_sees, host, name)
            proc.wait_for(seen, 20, f"the network {name} to appear on {host.name}")


def remove_overlay(host: Host, name: str) -> None:
    """Remove it when the last endpoint has gone from it, which takes a moment."""

    def removed() -> bool:
        try:
            call(host, "DELETE", f"/networks/{name}")
        except BedError:
            return not _sees(host, name)
        return True

    proc.wait_for(removed, 30, f"the network {name} to go")


def run(
    host: Host,
    name: str,
    *command: str,
    network: str = "bridge",
    restart: str = "no",
    publish: int | None = None,
    image: str = busybox.IMAGE,
) -> str:
    """Start a busybox container; its id. `publish` shows its port of that number on the host."""
    busybox.load(host, image)
    ports = {} if publish is None else {f"{publish}/tcp": [{"HostPort": str(publish)}]}
    body = {
        "Image": image,
        "Cmd": list(command) or ["sleep", "1000000"],
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {
            "NetworkMode": network,
            "PortBindings": ports,
            "RestartPolicy": {"Name": restart},
            "Init": True,
        },
    }
    container: str = call(host, "POST", "/containers/create", body, query={"name": name})["Id"]
    call(host, "POST", f"/containers/{container}/start")
    return container


def execute(host: Host, name: str, *command: str) -> tuple[int, str]:
    """Run a command in a container: its code and what it printed."""
    body = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True, "Tty": True}
    exec_id = call(host, "POST", f"/containers/{name}/exec", body)["Id"]
    output = str(call(host, "POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": True}))
    return int(call(host, "GET", f"/exec/{exec_id}/json")["ExitCode"]), output


def is_running(host: Host, name: str) -> bool:
    return bool(call(host, "GET", f"/containers/{name}/json")["State"]["Running"])


def pings(host: Host, name: str, target: str) -> bool:
    return execute(host, name, "ping", "-c", "1", "-W", "2", target)[0] == 0


def remove(host: Host, name: str) -> None:
    call(host, "DELETE", f"/containers/{name}", query={"force": "1"})


def _sees(host: Host, network: str) -> bool:
    return any(each["Name"] == network for each in call(host, "GET", "/networks"))
