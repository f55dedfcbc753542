"""What streams: talking with a container's processes, its files, its whole as a tar or an image.

The person's side of a talk is a Console. Only data crosses the border, never a file or a path of
the person's machine: what they type, what a process prints, the size of their terminal, signals.
Each call waits until the other side has taken the data, so neither piles it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from nap_compose.border.deploying import Outcome
from nap_compose.border.words import Cancel, Target
from nap_compose.compose.model import App
from nap_compose.orchestration.events import OnEvent
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Typed:
    """Input for the process; empty where no more comes."""

    data: bytes


@dataclass(frozen=True)
class Resized:
    """The person's terminal has this size now."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Signalled:
    """A signal that reached the person's process: its number, as Linux counts."""

    number: int


FromPerson = Typed | Resized | Signalled


class Console(Protocol):
    """The person's side of a talk."""

    def open(self, *, tty: bool) -> Resized | None:
        """The talk begins; with `tty` the process has a terminal. Gives the size of the person's
        own, None where they have none."""

    def heard(self) -> Iterator[FromPerson]:
        """What comes from the person, until `close`. Read in a thread of its own."""

    def show(self, source: str, data: bytes) -> None:
        """What the process prints on "stdout" or "stderr"."""

    def close(self) -> None:
        """The talk is over: `heard` ends."""


@dataclass(frozen=True)
class ExecRequest:
    """Run another process in a running replica; replica 0 is the first that runs.

    `environment` as `KEY=value`. With `stdin` the process reads what the person types; with
    `detach` it is started and left alone. `detach_keys` as Docker writes them ("ctrl-p,ctrl-q").
    """

    target: Target
    command: tuple[str, ...]
    tty: bool = False
    stdin: bool = True
    detach: bool = False
    environment: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    privileged: bool = False
    detach_keys: str = ""


@dataclass(frozen=True)
class AttachRequest:
    """Talk with a replica's own process. With `pass_signals` those that reach nap reach it."""

    target: Target
    stdin: bool = True
    pass_signals: bool = True
    detach_keys: str = ""


@dataclass(frozen=True)
class Ended:
    """How a talk or a container ended: with the process's exit `code`, or it goes on without us
    (`detached`), or its engine starts it again (`restarts`)."""

    subject: str
    host: str
    code: int = 0
    detached: bool = False
    restarts: bool = False


@dataclass(frozen=True)
class RunRequest:
    """Make a one-off container of a service, with what it needs brought up first.

    In `app` the service stands as the one-off is to be; `whole` is the app as the file has it.
    `name` is the container's (empty: nap makes one up); with `remove` the engine removes it when
    it has ended. With `stdin` its input ends with the person's. With `use_aliases` it also answers
    to the service's names on its networks. The rest as in UpRequest.
    """

    app: App
    whole: App
    service: str
    name: str = ""
    remove: bool = False
    stdin: bool = True
    use_aliases: bool = False
    no_deps: bool = False
    pull: str = ""
    build: str = ""
    quiet_build: bool = False
    remove_orphans: bool = False
    timeout: float = 600.0
    supply: Callable[[str], bytes] | None = None
    contexts: Callable[[str], Iterator[bytes]] | None = None


@dataclass(frozen=True)
class Made:
    """A one-off container that was made and not yet started; `outcomes` are the deployments that
    led to it. `container` is its name, empty where one of them came to no good end."""

    target: Target
    outcomes: tuple[Outcome, ...]
    host: str = ""
    container: str = ""
    remove: bool = False
    overlay: str = ""


@dataclass(frozen=True)
class PathStat:
    """What is at a path of a replica: `kind` is file, folder, link or other; `link` where a link
    leads; `size` in bytes; `mode` the permission bits."""

    subject: str
    host: str
    name: str
    kind: str
    size: int = 0
    mode: int = 0
    link: str = ""


@dataclass(frozen=True)
class CommitRequest:
    """Make an image of what a replica is now. `changes` are Dockerfile instructions."""

    target: Target
    reference: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    pause: bool = True


@dataclass(frozen=True)
class Committed:
    """The image that was made, and the host that has it; `reference` is its name, if any."""

    subject: str
    host: str
    image: str
    reference: str = ""


class Streaming(Protocol):
    """The calls that stream. Every method raises NapError with its exit code."""

    def execute(self, request: ExecRequest, console: Console) -> Ended: ...
    def attach(self, request: AttachRequest, console: Console) -> Ended: ...

    def make_oneoff(self, request: RunRequest, on_event: OnEvent, cancel: Cancel) -> Made: ...

    def run_oneoff(self, made: Made, console: Console | None, *, detach_keys: str = "") -> Ended:
        """Start it and talk with it until it ends; without a console it is left alone."""

    def replicas(self, target: Target, *, oneoffs: bool = False) -> tuple[Target, ...]:
        """Each replica of a service, running or not; with `oneoffs` also what `run` left.

        Raises WrongUse where there is none.
        """

    def stat(self, target: Target, path: str) -> PathStat:
        """What is at a path of a replica, running or not. Raises NapError where nothing is."""

    def fetch(self, target: Target, path: str) -> Iterator[bytes]:
        """A file or folder of a replica as a tar stream."""

    def store(
        self, target: Target, path: str, tar: Iterable[bytes], *, copy_owner: bool = False
    ) -> None:
        """Unpack a tar stream in a folder of a replica; see `engine.Engine.put_archive`."""

    def export(self, target: Target) -> Iterator[bytes]:
        """A replica's file system as a tar stream."""

    def commit(self, request: CommitRequest) -> Committed: ...
