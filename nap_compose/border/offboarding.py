"""Somebody leaves: what they have, what becomes of it, and what others must change."""

from __future__ import annotations

from typing import Protocol

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class OffboardRequest:
    """`user` leaves. What they own goes to the user `to`, or is stopped (`stop`), or runs on until
    an admin hands it over (`keep`); a `dry_run`, or none of the three, changes nothing."""

    user: str
    to: str = ""
    stop: bool = False
    keep: bool = False
    dry_run: bool = False

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.to or self.stop or self.keep) and not self.dry_run


@dataclass(frozen=True)
class LeftApp:
    """An app of somebody who leaves: the engine `project` that it keeps, how many containers run,
    its volumes, where it is published, and with whom it is shared. `done` is what became of it,
    `problem` why nothing did."""

    app: str
    project: str
    running: int
    volumes: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    done: str = ""
    problem: str = ""


@dataclass(frozen=True)
class KnownSecret:
    """A secret that whoever leaves knows, or could: `of` is the app (OWNER/APP) or the registry,
    `kind` secret, environment or login."""

    of: str
    kind: str
    name: str


@dataclass(frozen=True)
class Offboarded:
    """What somebody who leaves has, and what became of it. `lent` are the apps of others that were
    shared with them, as `OWNER/APP (access)`; `sessions` how many were ended; `in_directory`
    whether they could log in again; `changed` is false where nothing was done."""

    user: str
    apps: tuple[LeftApp, ...] = ()
    lent: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    secrets: tuple[KnownSecret, ...] = ()
    sessions: int = 0
    in_directory: bool = False
    changed: bool = False
    warnings: tuple[str, ...] = ()


class Offboarding(Protocol):
    """The call about somebody who leaves. It raises NapError with its exit code."""

    def offboard(self, request: OffboardRequest) -> Offboarded: ...
