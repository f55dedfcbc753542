"""One Docker engine, as the rest of nap sees it: the Engine of `engine.py`.

Small calls go through nap's own transport (`engine_http`), images through docker-py
(`engine_docker`), and neither shows here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from nap_compose.cluster import engine_docker
from nap_compose.cluster import engine_faults as faults
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.engine import EngineAway, EngineError, Filters, Json, NotFound
from nap_compose.cluster.engine_ahead import Begun
from nap_compose.cluster.engine_calls import filtered
from nap_compose.cluster.engine_endpoint import Endpoint
from nap_compose.cluster.engine_events import EngineEvents
from nap_compose.cluster.engine_http import (
    CHANGE_TIMEOUT,
    Request,
    Transport,
    in_path,
)
from nap_compose.cluster.engine_logs import BrokenFrame, framed_batches, raw_batches
from nap_compose.cluster.engine_progress import checked
from nap_compose.cluster.engine_sessions import Sessions
from nap_compose.cluster.engine_swarm import SwarmCalls
from nap_compose.cluster.view import Absence

STOP_GRACE = 10.0
"""Seconds that an engine gives a container which names no time of its own."""

_SETTLE = 2.0
"""Seconds that a container may take from its log's end to its own."""


class DockerEngine(Sessions, SwarmCalls):
    """A host's engine. Connects at the first call; see `engine.Engine` for what each call does.

    `own_logins`: a pull without credentials uses the logins of the person who runs nap, as
    `docker pull` does. On a cluster nap runs as a service, whose logins are nobody's business.
    """

    def __init__(self, host: Host, *, own_logins: bool = False) -> None:
        super().__init__(Transport(host))
        self._host = host
        self._own_logins = own_logins

    @property
    def host(self) -> str:
        """The host's name in the cluster file."""
        return self._host.name

    @property
    def address(self) -> str:
        """Where ports that this host publishes are reached."""
        return self._host.publish_ip or self._http.endpoint.name or "localhost"

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens."""
        return self._http.endpoint

    @property
    def api(self) -> str:
        """The API version agreed with this engine."""
        return self._http.api

    def __repr__(self) -> str:
        return f"DockerEngine({self.host!r}, {self.endpoint})"

    def begin(self) -> Begun | None:
        """Begin to connect, ahead of the first call."""
        return self._http.begin()

    def close(self) -> None:
        """Close every connection and break every stream off."""
        self._http.close()

    # -- the engine itself

    def info(self) -> Json:
        """What the engine says of itself and its machine."""
        return self._object("/info")

    def version(self) -> Json:
        """The engine's release."""
        return self._object("/version")

    def disk_usage(self) -> Json:
        """What images, containers and volumes take; slow on a full host."""
        return self._object("/system/df", timeout=CHANGE_TIMEOUT)

    # -- lists

    def containers(self, filters: Filters | None = None, *, every: bool = True) -> list[Json]:
        """Containers as the engine lists them; without `every` only those that run."""
        return self._list("/containers/json", filters, all="true" if every else "false")

    def networks(self, filters: Filters | None = None) -> list[Json]:
        """Networks that this engine knows."""
        return self._list("/networks", filters)

    def volumes(self, filters: Filters | None = None) -> list[Json]:
        """Volumes on this host."""
        found = self._object("/volumes", filtered(filters))
        return cast(list[Json], found.get("Volumes") or [])

    def images(self, filters: Filters | None = None) -> list[Json]:
        """Images on this host, those in between left out."""
        return self._list("/images/json", filters)

    # -- one thing

    def inspect_container(self, container: str) -> Json:
        """All that the engine knows of a container."""
        return self._object(f"{self._container(container)}/json")

    def inspect_network(self, network: str) -> Json:
        """All that the engine knows of a network, by id or name."""
        return self._object(f"/networks/{in_path(self.host, network)}")

    def inspect_volume(self, volume: str) -> Json:
        """All that the engine knows of a volume."""
        return self._object(f"/volumes/{in_path(self.host, volume)}")

    def inspect_image(self, image: str) -> Json:
        """All that the engine knows of an image, by name, digest or id."""
        return self._object(f"{self._image(image)}/json")

    # -- containers

    def create_container(self, name: str, body: Json, *, platform: str = "") -> str:
        """Create a container without starting it; gives its id."""
        query = {"name": name} | ({"platform": platform} if platform else {})
        return str(self._post("/containers/create", query, body)["Id"])

    def start_container(self, container: str) -> None:
        """Start it; one that runs already is left alone."""
        self._post(f"{self._container(container)}/start")

    def stop_container(self, container: str, *, grace: float | None = None) -> None:
        """Ask it to stop and kill it after `grace` seconds (None: its own stop timeout)."""
        self._stop("stop", container, grace)

    def restart_container(self, container: str, *, grace: float | None = None) -> None:
        """Stop it as `stop_container` does and start it again."""
        self._stop("restart", container, grace)

    def kill_container(self, container: str, *, signal: str = "") -> None:
        """Send it a signal, SIGKILL where none is named."""
        self._post(f"{self._container(container)}/kill", {"signal": signal} if signal else {})

    def pause_container(self, container: str) -> None:
        """Freeze its processes."""
        self._post(f"{self._container(container)}/pause")

    def unpause_container(self, container: str) -> None:
        """Let its processes go on."""
        self._post(f"{self._container(container)}/unpause")

    def rename_container(self, container: str, name: str) -> None:
        """Give it another name."""
        self._post(f"{self._container(container)}/rename", {"name": name})

    def update_container(self, container: str, body: Json) -> None:
        """Change what can be changed of it: its restart policy, what it may use."""
        self._post(f"{self._container(container)}/update", body=body)

    def remove_container(
        self, container: str, *, volumes: bool = False, force: bool = False
    ) -> None:
        """Remove it, with `volumes` its anonymous ones too; `force` kills it first."""
        self._delete(self._container(container), v=volumes, force=force)

    def wait_container(self, container: str, *, timeout: float) -> int:
        """Its exit code, once it has ended; one that never ran counts as ended.

        Raises EngineAway with why=timeout where it still runs after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        request = Request("POST", f"{self._container(container)}/wait", timeout=max(timeout, 0.001))
        with self._http.open(request) as stream:
            stream.wait_at_most(max(deadline - time.monotonic(), 0.001))
            answer = json.loads(stream.read())
        error = (answer.get("Error") or {}).get("Message")
        if error:
            raise EngineError(self.host, 500, error)
        return int(answer["StatusCode"])

    # -- networks and volumes

    def create_network(self, body: Json) -> str:
        """Create a network; gives its id. Names aren't unique to an engine: look first."""
        return str(self._post("/networks/create", {}, body)["Id"])

    def remove_network(self, network: str) -> None:
        """Remove a network that nobody is attached to."""
        self._delete(f"/networks/{in_path(self.host, network)}")

    def connect_network(self, network: str, body: Json) -> None:
        """Attach a container: `{"Container": …, "EndpointConfig": {…}}`."""
        self._post(f"/networks/{in_path(self.host, network)}/connect", {}, body)

    def disconnect_network(self, network: str, container: str, *, force: bool = False) -> None:
        """Detach a container; `force` does so for one on a host that is gone, by its name."""
        body = {"Container": container, "Force": force}
        self._post(f"/networks/{in_path(self.host, network)}/disconnect", {}, body)

    def create_volume(self, body: Json) -> Json:
        """Create a volume. One of that name stays as it is, whatever its options: compare."""
        return cast(Json, self._post("/volumes/create", {}, body))

    def remove_volume(self, volume: str, *, force: bool = False) -> None:
        """Remove a volume that no container uses."""
        self._delete(f"/volumes/{in_path(self.host, volume)}", force=force)

    # -- images

    def pull_image(
        self, image: str, *, platform: str = "", auth: Mapping[str, str] | None = None
    ) -> Iterator[Json]:
        """The engine's progress records; an error among them is raised as EngineError."""
        known = auth if auth is not None or self._own_logins else {}
        return engine_docker.pull(self._host, self.api, image, platform=platform, auth=known)

    def push_image(self, image: str, *, auth: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Bring an image to its registry; an error among the records is raised as EngineError."""
        known = auth if auth is not None or self._own_logins else {}
        return engine_docker.push(self._host, self.api, image, auth=known)

    def build_image(
        self,
        query: Mapping[str, str | Sequence[str]],
        context: Iterable[bytes] | None,
        *,
        logins: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Iterator[Json]:
        """Build with the engine's classic builder; see `engine.Engine.build_image`."""
        if logins is None:
            logins = engine_docker.own_logins() if self._own_logins else {}
        given = {registry: dict(login) for registry, login in logins.items()}
        headers = {"Content-Type": "application/x-tar", "X-Registry-Config": _in_header(given)}
        # A step of a build may say nothing for hours; only TCP can tell that its host is dead.
        request = Request("POST", "/build", query, context or b"", headers, timeout=None)
        with self._http.open(request) as stream:
            for line in stream.lines():
                if line.strip():
                    yield checked(self.host, json.loads(line))

    def check_login(self, auth: Mapping[str, str]) -> None:
        """Ask a registry whether it takes a login; see `engine.Engine.check_login`."""
        self._post("/auth", {}, dict(auth))

    def registry_digest(self, image: str, *, auth: Mapping[str, str] | None = None) -> str:
        """The digest that its registry has now for `image`, of which nothing is pulled."""
        path = f"/distribution/{in_path(self.host, image, slashes=True)}/json"
        headers = {"X-Registry-Auth": _in_header(dict(auth or {}))}
        found = self._http.call(Request("GET", path, {}, None, headers, CHANGE_TIMEOUT))
        return str(found["Descriptor"]["digest"])

    def save_image(self, image: str) -> Iterator[bytes]:
        """The image as a tar stream, in pieces, never whole in memory."""
        return engine_docker.save(self._host, self.api, image)

    def load_image(self, tar: Iterable[bytes]) -> None:
        """Take an image in, as `save_image` gives it."""
        engine_docker.load(self._host, self.api, tar)

    def tag_image(self, image: str, repository: str, tag: str) -> None:
        """Give an image another name."""
        self._post(f"{self._image(image)}/tag", {"repo": repository, "tag": tag})

    def remove_image(self, image: str, *, force: bool = False) -> None:
        """Take a name away, and the image with its last one."""
        self._delete(self._image(image), force=force)

    # -- streams

    def logs(
        self,
        container: str,
        *,
        follow: bool = False,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
        stream: str = "",
    ) -> Iterator[tuple[str, bytes]]:
        """Lines with the engine's timestamp in front; see `engine.Engine.logs`."""
        for batch in self.log_batches(
            container, follow=follow, since=since, until=until, tail=tail, stream=stream
        ):
            yield from batch

    def log_batches(
        self,
        container: str,
        *,
        follow: bool = False,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
        stream: str = "",
    ) -> Iterator[Sequence[tuple[str, bytes]]]:
        """The same, as many lines at once as came."""
        before = self.inspect_container(container)
        query = {each: "true" for each in ("stdout", "stderr") if stream in ("", each)}
        query |= {"timestamps": "true"}
        query |= _span(since, until)
        query |= {"tail": str(tail)} if tail is not None else {}
        query |= {"follow": "true"} if follow else {}
        path = f"{self._container(container)}/logs"
        with self._http.open(Request("GET", path, query)) as answer:
            if follow:
                answer.wait_at_most(None)
            else:
                answer.gather()
            tty = bool(before["Config"].get("Tty"))
            try:
                yield from (raw_batches if tty else framed_batches)(answer.pieces())
            except BrokenFrame:
                raise faults.lost(self.host, self.endpoint) from None
        if follow:
            self._check_ended(container, before)

    def processes(self, container: str) -> Json:
        """What runs in a container."""
        return self._object(f"{self._container(container)}/top")

    def usage(self, container: str) -> Json:
        """What a container has used up to now; see `engine.Engine.usage`."""
        query = {"stream": "false", "one-shot": "true"}
        return self._object(f"{self._container(container)}/stats", query)

    def events(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        filters: Filters | None = None,
    ) -> EngineEvents:
        """The engine's events as they happen; see `engine.Engine.events`."""
        # The engine answers with the headers as soon as it listens.
        stream = self._get("/events", _span(since, until) | filtered(filters))
        return EngineEvents(stream, until, faults.lost(self.host, self.endpoint))

    # -- how

    def _stop(self, verb: str, container: str, grace: float | None) -> None:
        path = f"{self._container(container)}/{verb}"
        if grace is None:
            # Asked before, for it can't be hung up on: engine 23, and 24 at first, then kill it.
            own = self.inspect_container(container)["Config"].get("StopTimeout")
            wait = STOP_GRACE if own is None else float(own)
            self._post(path, timeout=wait + CHANGE_TIMEOUT)
        else:
            # The engine takes whole seconds; a fraction must not become "kill it at once".
            seconds = -int(-grace // 1)
            self._post(path, {"t": str(seconds)}, timeout=seconds + CHANGE_TIMEOUT)

    def _check_ended(self, container: str, before: Json) -> None:
        """Raise EngineAway where a log that was followed ended and its container didn't.

        An engine that stops in good order ends its streams in good order too.
        """
        deadline = time.monotonic() + _SETTLE
        while True:
            try:
                state = self.inspect_container(container)["State"]
            except NotFound:
                return
            same_run = state.get("StartedAt") == before["State"].get("StartedAt")
            if not (state.get("Running") and same_run):
                return
            if time.monotonic() > deadline:
                raise EngineAway(
                    self.host,
                    Absence.BROKEN,
                    f"{self.endpoint} ended the log of a container that goes on",
                )
            time.sleep(0.1)

    def _image(self, image: str) -> str:
        return f"/images/{in_path(self.host, image, slashes=True)}"


def _span(since: float | None, until: float | None) -> dict[str, str]:
    span = {"since": since, "until": until}
    return {name: f"{at:.9f}" for name, at in span.items() if at is not None}


def _in_header(logins: Mapping[str, object]) -> str:
    """Logins as engines read them from a header."""
    import base64

    return base64.urlsafe_b64encode(json.dumps(logins).encode()).decode()
