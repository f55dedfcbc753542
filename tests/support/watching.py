"""`nap health watch` beside a test on real hosts, and what really runs there meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bed import consul_acl, consul_api, docker_api, hosts
from bed.errors import BedError
from bed.layout import Bed, Host
from tests.support.nap import PROGRAM, Nap, eventually

FAILOVER = {"after": "4s", "sweep": "1s"}
"""Of a cluster whose tests have no time."""
AGAIN = {"restart": "always", "stop_grace_period": "1s"}
"""Of a service that the watcher sees to, and that ends soon when it is told to."""


@dataclass
class Watcher:
    """`nap health watch` in a process of its own; what it says goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until(self, *words: str, within: float = 60.0) -> str:
        def found() -> str:
            lines = self.said.splitlines()
            return next((line for line in lines if all(word in line for word in words)), "")

        try:
            return eventually(found, str(words), within=within)
        except AssertionError as error:
            raise AssertionError(f"{error} in\n{self.said}") from None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def watching(nap: Nap, name: str = "watcher", *options: str) -> Iterator[Watcher]:
    log = nap.home / f"{name}.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [PROGRAM, "health", "watch", *options],
            env=nap.env,
            cwd=nap.home,
            stderr=file,
            stdout=file,
        )
    watcher = Watcher(process, log)
    try:
        watcher.until(" leads")
        yield watcher
        assert "Traceback" not in watcher.said
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()


def known(nap: Nap, app: str, number: int) -> None:
    """Wait until so many replicas of an app are on record."""

    def there() -> bool:
        return len([name for name in status(nap) if name.startswith(f"{app}/")]) == number

    eventually(there, "the records", within=30)


def unlocked(nap: Nap, bed: Bed, app: str) -> None:
    """Wait until nobody deploys the app, and who was killed while they did is forgotten."""
    token = consul_acl.token(bed, consul_acl.NAP)
    path = f"/v1/kv/nap/v1/lock/app/{nap.owner}/{app}?keys"

    def free() -> bool:
        try:
            return not consul_api.call(bed, bed.hosts[0], "GET", path, token=token)
        except BedError:
            return True  # Consul says 404

    eventually(free, "the app's lock", within=60)


def status(nap: Nap) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [PROGRAM, "health", "status", "--format", "json"],
        env=nap.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {f"{row['app']}/{row['replica']}": row for row in rows}


def last_deployment(nap: Nap, app: str) -> str:
    """By which verb the newest revision of an app was deployed last, as the records have it."""
    (newest, *_) = json.loads(nap("history", app, "--format", "json").out)
    return str(newest["verb"])


def happened(nap: Nap, *words: str) -> list[str]:
    """What the events say that has these words."""
    lines = nap("health", "events", "-n", "1000").out.splitlines()
    return [line for line in lines if all(word in line for word in words)]


def serving(bed: Bed, nap: Nap, app: str, service: str) -> dict[str, list[str]]:
    """Host → names of the service's running containers, asked of every engine itself: also of one
    that is cut off, over its own socket."""
    found = {}
    for host in bed.hosts:
        if hosts.state(bed, host) in ("down", "engine down"):
            continue
        labels = [f"io.nap.app={app}", f"io.nap.service={service}"]
        listed = docker_api.call(
            host, "GET", "/containers/json", query={"filters": json.dumps({"label": labels})}
        )
        names = [each["Names"][0] for each in listed]
        if names:
            found[host.name] = names
    return found


def count(found: dict[str, list[str]]) -> int:
    return sum(map(len, found.values()))


def crash(bed: Bed, row: dict[str, Any]) -> None:
    docker_api.call(bed.host(row["Host"]), "POST", f"/containers/{row['ID']}/kill")


def with_failover(bed: Bed, name: str, **settings: str) -> Path:
    """A cluster file beside the bed's own, with these settings of `failover`."""
    content = {**yaml.safe_load(bed.cluster_file.read_text()), "failover": settings}
    path = bed.directory / f"{name}.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def leading_manager(bed: Bed) -> Host:
    """The swarm's."""
    return next(
        bed.host(node["Description"]["Hostname"])
        for node in docker_api.call(bed.hosts[0], "GET", "/nodes")
        if node.get("ManagerStatus", {}).get("Leader")
    )


def replica_on(nap: Nap, app: str, host: Host) -> str:
    """The slot of an app that a host holds."""
    (slot,) = (slot for slot, row in nap.rows(app).items() if row["Host"] == host.name)
    return slot
