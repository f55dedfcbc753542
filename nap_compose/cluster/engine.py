"""The engine's door: what nap asks of one Docker engine, as one Protocol.

Two clients stand behind it: a small pooled `http.client` transport for what is asked often
(list, inspect, create, start …) and docker-py for images, archives and streams. Nobody else talks
to Docker. Bodies and answers are the Engine API's own JSON (API 1.40 and up), so that no field is
lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from nap_compose.cluster.view import Absence
from nap_compose.errors import Away, NapError

Json = Mapping[str, Any]
Filters = Mapping[str, Sequence[str]]


class EngineError(NapError):
    """An engine answered with an error; `status` is its HTTP status."""

    def __init__(self, host: str, status: int, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, host=host, hint=hint)
        self.status = status


class NotFound(EngineError):
    """The engine has no such thing (404)."""


class Conflict(EngineError):
    """The name is taken, or the thing is in use or in the wrong state (409)."""


class EngineAway(Away):
    """The engine didn't answer; `why` tells a dead host from a refusal."""

    def __init__(self, host: str, why: Absence, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, host=host, hint=hint)
        self.why = why


class Engine(Protocol):
    """One engine. Every method raises EngineAway or EngineError; times are in seconds.

    Safe to use from several threads at once.
    """

    @property
    def host(self) -> str:
        """The host's name in the cluster file; "local" when embedded."""

    @property
    def address(self) -> str:
        """Where ports that this host publishes are reached: a name or an IP address."""

    @property
    def api(self) -> str:
        """The API version agreed with this engine ("1.41"), negotiated at the first call."""

    def info(self) -> Json: ...
    def version(self) -> Json: ...
    def disk_usage(self) -> Json: ...

    def containers(self, filters: Filters | None = None, *, every: bool = True) -> list[Json]: ...
    def networks(self, filters: Filters | None = None) -> list[Json]: ...
    def volumes(self, filters: Filters | None = None) -> list[Json]: ...
    def images(self, filters: Filters | None = None) -> list[Json]: ...

    def inspect_container(self, container: str) -> Json: ...
    def inspect_network(self, network: str) -> Json: ...
    def inspect_volume(self, volume: str) -> Json: ...
    def inspect_image(self, image: str) -> Json: ...

    def create_container(self, name: str, body: Json, *, platform: str = "") -> str:
        """Create a container, started later; gives its id."""

    def start_container(self, container: str) -> None: ...
    def stop_container(self, container: str, *, grace: float | None = None) -> None:
        """Ask it to stop and kill it after `grace` seconds (None: its own stop timeout)."""

    def restart_container(self, container: str, *, grace: float | None = None) -> None: ...
    def kill_container(self, container: str, *, signal: str = "") -> None: ...
    def pause_container(self, container: str) -> None: ...
    def unpause_container(self, container: str) -> None: ...
    def rename_container(self, container: str, name: str) -> None: ...
    def remove_container(
        self, container: str, *, volumes: bool = False, force: bool = False
    ) -> None: ...
    def wait_container(self, container: str, *, timeout: float) -> int:
        """Its exit code, once it has ended; EngineAway with why=timeout after `timeout`."""

    def create_network(self, body: Json) -> str: ...
    def remove_network(self, network: str) -> None: ...
    def connect_network(self, network: str, body: Json) -> None: ...
    def disconnect_network(self, network: str, container: str, *, force: bool = False) -> None: ...
    def create_volume(self, body: Json) -> Json: ...
    def remove_volume(self, volume: str, *, force: bool = False) -> None: ...

    def pull_image(
        self, image: str, *, platform: str = "", auth: Mapping[str, str] | None = None
    ) -> Iterator[Json]:
        """The engine's progress records; an error record is raised as EngineError."""

    def save_image(self, image: str) -> Iterator[bytes]:
        """The image as a tar stream, in pieces, never whole in memory."""

    def load_image(self, tar: Iterable[bytes]) -> None: ...
    def tag_image(self, image: str, repository: str, tag: str) -> None: ...
    def remove_image(self, image: str, *, force: bool = False) -> None: ...

    def logs(
        self,
        container: str,
        *,
        follow: bool = False,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
    ) -> Iterator[tuple[str, bytes]]:
        """Lines with the engine's timestamp in front, each as ("stdout" | "stderr", line).

        `since` and `until` are seconds since 1970; `tail` None is all. Lines come without their
        line end. A lost connection raises EngineAway and never looks like a normal end.
        """

    def put_archive(self, container: str, path: str, tar: bytes) -> None: ...
    def get_archive(self, container: str, path: str) -> Iterator[bytes]: ...

    def events(
        self, *, since: float | None = None, filters: Filters | None = None
    ) -> Iterator[Json]: ...

    def close(self) -> None:
        """Close every connection; the engine can be used again afterwards."""


class Engines(Protocol):
    """The engines of a cluster, by host name, in the cluster file's order."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def on(self, host: str) -> Engine:
        """The engine of `host`. Connects at the first call made to it, not here."""
