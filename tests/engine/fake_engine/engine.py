"""A fake Docker engine on a real socket, and several of them as a cluster."""

from __future__ import annotations

import contextlib
import re
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import Cluster, Host, Logs, Tls
from tests.engine.fake_engine.faults import EngineFault, Fault, Recorded
from tests.engine.fake_engine.overlay import Overlay, Registry
from tests.engine.fake_engine.server import Server
from tests.engine.fake_engine.things import Behaviour, Container, Image
from tests.engine.fake_engine.world import World


class FakeEngine:
    """A stateful Docker engine as far as nap and Docker Compose use one.

    `address` is a path for a unix socket or (IP, port), port 0 for any that is free. `tls` makes it
    ask for client certificates as `--tlsverify` does; `client_tls` is what a Host is given to
    reach it. `latency` seconds come before each answer; with `one_at_a_time` what changes something
    waits for what was asked before it. Use it in a `with`, or `start` and `stop`
    it; stopped and started again it has everything it had, at the same address.

    `skew` is its clock less ours; `ends_logs` makes it end followed logs in good order though their
    containers run, as a real one does that is told to stop.

    What it was asked is in `requests`; what it couldn't answer in `unknown`. `containers`,
    `images`, … of `world` may be read and changed under `world.lock`.
    """

    def __init__(
        self,
        name: str = "local",
        address: str | tuple[str, int] = ("127.0.0.1", 0),
        *,
        api: str = "1.51",
        oldest_api: str = "1.24",
        release: str = "28.5.2",
        tls: ssl.SSLContext | None = None,
        client_tls: Tls | None = None,
        registry: Registry | None = None,
        overlay: Overlay | None = None,
    ) -> None:
        self.name = name
        self.api = api
        self.oldest_api = oldest_api
        self.release = release
        self.latency = 0.0
        self.one_at_a_time = False
        self._turn = threading.Lock()
        self.cpus = 4
        self.memory = 8 << 30
        self.architecture = "x86_64"
        self.labels: list[str] = []
        self.skew = 0.0
        self.ends_logs = False
        self.requests: list[Recorded] = []
        self.unknown: list[str] = []
        self.faults: list[Fault] = []
        self.programs: dict[str, Any] = {}
        self.execs: dict[str, Any] = {}
        self.registry = registry or Registry()
        self.world = World(name, self.registry, overlay)
        self._address: Any = address
        self._tls = tls
        self._client_tls = client_tls
        self._server: Server | None = None
        self._lock = threading.Lock()

    # -- running

    def start(self) -> FakeEngine:
        """Listen. An engine that listens already is left alone."""
        if self._server is None:
            self._server = Server(self, self._address, self._tls)
            self._address = self._server.server_address
            threading.Thread(
                target=self._server.serve_forever, args=(0.02,), daemon=True, name=self.name
            ).start()
        return self

    def stop(self) -> None:
        """Go away as a crashed host does: connections break, nothing listens any more."""
        server, self._server = self._server, None
        if server:
            server.alive = False
            server.shutdown()
            server.server_close()
            server.cut()
            if isinstance(self._address, str):
                Path(self._address).unlink(missing_ok=True)

    def cut(self) -> None:
        """Break every connection; the engine goes on."""
        if self._server:
            self._server.cut()

    def take_time(self, method: str, more: float = 0.0) -> None:
        """Let the time pass that an answer takes: its `latency` and `more` seconds."""
        changes = self.one_at_a_time and method not in ("GET", "HEAD")
        with self._turn if changes else contextlib.nullcontext():
            time.sleep(self.latency + more)

    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._server.open) if self._server else 0

    def __enter__(self) -> FakeEngine:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # -- reaching it

    @property
    def endpoint(self) -> str:
        """`unix:///PATH` or `tcp://IP:PORT`: also what DOCKER_HOST takes."""
        if isinstance(self._address, str):
            return f"unix://{self._address}"
        return f"tcp://{self._address[0]}:{self._address[1]}"

    def host(self, **options: Any) -> Host:
        """The host of a cluster file that this engine is."""
        options.setdefault("tls", self._client_tls)
        return Host(self.name, self.endpoint, **options)

    # -- what it has and does

    def add_image(self, name: str, *, size: int = 100_000, base: int = 0, **config: Any) -> Image:
        """Have an image; `config` are its own fields (Labels, Healthcheck, ExposedPorts …)."""
        image = Image(name, config, size, base=base)
        with self.world.lock:
            self.world.images[image.id] = image
        return image

    def behave(self, pattern: str, behaviour: Behaviour) -> None:
        """Containers made from now on, whose name or image the glob fits, do so."""
        self.world.behaviours.append((pattern, behaviour))

    def take_port(self, port: int, protocol: str = "tcp") -> None:
        """Some other program on the host has that port."""
        self.world.taken_ports.add((port, protocol))

    def say(
        self, container: str, text: str, source: str = "stdout", at: float | None = None
    ) -> None:
        """A container prints a line, now or `at` that time in seconds since 1970."""
        import time

        with self.world.lock:
            line = (time.time() if at is None else at, source, text)
            self.world.container(container).log.append(line)

    def container(self, name: str) -> Container:
        """A container as it is now. Raises EngineFault where there is none."""
        with self.world.lock:
            self.world.tick()
            return self.world.container(name)

    def exit(self, name: str, code: int = 1) -> None:
        """A container's process ends by itself."""
        with self.world.lock:
            self.world.end(self.world.container(name), code)

    # -- what goes wrong, and what was asked

    def fault(self, method: str = ".*", path: str = ".*", **what: Any) -> Fault:
        """Make something go wrong from now on; see Fault. `lift()` what is given ends it."""
        fault = Fault(method, path, **what)
        with self._lock:
            self.faults.append(fault)
        return fault

    def calls(self, method: str = ".*", path: str = ".*") -> list[Recorded]:
        """The requests so far whose method and path (without version) these find."""
        with self._lock:
            return [
                each
                for each in self.requests
                if re.fullmatch(method, each.method) and re.fullmatch(path, each.path)
            ]

    def forget(self) -> None:
        """Start the list of requests anew."""
        with self._lock:
            self.requests.clear()

    # -- for the server

    @property
    def newest(self) -> tuple[int, int]:
        """The newest API version it speaks."""
        return _numbers(self.api)

    def record(self, request: Recorded) -> None:
        """Write a request down."""
        with self._lock:
            self.requests.append(request)

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The first fault that hits this request."""
        with self._lock:
            return next((each for each in self.faults if each.applies(method, path)), None)

    def check_version(self, version: tuple[int, int]) -> None:
        """Refuse a version that it doesn't speak, in the words of a real engine."""
        asked = ".".join(str(number) for number in version)
        if version > self.newest:
            raise EngineFault(
                400,
                f"client version {asked} is too new. Maximum supported API version is {self.api}",
            )
        if version < _numbers(self.oldest_api):
            raise EngineFault(
                400,
                f"client version {asked} is too old. Minimum supported API version is "
                f"{self.oldest_api}, please upgrade your client to a newer version",
            )

    def clock(self) -> str:
        """The host's clock, `skew` seconds ahead of ours."""
        now = datetime.now(timezone.utc) + timedelta(seconds=self.skew)
        return now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


