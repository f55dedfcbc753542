"""Many engines in one process, for scale: `python -m bench.simulator FOLDER --hosts 1000 …`.

Each listens on a port of its own of the loopback and answers, from answers made beforehand, what
nap asks when it only looks. It writes FOLDER/cluster.yml with all of them and prints that path once
they listen; for each line that it reads it prints how many requests there were and how many seconds
of processor time it took itself, as JSON.

It is no engine: what changes something is for `tests/engine/fake_engine`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nap_compose.cluster import labels
from nap_compose.cluster.cluster import Cluster, Logs
from nap_compose.cluster.keyring import make_key_file, open_keyring
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.names import container_name
from nap_compose.cluster.pki import Authority, Pair
from nap_compose.cluster.seal import Seal

HOME = "127.0.0.1"
STARTED = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".123456789Z"
OWNER, APP, SERVICE = "ada", "shop", "web"
TURN = 100
"""How many hosts share the number of the one that is dead."""


@dataclass(frozen=True)
class Scale:
    """How many hosts of how many containers each; how long an answer takes, in seconds; how many
    of the hosts take connections and say nothing; whether all speak mutual TLS."""

    hosts: int = 1000
    containers: int = 10
    latency: float = 0.0
    dead: int = 0
    tls: bool = False


@dataclass(frozen=True)
class Used:
    """What a simulator did up to now."""

    requests: int
    cpu: float


class Simulator:
    """A simulator in a process of its own; `cluster_file` leads nap to its hosts."""

    def __init__(self, process: subprocess.Popen[str], cluster_file: Path) -> None:
        self._process = process
        self.cluster_file = cluster_file

    def used(self) -> Used:
        """How much it was asked and how much it worked."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Used(**json.loads(self._process.stdout.readline()))


