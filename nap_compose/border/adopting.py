"""Moving an app in that a host's own Compose runs, and back: what is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from nap_compose.border.deploying import Outcome
from nap_compose.border.words import Cancel, Target
from nap_compose.compose.model import App
from nap_compose.orchestration.events import OnEvent
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class AdoptRequest:
    """Make the Compose project `project` (empty: as the app is called) that runs on `host` an app
    of `owner`'s (empty: the caller's). With `leave_anonymous` what is in anonymous volumes may
    stay behind; the rest as in UpRequest."""

    app: App
    host: str
    owner: str = ""
    project: str = ""
    leave_anonymous: bool = False
    dry_run: bool = False
    timeout: float = 600.0
    supply: Callable[[str], bytes] | None = None
    contexts: Callable[[str], Iterator[bytes]] | None = None


@dataclass(frozen=True)
class StaysInPlace:
    """A volume of the app, `key` in its file, that stays on the host as `name`."""

    key: str
    name: str


@dataclass(frozen=True)
class Adoption:
    """What moving in comes to, or came to: the old `containers` that are stopped and kept, what
    `stays` in place, sentences that a person should read (`notes`), and the deployment. `down` is
    for how long the app was stopped, in seconds; `back` says that it failed, and the old
    containers run again."""

    app: str
    owner: str
    host: str
    project: str
    containers: tuple[str, ...]
    stays: tuple[StaysInPlace, ...]
    outcome: Outcome
    notes: tuple[str, ...] = ()
    down: float = 0.0
    back: bool = False


@dataclass(frozen=True)
class MovedBack:
    """An app that was given back to its host's own Compose: the old containers that run again, how
    taking it off the cluster ended, and what is to be seen to."""

    host: str
    containers: tuple[str, ...]
    outcome: Outcome
    notes: tuple[str, ...] = ()
    down: float = 0.0


class Adopting(Protocol):
    """The calls about moving in. Every method raises NapError with its exit code."""

    def adopt(self, request: AdoptRequest, on_event: OnEvent, cancel: Cancel) -> Adoption:
        """Move it in; where that was cut off, go on."""

    def move_back(self, target: Target, on_event: OnEvent, cancel: Cancel) -> MovedBack:
        """Take the app off the cluster and start its old containers, on the same volumes."""

    def settle_in(self, target: Target) -> tuple[str, ...]:
        """Remove the old containers, and with them the way back; gives their names."""