class FakeCluster:
    """Several fake engines h1, h2, … on 127.0.0.1, 127.0.0.2, …, with one registry.

    `overlay` joins them: "swarm" (the first three are managers), "consul", or None for engines that
    know nothing of one another. `cluster` is what a cluster file with these hosts would give.
    """

    def __init__(
        self, size: int = 3, overlay: str | None = "swarm", *, state_dir: Path | None = None
    ) -> None:
        self.registry = Registry()
        self.overlay = Overlay(overlay) if overlay else None
        self.engines = [
            FakeEngine(
                f"h{number}",
                (f"127.0.0.{number}", 0),
                registry=self.registry,
                overlay=self.overlay,
            )
            for number in range(1, size + 1)
        ]
        self._folder = None if state_dir else tempfile.TemporaryDirectory()
        self.state_dir = state_dir or Path(self._folder.name if self._folder else "")

    def __getitem__(self, host: str) -> FakeEngine:
        return next(engine for engine in self.engines if engine.name == host)

    def __iter__(self) -> Iterator[FakeEngine]:
        return iter(self.engines)

    @property
    def cluster(self) -> Cluster:
        """The cluster that these engines are the hosts of."""
        return Cluster(
            name="test",
            hosts={engine.name: engine.host() for engine in self.engines},
            state_dir=self.state_dir,
            logs=Logs(self.state_dir / "logs"),
        )

    def add_image(self, name: str, **config: Any) -> None:
        """Have an image on every host."""
        for engine in self.engines:
            engine.add_image(name, **config)

    def behave(self, pattern: str, behaviour: Behaviour) -> None:
        """As FakeEngine.behave, on every host."""
        for engine in self.engines:
            engine.behave(pattern, behaviour)

    def calls(self, method: str = ".*", path: str = ".*") -> list[Recorded]:
        """Every engine's requests, in the order in which they came."""
        found = [each for engine in self.engines for each in engine.calls(method, path)]
        return sorted(found, key=lambda each: each.at)

    def forget(self) -> None:
        """Start every engine's list of requests anew."""
        for engine in self.engines:
            engine.forget()

    def __enter__(self) -> FakeCluster:
        for engine in self.engines:
            engine.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for engine in self.engines:
            engine.stop()
        if self._folder:
            self._folder.cleanup()


@contextmanager
def fake_cluster(size: int = 3, overlay: str | None = "swarm") -> Iterator[FakeCluster]:
    """A running cluster of fake engines for as long as a with block lasts."""
    with FakeCluster(size, overlay) as cluster:
        yield cluster


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)
