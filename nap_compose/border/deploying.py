"""What changes an app: what is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from nap_compose.border.words import Cancel, Target
from nap_compose.cluster.pins import Pins
from nap_compose.compose.model import App
from nap_compose.orchestration.differences import Difference
from nap_compose.orchestration.events import OnEvent
from nap_compose.orchestration.explanation import Explanation
from nap_compose.orchestration.plan import Plan, Verb
from nap_compose.orchestration.saved import SavedPlan
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.streaming import Ended


@dataclass(frozen=True)
class UpRequest:
    """Bring the app to what the file says.

    `services` limits it to some (and what they depend on); `scale` overrides replicas; `pull` is
    always, missing or never (empty: as the file says); without `wait` only what services need of
    each other is waited for; `timeout` is how long to wait until all is healthy, `grace` how long
    a container may take to stop (None: its own), both in seconds; `may_lose` says of volumes, by
    key, whether they may be made anew, their data lost;
    with `careful` nothing is done either where a replica would move to another host, or one would
    go that the request doesn't name: a person is asked first;
    `dry_run` stops after the plan; `why` are services whose placement it then explains; with
    `keep` the plan can be run later. `without` are hosts that count as drained; `moves` are
    replicas (`web.2`) that are to go to other hosts, if these have room; a dry run takes the
    containers (by id) in `as_if` for being on those hosts already.
    `pins` name the very images that services are to run, whatever their names stand for now.
    `build` is always or never (empty: as the file says, and what is nowhere); `contexts` gives what
    the builder is sent, and `quiet_build` shows nothing of what it prints.
    With `fresh` a Compose project of that name on some host is left alone, and the app begun anew.
    `supply` gives the bytes of what `app.content` names, by key, as far as they aren't kept
    already; the other side never gets a path to read.
    """

    app: App
    services: tuple[str, ...] = ()
    scale: Mapping[str, int] = field(default_factory=dict)
    pull: str = ""
    force_recreate: bool = False
    no_recreate: bool = False
    always_recreate_deps: bool = False
    renew_anon_volumes: bool = False
    may_lose: Mapping[str, bool] = field(default_factory=dict)
    careful: bool = False
    no_deps: bool = False
    no_start: bool = False
    wait: bool = True
    remove_orphans: bool = False
    timeout: float = 600.0
    grace: float | None = None
    dry_run: bool = False
    why: tuple[str, ...] = ()
    keep: bool = False
    without: tuple[str, ...] = ()
    moves: Mapping[str, str] = field(default_factory=dict)
    as_if: Mapping[str, str] = field(default_factory=dict)
    pins: Pins = field(default_factory=dict)
    build: str = ""
    quiet_build: bool = False
    fresh: bool = False
    contexts: Callable[[str], Iterator[bytes]] | None = None
    supply: Callable[[str], bytes] | None = None


@dataclass(frozen=True)
class DownRequest:
    """Take the app away: containers and networks, with `volumes` also its data.

    It needs the hosts alone: `app` is the name, the file isn't asked for. `services` limits it.
    `images` is "all" or "local" where the images of what goes are removed too: all, or those that
    were built for it.
    """

    app: str
    owner: str = ""
    services: tuple[str, ...] = ()
    volumes: bool = False
    images: str = ""
    remove_orphans: bool = False
    known_services: tuple[str, ...] | None = None
    grace: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class ActRequest:
    """Do something with containers that are there; the file isn't asked for.

    `targets` limits it to services or replicas of the app. `known_services` are those that a
    file has, if there is one: having no container is no mistake then. The rest as in
    `orchestration.verbs.Acting`; `timeout` is how long to wait for what others depend on, `grace`
    how long a container may take to stop, in seconds.
    """

    verb: Verb
    app: str
    owner: str = ""
    targets: tuple[Target, ...] = ()
    known_services: tuple[str, ...] = ()
    grace: float | None = None
    signal: str = ""
    volumes: bool = False
    stop_first: bool = False
    alone: bool = False
    wait: bool = False
    timeout: float = 600.0
    dry_run: bool = False


@dataclass(frozen=True)
class Failure:
    """What went wrong with one container, with what a person needs to see at once.

    `log` is its last lines, `probe` the output of its last health check, `hint` the next thing
    to try, `kept` the name under which it is kept for a look.
    """

    subject: str
    host: str
    reason: str
    log: tuple[str, ...] = ()
    probe: str = ""
    hint: str = ""
    kept: str = ""


@dataclass(frozen=True)
class Published:
    """A service reached at `url` ("http://10.0.0.11:8080" for TCP, else "udp://…")."""

    subject: str
    host: str
    url: str


@dataclass(frozen=True)
class Outcome:
    """How a deployment ended: `state` is unchanged, planned, asks (nothing was done: see what the
    plan `loses`, moves or removes), done, failed, rolled back, abandoned or interrupted. `left`
    says what was left behind, a sentence each; `why` explains the placement of the services that
    the request asked about; `differences` is what a dry run would change in the model that runs
    (revision `against`, 0 where none does), `saved` what is kept of its plan."""

    state: str
    plan: Plan
    exit_code: int
    error: str = ""
    failures: tuple[Failure, ...] = ()
    left: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    why: tuple[Explanation, ...] = ()
    differences: tuple[Difference, ...] = ()
    against: int = 0
    saved: SavedPlan | None = None


class Deploying(Protocol):
    """The calls that change an app. Every method raises NapError with its exit code."""

    def up(self, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...

    def run_plan(self, saved: SavedPlan, on_event: OnEvent, cancel: Cancel) -> Outcome:
        """Do what the saved plan says, and nothing where that isn't what would be done now."""

    def down(self, request: DownRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...
    def act(self, request: ActRequest, on_event: OnEvent, cancel: Cancel) -> Outcome: ...

    def wait(self, app: Target, targets: tuple[Target, ...]) -> Iterator[Ended]:
        """Each end of the app's containers that run now, or of the `targets` in it, as it comes."""
