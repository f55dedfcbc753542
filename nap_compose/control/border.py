"""The border: all that the commands may ask of whoever holds the keys.

On this side is the user's process, which reads files and prints; on the other the one that
reaches engines, state and records. What crosses is plain frozen data made of JSON's own types, so
that the same calls work in one process and over a stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.plan import Plan


@dataclass(frozen=True)
class Who:
    """Who the other side takes the caller for. `owner` is empty when embedded."""

    name: str
    owner: str
    role: str = "admin"


@dataclass(frozen=True)
class Target:
    """`[owner/]app[/service[.N]]`; an empty part is "every", replica 0 is "each"."""

    app: str = ""
    owner: str = ""
    service: str = ""
    replica: int = 0


@dataclass(frozen=True)
class UpRequest:
    """Bring the app to what the file says.

    `services` limits it to some (and what they depend on); `scale` overrides replicas; `pull` is
    always, missing or never (empty: as the file says); `timeout` is how long to wait until all is
    healthy, `grace` how long a container may take to stop (None: its own), both in seconds;
    `dry_run` stops after the plan.
    """

    app: App
    services: tuple[str, ...] = ()
    scale: Mapping[str, int] = field(default_factory=dict)
    pull: str = ""
    force_recreate: bool = False
    no_recreate: bool = False
    no_deps: bool = False
    no_start: bool = False
    wait: bool = True
    remove_orphans: bool = False
    timeout: float = 600.0
    grace: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class DownRequest:
    """Take the app away: containers and networks, with `volumes` also its data.

    It needs the hosts alone: `app` is the name, the file isn't asked for. `services` limits it.
    """

    app: str
    owner: str = ""
    services: tuple[str, ...] = ()
    volumes: bool = False
    remove_orphans: bool = False
    known_services: tuple[str, ...] | None = None
    grace: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Failure:
    """What went wrong with one container, with what a person needs to see at once.

    `log` is its last lines, `probe` the output of its last health check, `hint` the next thing
    to try.
    """

    subject: str
    host: str
    reason: str
    log: tuple[str, ...] = ()
    probe: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Published:
    """A service reached at `url` ("http://10.0.0.11:8080" for TCP, else "udp://…")."""

    subject: str
    host: str
    url: str


@dataclass(frozen=True)
class Outcome:
    """How a deployment ended: `state` is unchanged, planned, done, failed, rolled back, abandoned
    or interrupted. `left` says what was left behind, a sentence each."""

    state: str
    plan: Plan
    exit_code: int
    error: str = ""
    failures: tuple[Failure, ...] = ()
    left: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """One container in `nap ps`. `since` is when it was made, seconds since 1970."""

    owner: str
    app: str
    service: str
    replica: int
    host: str
    name: str
    id: str
    image: str
    state: str
    health: str
    status: str
    since: int
    revision: int
    urls: tuple[str, ...] = ()
    ports: tuple[Mapping[str, Any], ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True)
class HostRow:
    """One host in `nap host ls`; `problem` is empty when it answered."""

    name: str
    endpoint: str
    state: str
    engine: str = ""
    os: str = ""
    arch: str = ""
    cpus: float = 0.0
    memory: int = 0
    containers: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    overlay: str = ""
    problem: str = ""


@dataclass(frozen=True)
class AppRow:
    """One app in `nap ls`, from the labels of its containers."""

    owner: str
    app: str
    services: int
    running: int
    containers: int
    revision: int


@dataclass(frozen=True)
class Listing:
    """Rows, and warnings such as a host that wasn't seen (one sentence each)."""

    rows: tuple[Any, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogLine:
    """A line of a container's output or of a deployment's log.

    `at` is seconds since 1970 by the clock of the host it was printed on; `source` is stdout,
    stderr or deploy; `subject` the replica (`web.2`) or `deploy`; `host` empty for the latter.
    """

    at: float
    subject: str
    host: str
    source: str
    text: str


@dataclass(frozen=True)
class LogRequest:
    """Which lines of an app; `since` and `until` in seconds since 1970, `tail` lines a source."""

    target: Target
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None
    deploy: bool = True
    containers: bool = True


@dataclass(frozen=True)
class Refusal:
    """What of an app nap won't carry out: `path` leads to it in the app's document."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Checked:
    """Where an app would run, and what of it would be refused there."""

    site: Site
    refused: tuple[Refusal, ...] = ()


class Cancel(Protocol):
    """Whether the person has pressed Ctrl-C: 0 no, 1 finish what runs, 2 end at once."""

    @property
    def level(self) -> int: ...


class Control(Protocol):
    """What the commands may ask. Every method raises NapError with its exit code."""

    def whoami(self) -> Who: ...

    def notices(self) -> tuple[str, ...]:
        """What the person should know at every call, such as an engine reached without TLS."""

    def check(self, app: App) -> Checked:
        """What `up` would refuse, told without asking a host."""

    def up(self, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...
    def down(self, request: DownRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...

    def ps(self, target: Target, *, stopped: bool = False) -> Listing:
        """Rows of `Row`; with `stopped` also containers that don't run."""

    def apps(self) -> Listing:
        """Rows of `AppRow`."""

    def hosts(self) -> Listing:
        """Rows of `HostRow`, hosts that don't answer included."""

    def logs(self, request: LogRequest, warn: Any) -> Iterator[LogLine]:
        """Lines by time; `warn(text)` is called for what could not be read."""

    def close(self) -> None: ...
