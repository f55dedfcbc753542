"""The engine's door: what nap asks of one Docker engine, as one Protocol.

Two clients stand behind it: a small pooled transport for what is asked often
(list, inspect, create, start …) and docker-py for images, archives and streams. Nobody else talks
to Docker. Bodies and answers are the Engine API's own JSON (API 1.40 and up), so that no field is
lost on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


class Talk(Protocol):
    """Bytes both ways with a process in a container. One thread may read while another writes."""

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """What it prints, as ("stdout" | "stderr", bytes); of a terminal all is "stdout".

        It ends with the process's output, with the detach keys, or when the engine stops: the
        container, or the exec, tells which. Raises EngineAway where the connection breaks.
        """

    def write(self, data: bytes) -> None:
        """Give it input; dropped where nobody takes it any more."""

    def end_input(self) -> None:
        """No more input comes; its output goes on."""

    def close(self) -> None:
        """End the connection, and wake whoever reads or writes."""


class Waiter(Protocol):
    """The next end of a container's process."""

    def code(self) -> int:
        """Its exit code, as soon as there is one."""

    def give_up(self) -> None:
        """Called from another thread: whoever waits gets an EngineAway."""

    def close(self) -> None:
        """Wait no longer; called by whoever waited."""


class Events(Protocol):
    """What an engine tells, from the call on that gave this; read once."""

    def __iter__(self) -> Iterator[Json]:
        """Each as it happens. A lost connection raises EngineAway."""

    def close(self) -> None:
        """Called from another thread: whoever reads gets an EngineAway."""


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
    def update_container(self, container: str, body: Json) -> None:
        """Change its restart policy or its limits, while it runs."""

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
    def swarm(self) -> Json:
        """The swarm that this engine manages, with its join tokens."""

    def init_swarm(self, body: Json) -> None: ...
    def join_swarm(self, body: Json) -> None: ...
    def leave_swarm(self) -> None: ...

    def nodes(self) -> Sequence[Json]:
        """The nodes of the swarm that this engine manages."""

    def set_role(self, node: Json, role: str) -> None: ...
    def remove_node(self, node: str) -> None: ...
    def create_volume(self, body: Json) -> Json: ...
    def remove_volume(self, volume: str, *, force: bool = False) -> None: ...

    def pull_image(
        self, image: str, *, platform: str = "", auth: Mapping[str, str] | None = None
    ) -> Iterator[Json]:
        """The engine's progress records; an error record is raised as EngineError."""

    def push_image(self, image: str, *, auth: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Bring an image, by its name with a tag, to its registry; records as for a pull."""

    def build_image(
        self,
        query: Mapping[str, str | Sequence[str]],
        context: Iterable[bytes] | None,
        *,
        logins: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Iterator[Json]:
        """Build with the engine's classic builder; `query` in the words of `POST /build`. Records
        as for a pull; closing the engine stops it. `logins`: by registry, for what it pulls.

        `context` is a tar in pieces of any size, None where the query names a `remote` one. What
        the pieces' source raises passes through.
        """

    def check_login(self, auth: Mapping[str, str]) -> None:
        """Ask a registry whether it takes a login. Raises EngineError where it doesn't."""

    def registry_digest(self, image: str, *, auth: Mapping[str, str] | None = None) -> str:
        """The digest (`sha256:…`) that its registry has now for `image`; nothing is pulled.

        `auth` as the registry wants it (username, password …); None or empty: nobody's.
        """

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
        stream: str = "",
    ) -> Iterator[tuple[str, bytes]]:
        """Lines with the engine's timestamp in front, each as ("stdout" | "stderr", line).

        `since` and `until` are seconds since 1970; `tail` None is all; `stream` is stdout or
        stderr, empty for both. Lines come without their
        line end. A lost connection raises EngineAway and never looks like a normal end.
        """

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
        """As `logs`, as many lines at once as have come: for whoever reads millions."""

    def create_exec(self, container: str, body: Json) -> str:
        """Prepare another process in a running container (`Cmd`, `Tty`, …); gives its id."""

    def start_exec(self, exec_id: str) -> None:
        """Start it and leave it alone."""

    def talk_to_exec(self, exec_id: str, *, tty: bool) -> Talk:
        """Start it and talk with it; `tty` as it was created."""

    def inspect_exec(self, exec_id: str) -> Json:
        """`Running`, `ExitCode` and the rest."""

    def resize_exec(self, exec_id: str, rows: int, columns: int) -> None: ...

    def await_exit(self, container: str) -> Waiter:
        """Watch for the next end of the container's process; from now on none is missed, also of a
        container that hasn't started or is removed at its end."""

    def attach_container(
        self, container: str, *, tty: bool, stdin: bool, detach_keys: str = ""
    ) -> Talk:
        """Talk with the container's own process, from now on; `tty` as it was created.

        `detach_keys` end the talk of a terminal (empty: the engine's own, ctrl-p and ctrl-q).
        """

    def resize_container(self, container: str, rows: int, columns: int) -> None: ...

    def export_container(self, container: str) -> Iterator[bytes]:
        """Its whole file system as a tar stream, volumes left out."""

    def commit_container(
        self,
        container: str,
        *,
        repository: str = "",
        tag: str = "",
        comment: str = "",
        author: str = "",
        changes: Sequence[str] = (),
        pause: bool = True,
    ) -> str:
        """Make an image of what it is now; gives the image's id."""

    def put_archive(
        self,
        container: str,
        path: str,
        tar: Iterable[bytes],
        *,
        copy_owner: bool = False,
        keep_kinds: bool = False,
    ) -> None:
        """Unpack a tar, given in pieces of any size, in the folder `path` of a container.

        It needn't run. What the pieces' source raises passes through. With `copy_owner` all that
        is unpacked belongs to the container's own user instead of whom the tar names; with
        `keep_kinds` no folder is replaced by what isn't one, nor the other way round.
        """

    def get_archive(self, container: str, path: str) -> Iterator[bytes]:
        """A file or folder of a container as a tar stream, in pieces, never whole in memory."""

    def path_stat(self, container: str, path: str) -> Json:
        """What is at a path of a container: `name`, `size`, `mode` (Go's), `mtime`, `linkTarget`.

        Raises NotFound where nothing is.
        """

    def processes(self, container: str) -> Json:
        """What runs in a container: `Titles` and, a list of cells each, `Processes`."""

    def usage(self, container: str) -> Json:
        """What a container has used up to now, as `GET /containers/ID/stats` has it; asked once,
        nothing is measured meanwhile."""

    def events(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        filters: Filters | None = None,
    ) -> Events:
        """Events as they happen, with `until` (seconds since 1970) up to then, else without end."""

    def close(self) -> None:
        """Close every connection; the engine can be used again afterwards."""


def speaks(engine: Engine, major: int, minor: int) -> bool:
    """Whether the API version agreed with the engine is that one or a newer one."""
    agreed = tuple(int(part) for part in engine.api.split("."))
    return agreed >= (major, minor)


class Engines(Protocol):
    """The engines of a cluster, by host name, in the cluster file's order."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def begin(self, hosts: Collection[str]) -> None:
        """Begin to connect to hosts that are about to be asked, and wait for none of them."""

    def on(self, host: str) -> Engine:
        """The engine of `host`. Connects at the first call made to it, not here."""