@contextlib.contextmanager
def simulated(folder: Path, scale: Scale) -> Iterator[Simulator]:
    """Hosts for as long as the block lasts; their files go into the folder."""
    words = [sys.executable, "-m", "bench.simulator", str(folder)]
    words += [f"--hosts={scale.hosts}", f"--containers={scale.containers}"]
    words += [f"--latency={scale.latency}", f"--dead={scale.dead}", *(["--tls"] * scale.tls)]
    process = subprocess.Popen(
        words,
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Simulator(process, Path(process.stdout.readline().strip()))
    finally:
        process.kill()
        process.communicate()


class Host:
    """One engine's answers, by path."""

    def __init__(self, number: int, containers: int, cluster: str, seal: Seal) -> None:
        listed = [_container(number, n, cluster, seal) for n in range(containers)]
        self.answers = {
            "/version": _json({"ApiVersion": "1.51", "MinAPIVersion": "1.24", "Version": "28.5.2"}),
            "/info": _json({"NCPU": 4, "MemTotal": 8 << 30, "ServerVersion": "28.5.2"}),
            "/containers/json": _json(listed),
            "/networks": _json([]),
            "/volumes": _json({"Volumes": []}),
            "/images/json": _json([_image()]),
        }
        for each in listed:
            state = {"Running": True, "StartedAt": STARTED, "ExitCode": 0}
            self.answers[f"/containers/{each['Id']}/json"] = _json(
                {"Id": each["Id"], "State": state, "RestartCount": 0, "Config": _filling()}
            )


def _container(host: int, number: int, cluster: str, seal: Seal) -> dict[str, Any]:
    replica = host * 1000 + number + 1
    name = container_name(f"{OWNER}_{APP}", SERVICE, replica)
    identity = Identity(
        cluster, OWNER, APP, SERVICE, replica, 1, "d" * 32, 7, project=f"{OWNER}_{APP}"
    )
    return {
        "Id": f"{host:032x}{number:032x}",
        "Names": [f"/{name}"],
        "Image": "web:1",
        "ImageID": "sha256:" + "0" * 64,
        "Command": "serve",
        "Created": 1767261600,
        "State": "running",
        "Status": "Up About a minute",
        "Labels": labels.write(identity, name=name, seal=seal),
        "Ports": [],
        "NetworkSettings": {"Networks": {f"{OWNER}_{APP}_default": {}}},
        "Mounts": [],
    }


def _image() -> dict[str, Any]:
    return {"Id": "sha256:" + "0" * 64, "RepoTags": ["web:1"], "Size": 1 << 26, "Created": 1}


def _filling() -> dict[str, Any]:
    """As much again as a real engine says of a container."""
    return {"Env": [f"VARIABLE_{n}=value {n}" for n in range(60)]}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


class Engines:
    """Every host's server, and the count of what they were asked."""

    def __init__(self, latency: float, context: ssl.SSLContext | None) -> None:
        self.asked = 0
        self._latency = latency
        self._context = context

    async def serve(self, host: Host) -> int:
        """Listen for one host; gives its port."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while line := await reader.readline():
                    while (await reader.readline()).strip():
                        pass
                    self.asked += 1
                    if self._latency:
                        await asyncio.sleep(self._latency)
                    writer.write(_answer(host, line.split()[1].decode()))
                    await writer.drain()
                writer.close()

        server = await asyncio.start_server(talk, HOME, 0, backlog=64, ssl=self._context)
        port: int = server.sockets[0].getsockname()[1]
        return port


def _answer(host: Host, target: str) -> bytes:
    path = target.partition("?")[0]
    if path.startswith("/v1."):
        path = "/" + path.split("/", 2)[2]
    body = host.answers.get(path)
    status = "200 OK" if body else "404 Not Found"
    body = body or b'{"message": "not here"}'
    head = f"HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + body


def _silent() -> socket.socket:
    """A host that hangs: it takes connections and never says a word."""
    sock = socket.socket()
    sock.bind((HOME, 0))
    sock.listen(64)
    return sock


def _context(folder: Path) -> ssl.SSLContext:
    """What every engine shows, and asks for."""
    authority = Authority.opened(Pair(folder / "ca.pem", folder / "ca-key.pem"), "nap simulator CA")
    server = Pair(folder / "server.pem", folder / "server-key.pem")
    authority.signed(server, "engine", [HOME])
    authority.signed(Pair(folder / "cert.pem", folder / "key.pem"), "nap")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.cert, server.key)
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _cluster_file(folder: Path, ports: Sequence[int], *, tls: bool) -> Path:
    document: dict[str, Any] = {
        "name": "lab",
        "key_file": "secrets.key",
        "state_dir": "state",
        "logs": {"dir": "logs"},
        "network": {"driver": "bridge"},
        "hosts": {f"h{n}": {"endpoint": f"tcp://{HOME}:{port}"} for n, port in enumerate(ports)},
    }
    if tls:
        document["tls"] = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
    file = folder / "cluster.yml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return file


async def _serve(folder: Path, scale: Scale) -> None:
    key = folder / "secrets.key"
    make_key_file(key)
    seal = open_keyring(Cluster("lab", {}, folder, Logs(folder), key_file=key)).seal
    assert seal is not None
    engines = Engines(scale.latency, _context(folder) if scale.tls else None)
    silent = [_silent() for _ in range(scale.dead)]
    ports = [
        await engines.serve(Host(number, scale.containers, "lab", seal))
        for number in range(scale.hosts - scale.dead)
    ]
    # The dead ones stand among the others, not at an end.
    for number, sock in enumerate(silent):
        ports.insert(number * TURN, sock.getsockname()[1])
    print(_cluster_file(folder, ports, tls=scale.tls), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        used = {"requests": engines.asked, "cpu": round(time.process_time(), 2)}
        print(json.dumps(used), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--containers", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--dead", type=int, default=0, help="how many of the hosts say nothing")
    parser.add_argument("--tls", action="store_true", help="mutual TLS, as engines should have it")
    given = vars(parser.parse_args())
    asyncio.run(_serve(given.pop("folder").absolute(), Scale(**given)))


if __name__ == "__main__":
    main()
